"""Except for /tmp and the like, nothing in the image can be written to by every user."""

from ...program import in_container
from .. import Sabotage, Subject, Violation, practice


@in_container()
def writable_by_everybody() -> list[str]:
    """What everybody may write to, in directories that everybody may enter.

    Devices, and directories with the sticky bit, as /tmp has it, are made for that; other file systems are not the
    image's.
    """
    import os
    import stat

    image = os.lstat("/").st_dev
    writable = []
    for place, folders, files in os.walk("/"):
        for name in [*folders, *files]:
            path = os.path.join(place, name)  # noqa: PTH118  for each file of an image
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue  # it has just gone
            mode, is_folder = status.st_mode, stat.S_ISDIR(status.st_mode)
            if is_folder and (status.st_dev != image or not mode & stat.S_IXOTH):
                folders.remove(name)
            elif mode & stat.S_IWOTH and not (
                (is_folder and mode & stat.S_ISVTX) or stat.S_ISLNK(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
            ):
                writable.append(path)
    return writable


@practice("access")
def check(subject: Subject) -> None:
    if paths := subject.shared_container().run(writable_by_everybody, user="0"):
        seen = f"{len(paths)} that everybody can write to, {', '.join(paths[:3])} among them"
        raise Violation(seen, "docker compose run --rm --user 0 {service} find / -xdev -perm -2 ! -type l")


TURNS_RED = [Sabotage("what uv leaves behind", "extra-2-caching/Dockerfile", r" && rm /venv/\.lock", "")]
