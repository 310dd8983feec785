"""`docker compose run --rm test` runs the app's tests, with any restrictions the app has, and fails if a test fails."""

import re
import secrets
from dataclasses import replace

from ... import edits
from ...engine import BuildFailed, inspect
from ...subject import Running
from .. import Sabotage, Subject, Violation, practice
from ..canaries import CANARY_TEST


@practice("unnoticed", slow=True, builds=True, needs="test-service")
def check(subject: Subject) -> None:
    by_hand = "docker compose run --rm --build test"
    if "test" not in subject.services(["test"]):
        raise Violation("no service is called test", by_hand)
    if "test" in subject.services([]):
        raise Violation("`docker compose up` runs the tests, too", "docker compose config --services")
    with replace(subject, name=f"{subject.name} its tests", service="test").started() as running:
        running.ends(60)
        if running.container.state.running or running.exit_code or not re.search(r"\d+ passed", running.log):
            raise Violation(f"the container's log ends:\n{running.log[-500:]}", by_hand)
        tests, app = _restrictions(running), _restrictions(subject.shared_container())
        if weaker := [name for name in app if app[name] and tests[name] != app[name]]:
            raise Violation(f"the app has them, and its tests have not: {', '.join(weaker)}", by_hand)
    canary = f"test_{secrets.token_hex()}"
    with subject.copied("with a test that fails", service="test") as copy:
        (copy.source / "tests/test_canary.py").write_text(CANARY_TEST.format(name=canary, outcome=False))
        if not copy.services()["test"].get("volumes"):  # a build may correct the modes, a mount cannot
            edits.close_to_others(copy)
        try:
            with copy.started() as running:
                running.ends(60)
                code, log = running.exit_code, running.log
        except BuildFailed as stopped:  # a stage that runs them itself stops there
            code, log = 1, stopped.output
        if not code or not re.search(rf"FAIL.*{canary}", log):
            raise Violation(f"a test fails, and its log ends:\n{log[-500:]}", by_hand)


def _restrictions(running: Running) -> dict[str, object]:
    """What the engine keeps a container from, by its own names for it."""
    settings = inspect(running.container.id)
    host = ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "Memory", "PidsLimit", "LogConfig")
    return {"User": settings["Config"]["User"], **{name: settings["HostConfig"][name] for name in host}}


TURNS_RED = [Sabotage("tests that everybody starts", "step-5-larger/compose.yaml", r"    profiles: \[test\]\n", "")]
