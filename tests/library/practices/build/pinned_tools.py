"""Every Python image in the Dockerfile names a Debian release, and every tool of the build has a version."""

import re

from ...dockerfile import OF_PYTHON
from .. import Subject, Violation, practice

# What names a release of Debian (or of the distribution that a project has chosen), or the very image.
RELEASE = re.compile(r"forky|trixie|bookworm|bullseye|(alpine|debian|ubuntu|ubi|fedora):?\d|@sha256:")

UNPINNED = re.compile(r"[a-z][\w.\[\]-]*(?<!\.txt)")  # a package without a version; no list of packages


@practice("unnoticed", builds=True)
def check(subject: Subject) -> None:
    for base in (subject.parsed.base_image, *subject.parsed.images):
        if (OF_PYTHON.match(base) or base == subject.parsed.base_image) and not RELEASE.search(base):
            seen = f"FROM {base} moves to the next Debian release when its maintainers do"
            raise Violation(seen, "docker compose build --pull")
    for base in subject.parsed.images:
        if not re.search(r":\d|@sha256:", base):
            raise Violation(f"{base} moves to another version when its maintainers do", "docker compose build --pull")
    for line in subject.parsed.instructions:
        for arguments in re.findall(r"pip (?:--python \S+ )?install ([^&;|]*)", line):
            if loose := [word for word in arguments.split() if UNPINNED.fullmatch(word)]:
                raise Violation(f"no version for {', '.join(loose)} in: {line}", "docker compose build --no-cache")
    text = "\n".join(subject.parsed.instructions)
    for tool in ("poetry", "pdm", "pipenv"):
        if re.search(rf"\b{tool} (install|export|sync)\b", text) and not re.search(rf"\b{tool}(==|:\d)", text):
            seen = f"no version for {tool}, which comes with something else"
            raise Violation(seen, "docker compose build --no-cache")
