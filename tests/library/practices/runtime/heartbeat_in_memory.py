"""Workers show in memory, and not on a disk, that they are alive, so a busy disk makes none of them look dead."""

from ...subject import look
from .. import Sabotage, Subject, Violation, practice

# Run inside the container: the files by which gunicorn's workers show that they live, as far as this user may see them.
HEARTBEATS = look("""
import glob, os
for link in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        file = os.readlink(link)
    except OSError:
        continue
    if "/wgunicorn-" in file and not file.startswith("/dev/shm/"):
        print(file)
""")


@practice("loss")
def check(subject: Subject) -> None:
    if found := subject.shared.look(HEARTBEATS):
        raise Violation(
            f"a worker's file is {found.splitlines()[0]}",
            "docker compose exec web sh -c 'ls -l /proc/*/fd | grep wgun'",
        )


TURNS_RED = [Sabotage("workers' files on a disk", "step-3-basic", "gunicorn.conf.py", r"\nworker_tmp_dir = .*", "")]
