"""The app has a directory of its own, so that its files replace none of the system's."""

from pathlib import Path

from .. import Sabotage, Subject, Violation, practice


@practice("taste")
def check(subject: Subject) -> None:
    if (where := subject.shared_container().directory) in (Path("/"), Path("/root")):
        raise Violation(f"it works in {where}", "docker compose exec {service} pwd")


TURNS_RED = [Sabotage("no WORKDIR", "step-1-kiss/Dockerfile", r"\nWORKDIR .*", "")]
