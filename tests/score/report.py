"""What ``make score`` prints: what matters most first, for a terminal, a page, a program, a code scanner or a badge."""

import html
import importlib.resources
import json
import posixpath
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from library import tutorial
from library.practices import MARKS, WEIGHTS, Answer, Practice, Weight
from library.practices.logs import COLOURS
from score.addresses import source
from score.project import Prepared

PAGE = Path(__file__).with_name("score.html")
STYLE = tutorial.ROOT / "tests/website/site.css"  # that of the site
FIRST = 3  # so many are shown with their commands; the others, on a line each, do not hide them
# How a code scanner calls it.
LEVELS: dict[Weight, str] = {"loss": "error", "access": "error", "unnoticed": "warning", "cost": "warning"}
COLOURS_OF_BADGE: dict[Weight, str] = {"loss": "red", "access": "red", "unnoticed": "orange", "cost": "yellow"}


@dataclass(frozen=True)
class Result:
    """What came of one practice, and the folder that teaches it."""

    practice: Practice
    answer: Answer
    folder: str
    by_hand: tuple[str, ...]

    @property
    def teacher(self) -> str:
        return self.folder or "no folder yet"

    @property
    def page(self) -> str:
        return f"{self.folder}/README.md" if self.folder else self.teacher

    @property
    def violated(self) -> bool:
        """Whether it was seen not to hold, be that a fault in every project or not."""
        return self.answer.outcome == "violated"

    @property
    def weight(self) -> Weight:
        return self.answer.weight or self.practice.weight

    @property
    def outcome(self) -> str:
        """As the answer has it; a violation that is no fault in every project is a remark."""
        return "remark" if self.violated and self.weight == "taste" else self.answer.outcome

    @property
    def said(self) -> str:
        return COLOURS.sub("", self.answer.reason).strip()

    @property
    def line(self) -> str:
        """Mark, name and what was said, on one line."""
        return f"{MARKS[self.outcome]} {self.practice.id}: {textwrap.shorten(self.said, 200, placeholder=' …')}"


Scored = tuple[Prepared, Sequence[Result]]  # what was asked, and what came of it


def taught_by(practice: str) -> str:
    """The first folder that adds a practice, or starts with it; "" while none does."""
    folders = tutorial.load()
    adding = [folder.name for folder in folders if practice in folder.adds]
    return next(iter(adding or [folder.name for folder in folders if practice in folder.starts_with]), "")


def remark(practice: str) -> str:
    """What final has to say of a practice that it does not hold itself."""
    final = next(folder for folder in tutorial.load() if folder.name == "final")
    if practice in final.holds:
        return ""
    return f"final does without: {final.gives_up.get(practice, 'it belongs to a larger app')}"


def by_weight(results: Sequence[Result]) -> list[Result]:
    """The worst first; of the same weight, what was seen not to hold."""
    weights, outcomes = list(WEIGHTS), list(MARKS)
    return sorted(results, key=lambda result: (weights.index(result.weight), outcomes.index(result.outcome)))


def faults(results: Sequence[Result]) -> list[Result]:
    """What was seen not to hold, but for remarks, the worst first."""
    return [result for result in by_weight(results) if result.outcome == "violated"]


def summary(name: str, results: Sequence[Result]) -> str:
    counts = Counter(result.outcome for result in results)
    remarks = f", {counts['remark']} are remarks" if counts["remark"] else ""
    line = f"{name}: {counts['holds']} hold, {counts['violated']} do not{remarks}"
    return f"{line}, {counts['not asked']} were not asked"


def compose_file(prepared: Prepared) -> str:
    """The compose file that the commands need, where the project has none."""
    subject = prepared.subject
    if "compose" in subject.has:
        return ""
    return f'services:\n  web:\n    build: .\n    ports: ["127.0.0.1:8000:{subject.port}"]'


def as_text(prepared: Prepared, results: Sequence[Result]) -> str:
    """The result for a terminal."""
    first = faults(results)[:FIRST]
    rest = [result for result in by_weight(results) if result not in first and result.outcome != "holds"]
    lines = ["", "What matters most"] if first else []
    for result in first:
        lines += [*_shown(result, "✘", "seen"), f"      why it matters: {WEIGHTS[result.weight]}"]
        if note := remark(result.practice.id):
            lines.append(f"      {note}")
    for title, group in grouped(rest):
        lines += ["", title]
        lines += [f"  {result.line}" + f" ({result.teacher})" * result.violated for result in group]
    if holding := [result.practice.id for result in by_weight(results) if result.outcome == "holds"]:
        names = textwrap.fill(", ".join(holding), 116, subsequent_indent="    ", break_on_hyphens=False)
        lines += ["", "What holds", f"  ✔ {names}"]
    if others := [result.practice.id for result in rest if result.violated]:
        lines += ["", f'ONLY="{" ".join(others[:FIRST])}" shows the commands of these.']
    if first and (file := compose_file(prepared)):
        lines += ["", "It has no compose.yaml. The commands above need this one:", textwrap.indent(file, "    ")]
    return "\n".join([*lines, "", summary(prepared.subject.name, results)])


