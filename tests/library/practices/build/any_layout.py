"""Python finds the app's modules at the root of the project and below `src`, whatever directory it starts in."""

from ... import image
from ...engine import BuildFailed, NotReady
from ...program import in_container
from .. import NotAsked, Subject, Violation, practice


@in_container()
def can_import(name: str) -> bool:
    import importlib.util

    return bool(importlib.util.find_spec(name))


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
    for name in (subject.built_image(), copy.built_image()):
        if not image.run(name, can_import, code.name, workdir="/"):
            raise Violation(
                f"from another directory, Python does not find {code.name}",
                f"docker run --rm --workdir / --entrypoint python IMAGE -c 'import {code.name}'",
            )
