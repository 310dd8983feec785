"""No layer of the image holds a cache of pip, Poetry, uv or apt."""

import re

from ... import image
from .. import Subject, Violation, practice

PIP_FETCHES = re.compile(r"(?<!uv )pip (?:--python \S+ )?(?:install|download) [^&;|]*")
# What pip, Poetry, uv and apt keep for the next time.
CACHES = re.compile(r"(^|/)\.cache/|\.whl$|^var/cache/apt/.*\.(deb|bin)$|^var/lib/apt/lists/.*_")


@practice("cost", slow=True)
def check(subject: Subject) -> None:
    by_hand = "docker compose run --rm --user 0 {service} du -sh /root/.cache"
    # pip (unlike uv) keeps what the index lets it keep. Where that is nothing, no layer shows what it holds elsewhere.
    for line in (line for stage in subject.parsed.last_stages for line in stage.instructions):
        for command in PIP_FETCHES.findall(line) if line.startswith("RUN") else ():
            if not re.search(r"--no-cache-dir|--no-index", command) and "target=/root/.cache" not in line:
                raise Violation(f"nothing takes away what this keeps: {command}", by_hand)
    if cached := sorted(image.find_in_layers(subject, lambda name, _: CACHES.search(name))):
        raise Violation(f"{len(cached)} files, {', '.join(cached[:3])} among them", by_hand)
