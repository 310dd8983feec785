"""The generated parts of the articles: cog calls these functions from comments in the pages, `make docs` calls cog."""

import difflib
import html
import json
import math
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import cog

from library import mutations, tutorial
from library.matrix import is_daily
from library.practices import PRACTICES, Practice
from library.sabotages import EXERCISES, SABOTAGES
from library.tutorial import ROOT, Folder
from tools import drawings, reading

FOLDERS = {folder.name: folder for folder in tutorial.load()}
MUTATIONS = ROOT / "assets/mutations.json"
LONG_LIST = 10  # practices; more are folded
LONG_DIFF = 40  # lines; a longer one is folded


def contents() -> None:
    """The table of contents of the front page."""
    rows = []
    for folder in FOLDERS.values():
        minutes = math.ceil(reading.minutes((folder.path / "README.md").read_text()))
        rows.append(f"| [{folder.name}]({folder.name}/README.md) | {folder.title} | {folder.promise} | {minutes} |")
    _table(("Folder", "Title", "What you get", "Minutes to read"), rows)


def folder_map() -> None:
    """The drawing of what builds on what."""
    _code("mermaid", drawings.folder_map(FOLDERS.values()))


def layers(*names: str) -> None:
    """The drawing of what a change of the code does to these folders' Dockerfiles."""
    files = {tutorial.short_name(name): (ROOT / name / "Dockerfile").read_text() for name in names}
    _code("mermaid", drawings.layers(files))


def stages(path: str) -> None:
    """The drawing of a Dockerfile's stages."""
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
        _table(head, rows)


def taught(*names: str) -> None:
    """Some practices and the folders that teach them, for the front page."""
    rows = []
    for name in names:
        folders = [folder.name for folder in FOLDERS.values() if name in folder.adds]
        links = ", ".join(f"[{tutorial.short_name(folder)}]({folder}/README.md)" for folder in folders)
        rows.append(f"| `{name}` {PRACTICES[name].sentence} | {links} |")
    _table(("Practice", "Taught in"), rows)


def hadolint() -> None:
    """What hadolint, with its own defaults, finds in each folder's Dockerfile, beside what the practices see."""
    rows = []
    texts = [(folder.path / "Dockerfile").read_text() for folder in FOLDERS.values()]
    for folder, findings in zip(FOLDERS.values(), _findings(texts), strict=True):
        said = ", ".join(
            f"{rule}{f' ({count} times)' if count > 1 else ''}" for rule, count in sorted(findings.items())
        )
        asked = [practice for practice in PRACTICES.values() if practice.applies_to(folder.has)]
        missing = [practice.id for practice in asked if practice.id not in folder.holds]
        name = f"[{tutorial.short_name(folder.name)}](../{folder.name}/Dockerfile)"
        rows.append(f"| {name} | {said or 'nothing'} | {len(missing)} of {len(asked)} |")
    _table(("Dockerfile", "hadolint finds", "practices that are seen not to hold"), rows)


def hadolint_on_sabotages() -> None:
    """The changed lines of Dockerfiles that practices notice, and what hadolint says of each that it did not before."""
    rows = []
    sabotages = [sabotage for sabotage in SABOTAGES if sabotage.file.endswith("Dockerfile")]
    before = [(ROOT / sabotage.folder / sabotage.file).read_text() for sabotage in sabotages]
    after = [re.sub(sabotage.old, sabotage.new, text) for sabotage, text in zip(sabotages, before, strict=True)]
    for sabotage, was, found in zip(sabotages, _findings(before), _findings(after), strict=True):
        new = found - was
        practices = ", ".join(f"`{name}`" for name in sorted(sabotage.breaks))
        where = tutorial.short_name(sabotage.folder)
        rows.append(f"| {where}: {sabotage.what} | {practices} | {', '.join(sorted(new)) or 'nothing'} |")
    _table(("One changed line", "practices that notice", "hadolint finds"), rows)


def _findings(dockerfiles: list[str]) -> list[Counter[str]]:
    """How often each Dockerfile breaks each rule of hadolint's, without the settings of this repository."""
    with TemporaryDirectory() as elsewhere:
        files = [Path(elsewhere, f"{number}.Dockerfile") for number, _ in enumerate(dockerfiles)]
        for file, text in zip(files, dockerfiles, strict=True):
            file.write_text(text)
        hadolint = Path(sys.executable).with_name("hadolint")
        command = [str(hadolint), "--no-fail", "--format=json", *map(str, files)]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [Counter(finding["code"] for finding in found if finding["file"] == str(file)) for file in files]


