"""The generated parts of the lab's pages: cog calls these functions from comments in ``mutants.md``."""

import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping

import cog

from lab import mutations
from lab.mutate import FILE
from library import tutorial
from library.tutorial import Folder
from tools.pages import FOLDERS, table

NOTICED = ("killed", "refused")  # what may come of a mutant, but for surviving


def mutants() -> None:
    """What came of the mutants of each folder, as far as they have been judged, and what survives."""
    results = json.loads(FILE.read_text())["folders"]
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
        _defended(folder)


def _defended(folder: Folder) -> None:
    results = mutations.known(folder, json.loads(FILE.read_text())["folders"])
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
