"""All modules of app and packages have valid bytecode, and a start on a read-only file system compiles nothing."""

import re

from ...engine import NotReady, run_to_its_end
from .. import Sabotage, Subject, Violation, practice
from ..installed import APP_INTERPRETER, installed

# Run inside the container: the modules of these distributions and in the working directory without valid bytecode.
WITHOUT_BYTECODE = """
import importlib.metadata, importlib.util, pathlib, re, sys
def is_valid(source):
    try:
        data = pathlib.Path(importlib.util.cache_from_source(source)).read_bytes()
    except FileNotFoundError:
        return False
    if data[:4] != importlib.util.MAGIC_NUMBER:
        return False
    if data[4] & 1:
        return data[8:16] == importlib.util.source_hash(source.read_bytes())
    stat = source.stat()
    return data[8:16] == b"".join((int(n) & 0xFFFFFFFF).to_bytes(4, "little") for n in (stat.st_mtime, stat.st_size))
there = [one for one in importlib.metadata.distributions() if re.sub("[-_.]+", "-", one.name).lower() in sys.argv[1:]]
files = [file.locate() for one in there for file in one.files or ()]
files += pathlib.Path.cwd().rglob("*.py")
modules = {pathlib.Path(file).resolve() for file in files if file.suffix == ".py" and pathlib.Path(file).exists()}
print(*sorted(str(module) for module in modules if not is_valid(module)), sep="\\n")
"""


@practice("cost", slow=True)
def check(subject: Subject) -> None:
    interpreter = subject.shared.look(APP_INTERPRETER)
    command = ["-B", "-c", WITHOUT_BYTECODE, *installed(subject)]
    # In a container of its own: one that serves may have written its bytecode by now.
    if found := run_to_its_end(subject.image, *command, entrypoint=interpreter).stdout.split():
        raise Violation(
            f"{len(found)} modules without valid bytecode, {', '.join(found[:3])} among them",
            "docker compose run --rm web find . -name '*.pyc'",
        )
    with subject.started(read_only=True, environment={**subject.reachable_with, "PYTHONVERBOSE": "1"}) as running:
        try:
            running.wait_until_ready()
        except NotReady as error:
            raise Violation(error.brief, "docker compose run --rm --read-only web") from error
        running.get()
        if compiled := sorted(set(re.findall(r"^# code object from (/.*)$", running.log, re.MULTILINE))):
            raise Violation(
                f"compiled at the start: {len(compiled)} modules, {', '.join(compiled[:3])} among them",
                'docker compose run --rm --env PYTHONVERBOSE=1 web 2>&1 | grep "code object from /"',
            )


TURNS_RED = [
    Sabotage(
        "packages not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"UV_COMPILE_BYTECODE=1 ",
        "",
        symptom="When many visitors come at once, new containers start. Each takes longer to its first answer than last"
        " month, and a whole processor for it.",
    ),
    Sabotage(
        "standard library not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"RUN python -m compileall .*/python3\.\*\n",
        "",
    ),
    Sabotage(
        "app not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"(?<=a\+rX \.) && python -m compileall -q --invalidation-mode checked-hash \.",
        "",
    ),
]
