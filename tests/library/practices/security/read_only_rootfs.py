"""Started by compose, the app has a read-only root file system, and serves all the same."""

from ...program import look
from .. import Sabotage, Subject, Violation, practice


@look()
def root_options() -> list[str]:
    from pathlib import Path

    mounts = map(str.split, Path("/proc/mounts").read_text().splitlines())
    return next(columns[3].split(",") for columns in mounts if columns[1] == "/")


@practice("access", needs="compose")
def check(subject: Subject) -> None:
    options = subject.shared_container().look(root_options)
    if "ro" not in options:
        seen = f"the root file system is mounted {options[0]}"
        raise Violation(seen, "docker compose exec {service} grep ' / ' /proc/mounts")
    if not subject.shared_container().answers():
        raise Violation("it no longer answers", "{curl} {url}")


TURNS_RED = [
    Sabotage(
        "read_only removed",
        "final/compose.yaml",
        r"  read_only: true\n",
        "",
        also={"data-volume"},
        symptom="Somebody broke in and left a program beside our code. It ran there until the next deploy.",
    )
]
