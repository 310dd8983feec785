"""Python finds the app's modules at the root of the project and below `src`, whatever directory it starts in."""

from ...engine import BuildFailed, NotReady, run_to_its_end
from ...program import PYTHON
from .. import NotAsked, Subject, Violation, practice


@practice("ours", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    by_hand = (f"mkdir src; mv {subject.code.name} src", "docker compose up --build")
    with subject.copied("with its code below src") as copy:
        code = copy.code
        if code == copy.source or code.name == "src":
            raise NotAsked("it moves the app's package below src, and there is none at the root")
        (copy.source / "src").mkdir()
        code.rename(copy.source / "src" / code.name)
        try:
            with copy.started(restart="no") as running:
                running.wait_until_ready()
        except (BuildFailed, NotReady) as error:
            raise Violation(error.brief, *by_hand) from error
    look = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec('{code.name}'))"
    for name in (subject.built_image(), copy.built_image()):
        if run_to_its_end(name, *PYTHON[1:], look, entrypoint=PYTHON[0], workdir="/", check=False).returncode:
            raise Violation(
                f"from another directory, Python does not find {code.name}",
                f"docker run --rm --workdir / --entrypoint python IMAGE -c 'import {code.name}'",
            )
