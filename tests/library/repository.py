"""The files of this repository, also in a download that has no ``.git``."""

import re
import shutil
import subprocess
from pathlib import Path

from .tutorial import ROOT

# What tests, tools and editors leave behind, in a download where no Git says so.
LEFT_BEHIND = re.compile(r"(^|/)(\.venv[^/]*|__pycache__|\.[a-z]+_cache|node_modules|exercises|[^/]*\.log)(/|$)")


def files(folder: Path = ROOT) -> list[Path]:
    """What belongs to a folder, as paths relative to it: what Git knows, or would add."""
    if (ROOT / ".git").exists():
        ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=True).stdout.split("\0")
        return [Path(name) for name in names if (folder / name).is_file()]
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path for path in paths if not LEFT_BEHIND.search(str(path))]


def copy_files(folder: Path, to: Path) -> None:
    """Copy what belongs to a folder, and nothing else."""
    for file in files(folder):
        (to / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / file, to / file)
