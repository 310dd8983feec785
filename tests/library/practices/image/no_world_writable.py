"""Except for /tmp and the like, nothing in the image can be written to by every user."""

from ...engine import docker
from ...subject import PYTHON
from .. import Sabotage, Subject, Violation, practice

# Run inside the container: what everybody may write to, in directories that everybody may enter. Devices, and
# directories with the sticky bit, as /tmp has it, are made for that; other file systems are not the image's.
WRITABLE_BY_EVERYBODY = """
import os, stat
image = os.lstat("/").st_dev
for place, folders, files in os.walk("/"):
    for name in [*folders, *files]:
        path = os.path.join(place, name)
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            continue  # it has just gone
        mode, is_folder = status.st_mode, stat.S_ISDIR(status.st_mode)
        if is_folder and (status.st_dev != image or not mode & stat.S_IXOTH):
            folders.remove(name)
        elif mode & stat.S_IWOTH and not (
            is_folder and mode & stat.S_ISVTX or stat.S_ISLNK(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
        ):
            print(path)
"""


@practice("access")
def check(subject: Subject) -> None:
    command = [*PYTHON, WRITABLE_BY_EVERYBODY]
    if found := str(docker.execute(subject.shared.container, command, user="0")).splitlines():
        raise Violation(
            f"{len(found)} that everybody can write to, {', '.join(found[:3])} among them",
            "docker compose run --rm --user 0 web find / -xdev -perm -2 ! -type l",
        )


TURNS_RED = [Sabotage("what uv leaves behind", "extra-2-caching", "Dockerfile", r" && rm /venv/\.lock", "")]