def mutants() -> None:
    """What came of the mutants of each folder, as far as they have been judged, and what survives."""
    results = json.loads(MUTATIONS.read_text())["folders"]
    rows, survivors = [], []
    for folder in FOLDERS.values():
        name, count = tutorial.short_name(folder.name), mutations.figures(folder, results)
        share = "–" if count.missing else f"{count.share:.1%}"
        cells = (
            count.killed, count.survive, share, count.refused, count.equivalent, count.missing or "–",
            count.elsewhere or "–",
        )  # fmt: skip
        rows.append(f"| {name} | {' | '.join(map(str, cells))} |")
        survivors += [f"- {name}, {_said(mutant)}" for mutant in mutations.survivors(folder, results)]
    columns = ("killed", "survive", "killed of both", "refused", "equivalent", "not judged yet", "asked earlier")
    _table(("Folder", *columns), rows)
    if survivors:
        cog.outl(f"\n<details><summary>What survives ({len(survivors)})</summary>\n")
        cog.outl("\n".join(survivors))
        cog.outl("\n</details>")


def defended() -> None:
    """For each line of each folder's files what turns red without it: a table for each file.

    Lines that were asked about in a folder that this one builds on are counted: they stand in that folder's tables.
    """
    for folder in FOLDERS.values():
        cog.outl(f"\n### {folder.name}")
        _defended(folder)


def _defended(folder: Folder) -> None:
    results = mutations.known(folder, json.loads(MUTATIONS.read_text())["folders"])
    reasons = mutations.equivalents(folder.name)
    elsewhere = _asked_in(folder, results)
    for file in mutations.FILES:
        path = folder.path / file
        lines = mutations.by_line(path) if path.exists() else {}
        # What is equivalent says something of a line only where nothing else is.
        judged = {
            line: [mutant for mutant in found if mutant.id in results or mutant.id in reasons]
            for line, found in lines.items()
            if any(mutant.id in results for mutant in found) or all(mutant.id in reasons for mutant in found)
        }
        rows: list[str] = []
        counts: Counter[str] = Counter()
        for line, found in judged.items():
            noticed = [mutant for mutant in found if results.get(mutant.id, {}).get("outcome") in mutations.NOTICED]
            if all(mutant.id in elsewhere for mutant in noticed or found):
                counts[elsewhere[(noticed or found)[0].id]] += 1
            else:
                defence = html.escape(mutations.defence(found, results, reasons), quote=False).replace("|", "\\|")
                rows.append(f"| {_said(line)} | {defence} |")
        if rows or counts:
            cog.outl(f"\n`{file}`\n")
            if rows:
                _table(("Line", "Without it, or with less"), rows)
            for base, count in counts.items():
                cog.outl(f"\nAs in [{tutorial.short_name(base)}](#{base}): {count} line{'s' * (count > 1)}.")


def _asked_in(folder: Folder, results: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The mutants of a folder that were asked about, or called equivalent, in a folder it builds on, and in which."""
    equivalent = {mutant: base for base in folder.builds_on for mutant in mutations.equivalents(base)}
    return equivalent | {mutant: entry["in_folder"] for mutant, entry in results.items() if "in_folder" in entry}


def _said(text: str) -> str:
    """Code in a cell of a table or in a list."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def adds(name: str) -> None:
    """What a folder adds and gives up, as lists."""
    folder = FOLDERS[name]
    lines = [f"- `{practice}`: {PRACTICES[practice].sentence}" for practice in folder.adds]
    if folder.gives_up:
        lines += ["", "**This step gives up**", ""]
        lines += [f"- `{practice}`: {reason}" for practice, reason in folder.gives_up.items()]
    lines += [
        "",
        f"`make test STEP={name}` checks that each holds here, and fails one folder earlier, or with one line changed.",
        f"[What fails without each line](../tests/mutants.md#{name}).",
    ]
    if len(folder.adds) > LONG_LIST:
        lines = [
            f"<details><summary>This step adds {len(folder.adds)} practices</summary>",
            "",
            *lines,
            "",
            "</details>",
        ]
    else:
        lines = ["**This step adds**", "", *lines]
    cog.outl("\n".join(lines))


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
        found = [number for number, line in enumerate(lines) if number > after and line.startswith(beginning)]
        if not found:
            raise ValueError(f"{path}: no line begins with {beginning!r}")
        return found[0]

    first = at(begins)
    _code(language, "\n".join(lines[first : at(ends, first) if ends else None]).rstrip(), folded)


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


def _table(head: tuple[str, ...], rows: Iterable[str]) -> None:
    cog.outl(f"| {' | '.join(head)} |")
    cog.outl("|" + "---|" * len(head))
    for row in rows:
        cog.outl(row)


def _code(language: str, text: str, folded: str = "") -> None:
    code = f"```{language}\n{text}\n```"
    cog.outl(f"<details><summary>{folded}</summary>\n\n{code}\n\n</details>" if folded else code)
