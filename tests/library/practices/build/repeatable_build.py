"""Two builds without cache, from two folders with different file times, give the same files, byte for byte."""

import os
from pathlib import Path

from ... import image
from ...program import in_container
from .. import Sabotage, Subject, Violation, practice


@in_container()
def dated_sources() -> set[str]:
    """The sources whose bytecode records when they were written (PEP 552), if that was after the standard library was.

    Those of the base image may be among them: they were written once.
    """
    import os
    import sys
    from pathlib import Path

    library = [path for path in Path(os.__file__).parent.rglob("*.py") if "site-packages" not in path.parts]
    newest = max(path.stat().st_mtime for path in library)
    dated = set()
    for file in Path("/").glob("[!ps]*/**/__pycache__/*.pyc"):
        head = file.read_bytes()[:12]
        if not head[4] and int.from_bytes(head[8:12], "little") > newest:
            dated.add(str(file.parent.with_name(file.name.partition(f".{sys.implementation.cache_tag}")[0] + ".py")))
    return dated


@practice("taste", slow=True, builds=True)
def check(subject: Subject) -> None:
    base, first = image.files(subject.base), image.files(subject.built_image())
    # First what two builds within a minute would not show: days and times of the build that are kept in files.
    dated = image.run(subject.built_image(), dated_sources)
    if ours := dated - {f"/{name}" for name in base}:
        seen = f"{len(ours)} files of bytecode record the time of the build, that of {min(ours)} among them"
        raise Violation(seen, "docker compose run --rm {service} find / -name '*.pyc'")
    if first.get("etc/shadow") != base.get("etc/shadow"):
        seen = "/etc/shadow records the day of the build, of a user who was added"
        raise Violation(seen, "docker compose run --rm --user 0 {service} cat /etc/shadow")
    with subject.copied("a week later") as copy:
        for path in filter(Path.exists, copy.path.rglob("*")):  # a link may lead nowhere
            os.utime(path, (path.stat().st_mtime + 604_800,) * 2)
        copy.build(cache=False)
        second = image.files(copy.image_name)
    if different := sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name)):
        seen = f"{len(different)} files differ, {', '.join(different[:5])} among them"
        raise Violation(seen, "docker compose build --no-cache")


TURNS_RED = [Sabotage("bytecode with times", "final/Dockerfile", r"(?<= )checked-hash \.", "timestamp .")]
