"""The generated parts of the articles: cog calls these functions from comments in the pages, `make docs` calls cog."""

import difflib
import math
import textwrap
from collections.abc import Iterable
from itertools import groupby

import cog

from library import tutorial
from library.matrix import is_daily
from library.practices import PRACTICES, Practice
from library.sabotages import EXERCISES
from library.tutorial import ROOT, Folder
from website import drawings, reading
from website.links import anchor

FOLDERS = {folder.name: folder for folder in tutorial.load()}
LONG_LIST = 10  # practices; more are folded
LONG_DIFF = 40  # lines; a longer one is folded


def contents() -> None:
    """The table of contents of the front page."""
    rows = []
    for folder in FOLDERS.values():
        minutes = math.ceil(reading.minutes((folder.path / "README.md").read_text()))
        rows.append(f"| [{folder.name}]({folder.name}/README.md) | {folder.title} | {folder.promise} | {minutes} |")
    table(("Folder", "Title", "What you get", "Minutes to read"), rows)


def folder_map() -> None:
    _code("mermaid", drawings.folder_map(FOLDERS.values()))


def layers(*names: str) -> None:
    """The drawing of what a change of the code does to these folders' Dockerfiles."""
    files = {tutorial.short_name(name): (ROOT / name / "Dockerfile").read_text() for name in names}
    _code("mermaid", drawings.layers(files))


def stages(path: str) -> None:
    _code("mermaid", drawings.stages((ROOT / path).read_text()))


def scoreboard() -> None:
    """Practice by folder, family by family, for the page in tests/: what holds where, and which article teaches it."""
    head = ("Practice", *(f"[{tutorial.short_name(name)}](../{name}/README.md)" for name in FOLDERS))
    for family, practices in groupby(PRACTICES.values(), key=lambda practice: practice.family):
        cog.outl(f"\n### {family.capitalize()}\n")
        rows = []
        for practice in practices:
            cells = [_cell(folder, practice) for folder in FOLDERS.values()]
            rows.append(f"| `{practice.id}` {practice.sentence} | {' | '.join(cells)} |")
        table(head, rows)


def taught(*names: str) -> None:
    """Some practices and the folders that teach them, for the front page."""
    rows = []
    for name in names:
        folders = [folder.name for folder in FOLDERS.values() if name in folder.adds]
        links = ", ".join(f"[{tutorial.short_name(folder)}]({folder}/README.md)" for folder in folders)
        rows.append(f"| `{name}` {PRACTICES[name].sentence} | {links} |")
    table(("Practice", "Taught in"), rows)


def adds(name: str) -> None:
    """What a folder adds and gives up, as lists."""
    folder = FOLDERS[name]
    elsewhere = "one folder earlier" if folder.builds_on else "with `wrong.Dockerfile`"
    lines = [f"- `{practice}`: {PRACTICES[practice].sentence}" for practice in folder.adds]
    lines += [
        "",
        f"`make test STEP={name}` checks that each holds here, but not {elsewhere} or with one line changed.",
        f"[What fails without each line](../tests/lab/mutants.md#{name}).",
    ]
    if folder.gives_up:
        lines += ["", "**This step gives up what held before**", ""]
        lines += [f"- `{practice}`: {reason}" for practice, reason in folder.gives_up.items()]
    text = "\n".join(lines)
    is_long = len(folder.adds) > LONG_LIST
    cog.outl(
        _folded(f"This step adds {len(folder.adds)} practices", text) if is_long else f"**This step adds**\n\n{text}"
    )


def exercises(name: str) -> None:
    """The exercises that belong to a folder: what people say of each, and the commands."""
    here = [exercise for exercise in EXERCISES if exercise.folder.name == name]
    n = here[0].number
    cog.outl(f"In the root of your clone, `make exercise N={n}` lays out a copy of this folder with one thing broken.")
    cog.outl("Below is the complaint; find and repair its cause:\n")
    for exercise in here:
        cog.outl(textwrap.fill(f"- **N={exercise.number}** {exercise.sabotage.symptom}", 120, subsequent_indent="  "))
    check = f"`make check N={n}` says whether it works again, or what is still wrong."
    cog.outl(f"\n{check} `make hint N={n}` says what to look for.")


def diff(name: str, file: str = "Dockerfile") -> None:
    """How a file differs from the one in the folder that this one builds on (step 1: from what people write first)."""
    before = FOLDERS[name].before(file)
    old, new = (path.read_text().splitlines() if path.exists() else [] for path in (before, ROOT / name / file))
    lines = list(difflib.unified_diff(old, new, str(before.relative_to(ROOT)), f"{name}/{file}", lineterm=""))
    _code("diff", "\n".join(lines), folded=f"{len(lines)} lines" if len(lines) > LONG_DIFF else "")


def file(path: str, language: str, folded: str = "") -> None:
    """A file of the repository, whole; folded below a line that says what it is, if there is one."""
    _code(language, (ROOT / path).read_text().rstrip(), folded)


def part(path: str, language: str, begins: str, ends: str = "", folded: str = "") -> None:
    """Part of a file: from the line that begins with one text up to the line, left out, that begins with the other.

    Folded below a line that says what it is, if there is one.

    Raises:
        ValueError: no line begins so.
    """
    lines = (ROOT / path).read_text().rstrip().splitlines()

    def at(beginning: str, after: int = -1) -> int:
        for number, line in enumerate(lines):
            if number > after and line.startswith(beginning):
                return number
        raise ValueError(f"{path}: no line begins with {beginning!r}")

    first = at(begins)
    _code(language, "\n".join(lines[first : at(ends, first) if ends else None]).rstrip(), folded)


def sections(path: str) -> None:
    """Links to all sections of a page, in their order."""
    titles = [line[3:] for line in (ROOT / path).read_text().splitlines() if line.startswith("## ")]
    cog.outl(" · ".join(f"[{title}](#{anchor(title)})" for title in titles))


def navigation(name: str) -> None:
    """Links to the articles before and after, to the contents, and to what it builds on, if that is another."""
    names = list(FOLDERS)
    at = names.index(name)
    builds_on = FOLDERS[name].builds_on
    if builds_on and builds_on != (names[at - 1],):
        others = " and ".join(f"[{tutorial.short_name(other)}](../{other}/README.md)" for other in builds_on)
        cog.outl(f"Builds on {others} · in reading order:")
    links = [
        f"[← {FOLDERS[names[at - 1]].title}](../{names[at - 1]}/README.md)" if at else "",
        "[Contents](../README.md#contents)",
        f"[{FOLDERS[names[at + 1]].title} →](../{names[at + 1]}/README.md)" if at + 1 < len(names) else "",
    ]
    cog.outl(" · ".join(filter(None, links)))


def _cell(folder: Folder, practice: Practice) -> str:
    """What a cell says, in parentheses where `make test` does not look."""
    if not practice.applies_to(folder.has):
        return "–"
    cell = "yes" if practice.id in folder.holds else "no"
    if practice.id in folder.adds:
        cell = f"[**added**](../{folder.name}/README.md)"
    return cell if is_daily(folder, practice) else f"({cell})"


def table(head: tuple[str, ...], rows: Iterable[str]) -> None:
    """A table of the page: its head, and rows that are written already."""
    cog.outl(f"| {' | '.join(head)} |")
    cog.outl("|" + "---|" * len(head))
    for row in rows:
        cog.outl(row)


def _code(language: str, text: str, folded: str = "") -> None:
    code = f"```{language}\n{text}\n```"
    cog.outl(_folded(folded, code) if folded else code)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
