"""The files of this repository, also in a download that has no ``.git``, and where they can be seen."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .tutorial import ROOT

# What tests, tools and editors leave behind, in a download where no Git says so.
LEFT_BEHIND = re.compile(r"(^|/)(\.venv[^/]*|__pycache__|\.[a-z]+_cache|node_modules|exercises|_site|[^/]*\.log)(/|$)")


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


@dataclass(frozen=True)
class Source:
    """Where everybody can see the files.

    Args:
        page: the address of the repository's page, or nothing where none is known.
        commit: the version that links name.
    """

    page: str
    commit: str

    def link(self, path: str, *, folder: bool = False) -> str:
        """The address of a file or folder."""
        return f"{self.page}/{'tree' if folder else 'blob'}/{self.commit}/{path}"


def source() -> Source:
    """What a workflow of GitHub's, or Git, knows of this clone."""
    if "GITHUB_REPOSITORY" in os.environ:
        return Source(f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}", os.environ["GITHUB_SHA"])

    def git(*command: str) -> str:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return Source(web_address(git("remote", "get-url", "origin")), git("rev-parse", "HEAD"))


def web_address(remote: str) -> str:
    """The address of a repository's page, from the one that Git uses; nothing where that is no address in the web."""
    found = re.fullmatch(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", remote)
    return f"https://{found[1]}/{found[2]}" if found else ""
