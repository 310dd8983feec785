"""The generated parts of the lab's pages: cog calls these functions from comments in them."""

import html
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import cog

from lab import mutations
from lab.mutate import FILE
from library import tutorial
from library.practices import PRACTICES
from library.sabotages import SABOTAGES
from library.tutorial import ROOT, Folder
from website.pages import FOLDERS, table

NOTICED = ("killed", "refused")  # what may come of a mutant, but for surviving


def mutants() -> None:
    """What came of the mutants of each folder, as far as they have been judged, and what survives."""
    results = json.loads(FILE.read_text())["folders"]
    rows, survivors = [], []
    for folder in FOLDERS.values():
        name, count = tutorial.short_name(folder.name), mutations.figures(folder, results)
        share = "–" if count["missing"] else f"{mutations.share(count):.1%}"
        told = (count["killed"], count["survives"], share, count["refused"], count["equivalent"])
        cells = (*told, count["missing"] or "–", count["elsewhere"] or "–")
        rows.append(f"| {name} | {' | '.join(map(str, cells))} |")
        survivors += [f"- {name}, {_said(mutant)}" for mutant in mutations.survivors(folder, results)]
    columns = ("killed", "survive", "killed of both", "refused", "equivalent", "not judged yet", "asked earlier")
    table(("Folder", *columns), rows)
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
        _defended(folder, mutations.known(folder, json.loads(FILE.read_text())["folders"]))


def _defended(folder: Folder, results: Mapping[str, Mapping[str, str]]) -> None:
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
            noticed = [mutant for mutant in found if results.get(mutant.id, {}).get("outcome") in NOTICED]
            if all(mutant.id in elsewhere for mutant in noticed or found):
                counts[elsewhere[(noticed or found)[0].id]] += 1
            else:
                rows.append(f"| {_said(line)} | {_defence(found, results, reasons)} |")
        if rows or counts:
            cog.outl(f"\n`{file}`\n")
            if rows:
                table(("Line", "Without it, or with less"), rows)
            for base, count in counts.items():
                cog.outl(f"\nAs in [{tutorial.short_name(base)}](#{base}): {count} line{'s' * (count > 1)}.")


def _asked_in(folder: Folder, results: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The mutants of a folder that were asked about, or called equivalent, in a folder it builds on, and in which."""
    equivalent = {mutant: base for base in folder.builds_on for mutant in mutations.equivalents(base)}
    return equivalent | {mutant: entry["in_folder"] for mutant, entry in results.items() if "in_folder" in entry}


def _defence(
    found: Iterable[mutations.Mutant], results: Mapping[str, Mapping[str, str]], reasons: Mapping[str, str]
) -> str:
    """What came of the mutants of a line: what practices have noticed, or else what is known."""
    known = [(results.get(mutant.id, {}), reasons.get(mutant.id, "")) for mutant in found]
    if killed := [entry for entry, _ in known if entry.get("outcome") == "killed"]:
        others = dict.fromkeys(f"`{entry['by']}`" for entry in killed if entry["by"] != killed[0]["by"])
        seen = html.escape(killed[0]["seen"], quote=False).replace("|", "\\|")
        return f"`{killed[0]['by']}`: {seen}" + (f" (also {', '.join(others)})" if others else "")
    if refused := next((entry for entry, _ in known if entry.get("outcome") == "refused"), None):
        return "refused: it does not build" if refused["by"] == "builder" else "refused: it does not start"
    if all(reason for _, reason in known):
        return f"nothing: {known[0][1]}"
    return "nothing that is tested here"


def _said(text: str) -> str:
    """Code in a cell of a table or in a list."""
    return f"`{text.replace('|', chr(92) + '|')}`"


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
        name = f"[{tutorial.short_name(folder.name)}](../../{folder.name}/Dockerfile)"
        rows.append(f"| {name} | {said or 'nothing'} | {len(missing)} of {len(asked)} |")
    table(("Dockerfile", "hadolint finds", "practices that are seen not to hold"), rows)


def hadolint_on_sabotages() -> None:
    """The changed lines of Dockerfiles that practices notice, and what hadolint says of each that it did not before."""
    rows = []
    sabotages = [sabotage for sabotage in SABOTAGES if sabotage.file.endswith("Dockerfile")]
    before = [(ROOT / sabotage.path).read_text() for sabotage in sabotages]
    after = [re.sub(sabotage.old, sabotage.new, text) for sabotage, text in zip(sabotages, before, strict=True)]
    for sabotage, was, found in zip(sabotages, _findings(before), _findings(after), strict=True):
        new = found - was
        practices = ", ".join(f"`{name}`" for name in sorted(sabotage.breaks))
        where = tutorial.short_name(sabotage.folder)
        rows.append(f"| {where}: {sabotage.what} | {practices} | {', '.join(sorted(new)) or 'nothing'} |")
    table(("One changed line", "practices that notice", "hadolint finds"), rows)


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
