"""Where everybody can see the files of this repository."""

import os
import re
import subprocess
from dataclasses import dataclass

from library.tutorial import ROOT


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
    parts = re.fullmatch(r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", remote)
    return f"https://{parts[1]}/{parts[2]}" if parts else ""
