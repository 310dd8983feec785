"""When one dependency has changed, a build downloads that one only, and takes the others from a cache mount."""

import secrets
from dataclasses import replace

from ... import edits
from .. import Sabotage, Subject, Violation, practice


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    _require_cached_downloads(subject, "docker compose --progress plain build")
    if "test" in subject.parsed.stage_names:
        _require_cached_downloads(replace(subject, target="test"), "docker build --progress plain --target test .")


def _require_cached_downloads(subject: Subject, by_hand: str) -> None:
    # What other builds have left in the cache mounts says nothing of this Dockerfile: these are empty.
    mounts = secrets.token_hex(4)
    with subject.copied("with another version of one dependency") as copy:
        name = edits.change_dependency(copy)
        if any("type=cache" in line for line in copy.parsed.instructions):
            copy.build(mounts=mounts)  # fills them
            edits.change_dependency(copy)
        if others := copy.build(mounts=mounts).downloads() - {name}:
            raise Violation(
                f"downloaded, though only {name} has changed: {', '.join(sorted(others))}",
                f"change the version of {name} and its hashes in the lock file",
                f"{by_hand} | grep Downloading",
            )


TURNS_RED = [
    Sabotage(
        "downloads in no cache mount",
        "extra-2-caching/Dockerfile",
        r"--mount=type=cache,target=/root/\.cache/uv \\\n +",
        "",
        symptom="We update one package, and the build downloads all of them again.",
    )
]
