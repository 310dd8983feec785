"""The app has a directory of its own, so that its files replace none of the system's."""

from ...program import look
from .. import Sabotage, Subject, Violation, practice


@look()
def working_directory() -> str:
    from pathlib import Path

    return str(Path.cwd())


@practice("taste")
def check(subject: Subject) -> None:
    if (where := subject.shared_container().look(working_directory)) in ("/", "/root"):
        raise Violation(f"it works in {where}", "docker compose exec {service} pwd")


TURNS_RED = [Sabotage("no WORKDIR", "step-1-kiss/Dockerfile", r"\nWORKDIR .*", "")]
