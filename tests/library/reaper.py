"""Remove what a test session started, however that session ends.

The session keeps this process's standard input open, so its end is seen here even when the session is killed: then
everything goes whose name begins with the session's. Usage: ``python reaper.py SESSION SCRATCH_FOLDER``.
"""

import shutil
import subprocess
import sys
import time


def docker(*arguments: str) -> list[str]:
    """Run docker and return what it printed, split at white space; what cannot be removed yet is tried again."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout.split()


def sweep(session: str) -> bool:
    """Remove everything of the session, and say whether there was anything."""
    removed = False
    for names, remove in (
        (f"ps --all --quiet --filter name={session}", "rm --force --volumes"),
        (f"network ls --quiet --filter name={session}", "network rm"),
        (f"volume ls --quiet --filter name={session}", "volume rm --force"),
        # By name: the same image may have a name of another session, too, which goes on.
        (f"image ls --format {{{{.Repository}}}}:{{{{.Tag}}}} --filter reference={session}*", "image rm --force"),
    ):
        if leftovers := sorted(set(docker(*names.split()))):
            docker(*remove.split(), *leftovers)
            removed = True
    if unnamed := replaced_images(session):
        docker("image", "rm", "--force", *unnamed)
        removed = True
    return removed


def replaced_images(session: str) -> list[str]:
    """Images that a later build of the same name has left without one: compose's label says whose they are."""
    label = "com.docker.compose.project"
    ids = docker("image", "ls", "--quiet", "--filter", "dangling=true", "--filter", f"label={label}")
    owned = docker("image", "inspect", "--format", f'{{{{.Id}}}} {{{{index .Config.Labels "{label}"}}}}', *ids)
    return [image for image, owner in zip(owned[::2], owned[1::2], strict=True) if owner.startswith(session)]


def main(session: str, scratch: str) -> None:
    killed = sys.stdin.read() != "done"
    if killed:
        # Clients that the session left behind would go on and start more.
        subprocess.run(["pkill", "-f", f"project-name {session}"], check=False)
        time.sleep(1)
    for _ in range(10):
        if not sweep(session):
            break
        time.sleep(0.2)
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
