"""Workers show in memory, and not on a disk, that they are alive, so a busy disk makes none of them look dead."""

from ...program import look
from .. import Sabotage, Subject, Violation, practice


@look()
def heartbeats_on_disk() -> list[str]:
    """The files by which gunicorn's workers show that they live, as far as this user may see them."""
    import glob
    import os

    files = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):  # noqa: PTH207  who has just ended is no error
        try:
            files.append(os.readlink(link))  # noqa: PTH115  Path has it since Python 3.9
        except OSError:
            continue
    return [file for file in files if "/wgunicorn-" in file and not file.startswith("/dev/shm/")]  # noqa: S108


@practice("loss")
def check(subject: Subject) -> None:
    if files := subject.shared_container().look(heartbeats_on_disk):
        seen = f"a worker's file is {files[0]}"
        raise Violation(seen, "docker compose exec {service} sh -c 'ls -l /proc/*/fd | grep wgun'")


TURNS_RED = [Sabotage("workers' files on a disk", "step-3-basic/gunicorn.conf.py", r"\nworker_tmp_dir = .*", "")]
