"""All sabotages, the changes of a folder that turn practices red. Those with a symptom are the exercises, too.

The tests apply each of them and see its practices notice it; ``make exercise`` lays out a folder that has one.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from . import tutorial
from .practices import PRACTICES
from .practices import Sabotage as Sabotage
from .repository import copy_files
from .tutorial import Folder

FOLDERS = {folder.name: folder for folder in tutorial.load()}

# Lines that are only a comment, and in which files: comments say why something is there, and so what is missing.
COMMENTS = re.compile(r"^[ \t]*#(?!!).*\n", re.MULTILINE)
COMMENTED = {"", ".Dockerfile", ".py", ".yaml", ".ini", ".sh"}


def break_copy(path: Path, *sabotages: Sabotage) -> None:
    """Change a copy of a folder, and take away what would tell: the article, and comments."""
    for sabotage in sabotages:
        file = path / sabotage.file
        changed, count = re.subn(sabotage.old, sabotage.new, file.read_text())
        if count != 1:
            raise ValueError(f"{sabotage.old} is in {sabotage.path} {count} times, not once: adapt the sabotage")
        file.write_text(changed)
    (path / "README.md").unlink()
    for file in path.rglob("*"):
        if file.is_file() and file.suffix in COMMENTED:
            file.write_text(COMMENTS.sub("", file.read_text()))


SABOTAGES = sorted(
    (change for practice in PRACTICES.values() for change in practice.turns_red),
    key=lambda change: list(FOLDERS).index(change.folder),
)


@dataclass(frozen=True)
class Exercise:
    """A sabotage to find and repair; they are numbered from 1, in the order of the folders."""

    number: int
    sabotage: Sabotage

    @property
    def folder(self) -> Folder:
        return FOLDERS[self.sabotage.folder]

    @property
    def slug(self) -> str:
        """The name of its directory, and so of its compose project: another one than the folder's own."""
        return f"{self.number}-{self.folder.name}"

    def lay_out(self, path: Path) -> None:
        """Write the broken copy of the folder."""
        copy_files(self.folder.path, path)
        break_copy(path, self.sabotage)


EXERCISES = [Exercise(number, sabotage) for number, sabotage in enumerate((s for s in SABOTAGES if s.symptom), start=1)]