def _shown(result: Result, mark: str, when: str, *, commands: bool = True) -> list[str]:
    """The lines of a result that is shown in full."""
    return [
        f"  {mark} {result.practice.id}: {result.practice.sentence}",
        textwrap.indent(f"{when}: {result.said}", "      "),
        *(f"        $ {command}" for command in result.by_hand if commands),
        f"      taught in: {result.page}",
    ]


def as_markdown(prepared: Prepared, results: Sequence[Result]) -> str:
    """The result for a page or a comment: a table, and below it what was seen."""
    lines = [f"**{summary(prepared.subject.name, results)}**"]
    for title, group in grouped(by_weight(results)):
        lines += ["", f"**{title}**", "", "| | Practice | |", "|---|---|---|"]
        for result in group:
            cell = "not asked: " if result.outcome == "not asked" else ""
            cell += " ".join(result.said.replace("|", "\\|").replace("<", "&lt;").split())
            cell += f" (`{result.teacher}`)" if result.violated else ""
            lines.append(f"| {MARKS[result.outcome]} | `{result.practice.id}` {result.practice.sentence} | {cell} |")
    if file := compose_file(prepared):
        lines += ["", "It has no `compose.yaml`. The commands below need this one:", "", f"```yaml\n{file}\n```"]
    if failures := [result for result in by_weight(results) if result.violated]:
        lines += ["", "<details><summary>The commands that show it</summary>"]
        for result in failures:
            lines += ["", f"`{result.practice.id}`", "", "```shell", *result.by_hand, "```"]
        lines += ["", "</details>"]
    return "\n".join(lines)


