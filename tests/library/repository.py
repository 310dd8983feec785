"""The files of this repository, also in a download that has no ``.git``."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .tutorial import ROOT

# What tools leave behind: it may be huge, and no build needs it.
LEFT_BEHIND = re.compile(r"(\.?venv|\.venv-[a-z]+|node_modules|__pycache__|\.tox|\.nox|\.[a-z]+_cache)$")


def files(folder: Path = ROOT) -> list[Path]:
    """What belongs to a folder, as paths relative to it: what Git knows, or would add."""
    if (ROOT / ".git").exists():
        ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=True).stdout.split("\0")
        return [Path(name) for name in names if (folder / name).is_file()]
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    ours = (path for path in paths if path.parts[0] not in ("exercises", "_site") and path.suffix != ".log")
    return [path for path in ours if not any(LEFT_BEHIND.match(part) for part in path.parts)]


def copy_files(folder: Path, to: Path) -> None:
    """Copy what belongs to a folder of this repository, and nothing else."""
    for file in files(folder):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / file, to / file)


def write_files(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write files with these texts into a folder, by their paths in it; return the folder."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def copy_folder(folder: Path, to: Path, without: str = "") -> list[str]:
    """Copy a folder but for what tools leave behind, and ``without``; return the names of what cannot be read."""
    unreadable: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(str(error.filename))):
        here = to / Path(parent).relative_to(folder)
        here.mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if not (LEFT_BEHIND.match(name) or name in (without, *links))]
        # In a worktree or a submodule, .git is a file that leads to the project's own repository.
        for name in (name for name in (*links, *names) if not (LEFT_BEHIND.match(name) or name == without)):
            path = Path(parent, name)
            try:
                if path.is_symlink():
                    (here / name).symlink_to(path.readlink())
                elif path.is_file():  # a socket or a pipe is none
                    shutil.copy2(path, here / name)
            except PermissionError:
                unreadable.append(str(path))
    return [str(Path(name).relative_to(folder)) for name in unreadable]
