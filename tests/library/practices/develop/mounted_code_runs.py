"""If you mount a changed file over the image's, the changed one runs, whatever bytecode the image has."""

from ...program import in_container
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..developing import save_in_modules


@in_container()
def those_there(paths: list[str]) -> list[str]:
    from pathlib import Path

    return [path for path in paths if Path(path).exists()]


@practice("cost", slow=True)
def check(subject: Subject) -> None:
    with subject.copied("to mount files of") as copy:
        word = save_in_modules(copy)
        inside = subject.shared_container().directory / copy.code.relative_to(copy.source)
        modules = {f"{inside}/{file.relative_to(copy.code)}": file for file in copy.modules()}
        there = subject.shared_container().run(those_there, list(modules))
        if not there:
            raise NotAsked(f"the image has none of the app's modules in {inside}: it mounts them one by one")
        for target in there:
            modules[target].chmod(0o644)  # the app's user reads it, whatever the umask of the clone was
        # Each by itself: a directory would cover the bytecode, too.
        mounts = [f"{modules[target]}:{target}:ro" for target in there]
        with subject.running(volumes=mounts) as running:
            if word not in running.log:
                by_hand = f"docker compose run --rm --volume ./{copy.code.name}/main.py:{inside}/main.py {{service}}"
                raise Violation("what is mounted has other code, and the image's own runs", by_hand)


TURNS_RED = [
    Sabotage(
        "bytecode that stands for any code",
        "extra-2-caching/Dockerfile",
        r"(?<=--invalidation-mode )checked-hash(?= \.)",
        "unchecked-hash",
    )
]