def grouped(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """Results that are in the order of their weights, below the words for each."""
    return [
        (WEIGHTS[weight][0].upper() + WEIGHTS[weight][1:], list(group))
        for weight, group in groupby(results, lambda result: result.weight)
    ]


def as_html(prepared: Prepared, results: Sequence[Result]) -> str:
    """The result as a page that looks like the site's and needs no other file."""
    furo = importlib.resources.files("furo").joinpath("theme/furo/static/styles/furo.css")
    page = Environment(loader=FileSystemLoader(PAGE.parent), autoescape=True).get_template(PAGE.name)
    return page.render(
        name=prepared.subject.name,
        summary=summary(prepared.subject.name, results),
        styles=furo.read_text() + STYLE.read_text(),
        compose=compose_file(prepared),
        groups=grouped(result for result in by_weight(results) if result.outcome != "holds"),
        holding=[result for result in by_weight(results) if result.outcome == "holds"],
        marks=MARKS,
        marked=marked,
        folders={folder.name: folder for folder in tutorial.load()},
        short_name=tutorial.short_name,
        article=_article,
    )


def marked(text: str) -> str:
    """Text as HTML, with what is in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _article(folder: str) -> str:
    """The address of an article: on the repository's page where one is known, or else on this machine."""
    where, page = source(), f"{folder}/README.md"
    return where.link(page) if where.page else (tutorial.ROOT / page).as_uri()


def as_json(prepared: Prepared, results: Sequence[Result]) -> str:
    """The result for programs."""
    practices = {
        result.practice.id: {
            "family": result.practice.family,
            "sentence": result.practice.sentence,
            "outcome": result.answer.outcome,
            "said": result.answer.reason,
            "by_hand": result.by_hand if result.answer.by_hand else (),
            "weight": result.weight,
            "taught_by": result.folder,
        }
        for result in by_weight(results)
    }
    subject = prepared.subject
    head = {"project": subject.name, "service": subject.service, "port": subject.port, "page": subject.page}
    whole = {**head, "notes": prepared.notes, "practices": practices, "summary": summary(subject.name, results)}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def as_sarif(prepared: Prepared, results: Sequence[Result]) -> str:
    """What was seen not to hold, for code scanners: the Static Analysis Results Interchange Format of OASIS, 2.1.0."""
    rules, findings = [], []
    for number, result in enumerate(result for result in by_weight(results) if result.violated):
        practice, level = result.practice, LEVELS.get(result.weight, "note")
        rule = {
            "id": practice.id,
            "shortDescription": {"text": practice.sentence},
            "help": {"text": f"Taught in {result.page}. By hand: {'; '.join(result.by_hand)}"},
            "defaultConfiguration": {"level": level},
            "properties": {"tags": [practice.family, WEIGHTS[result.weight]]},
        }
        finding = {
            "ruleId": practice.id,
            "ruleIndex": number,
            "level": level,
            "message": {"text": f"{practice.sentence} Seen: {result.said or 'that it does not hold'}"},
            "locations": [{"physicalLocation": _location(prepared, practice)}],
        }
        rules.append(rule)
        findings.append(finding)
    run = {"tool": {"driver": {"name": "dockerizing-python", "rules": rules}}, "results": findings}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _location(prepared: Prepared, practice: Practice) -> dict[str, object]:
    """Where a practice is to be mended: in the compose file, if it is about that, or else in the Dockerfile."""
    subject = prepared.subject
    if prepared.files and practice.needs in ("compose", "published"):
        file, begins = prepared.files[0], rf"^\s+{re.escape(subject.service)}:"
    else:
        file = posixpath.normpath(posixpath.join(subject.context, subject.dockerfile or "Dockerfile"))
        begins = rf"^FROM .* {re.escape(subject.target)}\s*$" if subject.target else "^RUN "
    path = subject.path / file
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    numbers = [number for number, line in enumerate(lines, 1) if re.search(begins, line, re.IGNORECASE)]
    # The last stage is the one that is built; the first line of a service begins it.
    number = (numbers or [1])[0 if file in prepared.files else -1]
    return {"artifactLocation": {"uri": quote(file)}, "region": {"startLine": number}}


def as_badge(_: Prepared, results: Sequence[Result]) -> str:
    """The endpoint of a badge (https://shields.io/badges/endpoint-badge), in the colour of the worst."""
    worst = faults(results)[:1]
    asked = [result for result in results if result.outcome in ("holds", "violated")]
    badge = {
        "schemaVersion": 1,
        "label": "Docker practices",
        "message": f"{sum(result.outcome == 'holds' for result in asked)} of {len(asked)} hold",
        "color": COLOURS_OF_BADGE.get(worst[0].weight, "yellow") if worst else "brightgreen",
    }
    return json.dumps(badge)


FORMATS = {
    "text": as_text,
    "markdown": as_markdown,
    "html": as_html,
    "json": as_json,
    "sarif": as_sarif,
    "badge": as_badge,
}


def got_better(before: Sequence[Result], after: Sequence[Result]) -> list[Result]:
    """What holds, and was seen not to hold before, the most important first: as it was before."""
    holding = {result.practice.id for result in after if result.outcome == "holds"}
    return [result for result in by_weight(before) if result.violated and result.practice.id in holding]


def got_worse(before: Sequence[Result], after: Sequence[Result]) -> list[Result]:
    """What is seen not to hold, and held before, the most important first: as it is now."""
    return got_better(after, before)


def as_comparison(before: Scored, after: Scored) -> str:
    """What got better and what got worse, as the articles say it."""
    better, worse = [], []
    for result in got_better(before[1], after[1]):
        better += _shown(result, MARKS["holds"], "before", commands=False)
    for result in got_worse(before[1], after[1]):
        worse += _shown(result, MARKS[result.outcome], "seen")
    nothing = ["  Nothing that was asked."]
    lines = ["What got better", *(better or nothing), "", "What got worse", *(worse or nothing), ""]
    old, new = (
        {result.practice.id for result in results if result.outcome != "not asked"} for _, results in (before, after)
    )
    for where, names in (("before", old - new), ("after", new - old)):
        if names:
            lines += [f"Asked {where} alone: {', '.join(sorted(names))}", ""]
    return "\n".join([*lines, *(summary(prepared.subject.name, results) for prepared, results in (before, after))])


def as_json_comparison(before: Scored, after: Scored) -> str:
    """The same for programs."""
    comparison = {
        "better": [result.practice.id for result in got_better(before[1], after[1])],
        "worse": [result.practice.id for result in got_worse(before[1], after[1])],
        "before": json.loads(as_json(*before)),
        "after": json.loads(as_json(*after)),
    }
    return json.dumps(comparison, indent=2, ensure_ascii=False)


COMPARED = {"text": as_comparison, "json": as_json_comparison}
