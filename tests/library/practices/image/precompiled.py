"""All modules of app and packages have valid bytecode, and a start on a read-only file system compiles nothing."""

import re

from ... import image
from ...engine import NotReady
from ...program import in_container
from .. import Sabotage, Subject, Violation, practice
from ..installed import app_interpreter, installed


@in_container()
def without_bytecode(names: list[str]) -> list[str]:
    """The modules of these distributions, and those in the working directory, that have no valid bytecode."""
    import importlib.metadata
    import importlib.util
    import re
    from pathlib import Path

    def is_valid(source: Path) -> bool:
        try:
            data = Path(importlib.util.cache_from_source(str(source))).read_bytes()
        except FileNotFoundError:
            return False
        if data[:4] != importlib.util.MAGIC_NUMBER:
            return False
        if data[4] & 1:
            return data[8:16] == importlib.util.source_hash(source.read_bytes())
        times = (source.stat().st_mtime, source.stat().st_size)
        return data[8:16] == b"".join((int(number) & 0xFFFFFFFF).to_bytes(4, "little") for number in times)

    files = list(Path.cwd().rglob("*.py"))
    for one in importlib.metadata.distributions():
        if re.sub("[-_.]+", "-", one.metadata["Name"]).lower() in names:
            files += [Path(str(file.locate())) for file in one.files or ()]
    modules = {file.resolve() for file in files if file.suffix == ".py" and file.exists()}
    return sorted(str(module) for module in modules if not is_valid(module))


@practice("cost", slow=True)
def check(subject: Subject) -> None:
    interpreter = app_interpreter(subject.shared_container())
    # In a container of its own: one that serves may have written its bytecode by now.
    if stale := image.run(subject.built_image(), without_bytecode, list(installed(subject)), interpreter=interpreter):
        seen = f"{len(stale)} modules without valid bytecode, {', '.join(stale[:3])} among them"
        raise Violation(seen, "docker compose run --rm {service} find . -name '*.pyc'")
    with subject.started(read_only=True, environment={**subject.reachable_with, "PYTHONVERBOSE": "1"}) as running:
        try:
            running.wait_until_ready()
        except NotReady as error:
            raise Violation(error.brief, "docker compose run --rm --read-only {service}") from error
        running.get()
        if compiled := sorted(set(re.findall(r"^# code object from (/.*)$", running.log, re.MULTILINE))):
            raise Violation(
                f"compiled at the start: {len(compiled)} modules, {', '.join(compiled[:3])} among them",
                'docker compose run --rm --env PYTHONVERBOSE=1 {service} 2>&1 | grep "code object from /"',
            )


TURNS_RED = [
    Sabotage(
        "packages not compiled",
        "extra-2-caching/Dockerfile",
        r"UV_COMPILE_BYTECODE=1 ",
        "",
        symptom="When many visitors come at once, new containers start. Each takes longer to its first answer than last"
        " month, and a whole processor for it.",
    ),
    Sabotage(
        "standard library not compiled", "extra-2-caching/Dockerfile", r"RUN python -m compileall .*/python3\.\*\n", ""
    ),
    Sabotage(
        "app not compiled",
        "extra-2-caching/Dockerfile",
        r"(?<=a\+rX \.) && python -m compileall -q --invalidation-mode checked-hash \.",
        "",
    ),
]
