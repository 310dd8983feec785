"""Python finds the app's modules at the root of the project and below `src`, whatever directory it starts in."""

import shlex

from ...engine import BuildFailed, NotReady, run_to_its_end
from ...program import PYTHON
from .. import NotAsked, Sabotage, Subject, Violation, practice


@practice("ours", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    with subject.copied("with its code elsewhere") as copy:
        package, moved = _move(copy)
        try:
            with copy.started(restart="no") as running:
                running.wait_until_ready()
        except (BuildFailed, NotReady) as error:
            raise Violation(error.brief, moved, "docker compose up --build") from error
        built = (subject.built_image(), copy.built_image())
    look = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({package!r}))"
    for name in built:
        if run_to_its_end(name, *PYTHON[1:], look, entrypoint=PYTHON[0], workdir="/", check=False).returncode:
            seen = f"from another directory, Python does not find {package}"
            raise Violation(seen, f"docker run --rm --workdir / --entrypoint python IMAGE -c 'import {package}'")


def _move(copy: Subject) -> tuple[str, str]:
    """Move the app's package below src, or what is in src to the root: the package's name, and the move by hand."""
    code, root = copy.code, copy.source
    if code == root:
        raise NotAsked("it moves the app's package below src, and there is none at the root")
    if code.name != "src":
        (root / "src").mkdir()
        code.rename(root / "src" / code.name)
        return code.name, f"mkdir src; mv {shlex.quote(code.name)} src"
    packages = sorted(path.parent.name for path in code.glob("*/__init__.py"))
    if not packages:
        raise NotAsked("it moves what is in src to the root, and there is no package")
    for path in code.iterdir():
        path.rename(root / path.name)
    code.rmdir()
    return packages[0], "mv src/* . && rmdir src"


TURNS_RED = [
    Sabotage("modules below src not found", "final/Dockerfile", r"PYTHONPATH=/app:/app/src", "PYTHONPATH=/app"),
]
