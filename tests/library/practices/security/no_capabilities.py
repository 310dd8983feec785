"""Started by compose, no process has a capability, and none can gain one (no-new-privileges)."""

from ...subject import look
from .. import Sabotage, Subject, Violation, practice
from ..processes import APP_PROCESSES

# Run inside the container: what each of the app's processes may do beyond an ordinary one's rights, and whether it can
# get more.
RIGHTS = look(
    APP_PROCESSES
    + """
for pid in app_processes():
    try:
        lines = open(f"/proc/{pid}/status").read().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        continue  # it has just ended
    status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
    may = {name: status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb") if int(status[name], 16)}
    if status["NoNewPrivs"].strip() != "1":
        may["NoNewPrivs"] = "0"
    if may:
        print(status["Name"].strip(), *(f"{name}={value.strip()}" for name, value in may.items()))
"""
)


@practice("access", needs="compose")
def check(subject: Subject) -> None:
    if found := subject.shared.look(RIGHTS):
        raise Violation(found, "docker compose exec web grep --extended-regexp '^(Cap|NoNewPrivs)' /proc/1/status")


TURNS_RED = [Sabotage("capabilities kept", "final", "compose.yaml", r"  cap_drop: .*\n", "")]
