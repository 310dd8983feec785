"""Started by compose, no process has a capability, and none can gain one (no-new-privileges)."""

from .. import Sabotage, Subject, Violation, practice
from ..processes import app_statuses


@practice("access", needs="compose")
def check(subject: Subject) -> None:
    rights = []
    for status in subject.shared_container().look(app_statuses):
        sets = ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")
        more = [f"{name}={status[name].strip()}" for name in sets if int(status[name], 16)]
        more += ["NoNewPrivs=0"] if status["NoNewPrivs"].strip() != "1" else []
        rights += [" ".join([status["Name"].strip(), *more])] if more else []
    if rights:
        seen = "\n".join(rights)
        raise Violation(seen, "docker compose exec {service} grep --extended-regexp '^(Cap|NoNewPrivs)' /proc/1/status")


TURNS_RED = [Sabotage("capabilities kept", "final/compose.yaml", r"  cap_drop: .*\n", "")]
