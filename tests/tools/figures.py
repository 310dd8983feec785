"""Tables and charts for the articles, which `make docs` writes from ``assets/measurements.json``."""

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from library import tutorial
from library.tutorial import ROOT, short_name

MEASUREMENTS = ROOT / "assets/measurements.json"
ACCEPTANCE = ROOT / "assets/acceptance.json"

# The builds that extra-2 compares: the first of them is the measure of the others.
BUILDERS = tutorial.side_by_side()["builders"]
# The three images that extra-1 compares.
WAYS = tutorial.side_by_side()["ways"]
# The rows of a table that sets folders side by side, and the unit of its figures.
ROWS = {
    "image_mb": ("Image: all layers, unpacked", "MB"),
    "added_mb": ("of which above its base image", "MB"),
    "packages": ("Debian packages", ""),
    "setuid": ("Files with the setuid or setgid bit", ""),
    "cold_s": ("Build without any cache", "s"),
    "dependency_s": ("Build, one dependency changed", "s"),
    "code_s": ("Build, code changed", "s"),
    "start_s": ("Start to the first answer", "s"),
}
NOISE = 1.0  # seconds; below it, what differs is the machine's mood
BUILDS = {
    "dependency_s": "One dependency changed",
    "code_s": "Code changed",
    "cold_s": "Cold: no cache at all",
    "unchanged_s": "Nothing changed",
}

# The page behind a picture may be light or dark, so the picture brings a background of its own for either.
STYLE = """
  .page { fill: #ffffff } text { fill: #1f2328; font: 14px system-ui, sans-serif }
  .title { font-size: 16px; font-weight: 600 } .kind { font-weight: 600 } .small { font-size: 11px; opacity: .75 }
  .others { fill: #8c959f } .own { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3 } .others { fill: #6e7681 } .own { fill: #4493f8 }
  }
"""


def build_times() -> str:
    """The table and the chart of the build times, ratios first, for a page in a folder."""
    medians = _medians()
    lines = [f"| Median build time | {' | '.join(BUILDERS.values())} |", "|---|" + "---:|" * len(BUILDERS)]
    for kind, label in BUILDS.items():
        cells = (f"{_ratio(medians, name, kind)} ({medians[name][kind]:.1f} s)" for name in BUILDERS)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    said = "; ".join(
        f"{label}: " + ", ".join(f"{short} {medians[name][kind]:.1f} s" for name, short in BUILDERS.items())
        for kind, label in BUILDS.items()
    )
    lines += [
        "",
        f"![Bar chart of the same build times. {said}.](../assets/build-times.svg)",
        "",
        f"*{_conditions()}*",
    ]
    return "\n".join(lines)


def side_by_side(columns: dict[str, str]) -> str:
    """A table of what was measured of each subject; ``columns`` maps its name to what the table calls it."""
    medians = _medians(columns)
    lines = [f"| | {' | '.join(columns.values())} |", "|---|" + "---:|" * len(columns)]
    first = next(iter(columns))
    for kind, (label, unit) in ROWS.items():
        if not unit and len({medians[name][kind] for name in columns}) == 1:
            continue  # a count that is the same everywhere says nothing
        cells = []
        for name in columns:
            value, measure = medians[name][kind], medians[first][kind]
            ratio = f" ({value / measure:.0%})" if name != first and unit == "MB" else ""
            cells.append(f"{value:,.{1 if unit == 's' else 0}f} {unit}".rstrip() + ratio)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"*{_conditions(columns)}*"])


def beside(*names: str) -> str:
    """The table of these folders or builds."""
    return side_by_side({name: BUILDERS.get(name, folders().get(name, name)) for name in names})


def _medians(names: Iterable[str] = tuple(BUILDERS)) -> dict[str, dict[str, float]]:
    subjects = json.loads(MEASUREMENTS.read_text())["subjects"]
    if missing := [name for name in names if name not in subjects]:
        raise RuntimeError(f"not measured yet: make measure STEP={missing[0].partition('/')[0]}")
    return {name: subjects[name]["median"] for name in names}


def _ratio(medians: dict[str, dict[str, float]], name: str, kind: str) -> str:
    """How many times faster than the first of the builders."""
    first = medians[next(iter(BUILDERS))][kind]
    if name == next(iter(BUILDERS)):
        return "1"
    faster = first / medians[name][kind]
    if max(first, medians[name][kind]) < NOISE or f"{max(faster, 1 / faster):.1f}" == "1.0":
        return "the same"
    return f"**{faster:.1f} times** faster" if faster >= 1 else f"{1 / faster:.1f} times slower"


def _conditions(names: Iterable[str] = tuple(BUILDERS)) -> str:
    """The machine and the runs behind the figures of these subjects, in one sentence."""
    data = json.loads(MEASUREMENTS.read_text())
    found = {data["subjects"][name]["run"]: len(data["subjects"][name]["samples"]["cold_s"]) for name in names}
    described = []
    for run, samples in found.items():
        machine = data["runs"][run]["machine"]
        described.append(f"Medians of {samples} rounds on {run[:10]}: {_described(machine)}.")
    return " ".join(dict.fromkeys(described))


def _described(machine: dict[str, str]) -> str:
    hardware = f"{machine['processors']}, {machine['memory']}"
    return f"Python {machine['python']}, {hardware}, {machine['system']}, Docker {machine['engine']}"


@dataclass(frozen=True)
class Bar:
    """A row of a chart: its label, its parts (style and figure, from left to right), and what stands beside it."""

    label: str
    parts: tuple[tuple[str, float], ...]
    text: str


def _draw(title: str, groups: dict[str, list[Bar]], small: str) -> str:
    """Bars, group below group, as an SVG for light and dark pages."""
    row, left, width, y = 22, 110, 760, 44
    scale = 400 / max(sum(figure for _, figure in bar.parts) for bars in groups.values() for bar in bars)
    drawn = []
    for group, bars in groups.items():
        if group:
            drawn.append(f'<text class="kind" x="16" y="{y + 16}">{escape(group)}</text>')
            y += row + 2
        for bar in bars:
            drawn.append(f'<text x="16" y="{y + 14}">{escape(bar.label)}</text>')
            x: float = left
            for style, figure in bar.parts:
                length = max(figure * scale, 1)
                drawn.append(f'<rect class="{style}" x="{x:.1f}" y="{y + 2}" width="{length:.1f}" height="{row - 6}"/>')
                x += length
            drawn.append(f'<text x="{x + 8:.1f}" y="{y + 14}">{escape(bar.text)}</text>')
            y += row
        y += 10
    for line in textwrap.wrap(small, 120):
        drawn.append(f'<text class="small" x="16" y="{y + 12}">{escape(line)}</text>')
        y += 16
    height = y + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f'<rect class="page" width="100%" height="100%" rx="6"/>\n'
        f'<text class="title" x="16" y="26">{escape(title)}</text>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _style(name: str) -> str:
    return "own" if name.startswith(("extra-2", "final")) else "others"


def _build_times_chart() -> str:
    medians = _medians()
    groups: dict[str, list[Bar]] = {}
    for kind, label in BUILDS.items():
        bars = groups[label] = []
        for name, short in BUILDERS.items():
            seconds, ratio = medians[name][kind], _ratio(medians, name, kind).replace("**", "")
            text = f"{seconds:.1f} s" + (f", {ratio}" if ratio != "1" else "")
            bars.append(Bar(short, ((_style(name), seconds),), text))
    return _draw("Build time in seconds, and how much faster than step 2", groups, _conditions())


def folders() -> dict[str, str]:
    """The folders that have been measured, in reading order, and what tables and charts call them."""
    measured = json.loads(MEASUREMENTS.read_text())["subjects"]
    return {folder.name: short_name(folder.name) for folder in tutorial.load() if folder.name in measured}


def _by_folder(kind: str, unit: str) -> list[Bar]:
    """A bar for each folder, with the ratio to the first one."""
    medians = _medians(folders())
    first = medians["step-1-kiss"][kind]
    bars = []
    for name, short in folders().items():
        figure = medians[name][kind]
        text = f"{figure / first:.2f}" if name != "step-1-kiss" else "1"
        parts: tuple[tuple[str, float], ...] = ((_style(name), figure),)
        if kind == "image_mb":
            added = medians[name]["added_mb"]
            parts = (("others", figure - added), ("own", added))
            text += f" ({figure:,.0f} {unit}, {added:.0f} of it added)"
        else:
            text += f" ({figure:.1f} {unit})"
        bars.append(Bar(short, parts, text))
    return bars


# The charts of all folders: title, what they show in words, and the figures of each group of bars with their unit.
BY_FOLDER = {
    "sizes.svg": (
        "Size of the image: its base, and what the folder adds; first the ratio to step 1",
        "Bar chart of the image sizes by folder.",
        {"": ("image_mb", "MB")},
    ),
    "rebuilds.svg": (
        "Time to build again; first the ratio to step 1",
        "Bar chart of the time to build again by folder.",
        {"Code changed": ("code_s", "s"), "One dependency changed": ("dependency_s", "s")},
    ),
    "starts.svg": (
        "From the start of the container to the first answer; first the ratio to step 1",
        "Bar chart of the time from start to first answer by folder.",
        {"": ("start_s", "s")},
    ),
}


def charts() -> dict[str, str]:
    """Every chart of the articles: the name of its file, and the SVG."""
    drawn = {"build-times.svg": _build_times_chart()}
    for file, (title, _, groups) in BY_FOLDER.items():
        drawn[file] = _draw(title, {group: _by_folder(*kind) for group, kind in groups.items()}, _conditions(folders()))
    return drawn


def by_folder() -> str:
    """The charts of all folders, for the front page; what they show in words is for those who cannot see them."""
    lines = []
    for file, (_, shows, groups) in BY_FOLDER.items():
        words = "; ".join(
            f"{group or 'Ratio to step 1'}: " + ", ".join(f"{bar.label} {bar.text}" for bar in _by_folder(*kind))
            for group, kind in groups.items()
        )
        lines.append(f"![{shows} {words}.](assets/{file})")
    return "\n\n".join(lines)


# What final is measured by, beside its peers.
COMPARED = {
    "added_mb": "above the base image, MB",
    "cold_s": "build: cold, s",
    "code_s": "build: code changed, s",
    "dependency_s": "build: a dependency changed, s",
    "unchanged_s": "build: nothing changed, s",
    "start_s": "start to the first answer, one worker, s",
    "stop_s": "stop of an idle container, s",
    "requests_per_s": "requests a second, one worker",
    "requests_per_cpu_s": "requests for a second of CPU time",
    "memory_mb": "memory, one worker and the main process, MB",
}


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def workers() -> str:
    """The table of the ways to serve final."""
    lines = [
        "| Worker, for this app, one of it | Requests a second | Memory, with the main process | Idle stop | Image |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, found in json.loads(ACCEPTANCE.read_text())["workers"].items():
        cells = (
            f"{found['requests_per_s']:,.0f}",
            f"{found['memory_mb']:.0f} MB",
            f"{found['stop_s']:.1f} s",
            f"{found['image_mb']:.0f} MB",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def acceptance() -> str:
    """The table of final beside the references: final's figures, and those of each as well as the ratio to it."""
    data = json.loads(ACCEPTANCE.read_text())
    median, goals = data["median"], data["goals"]
    references = [name for name in median if name != "final"]
    lines = [
        f"| | final | {' | | '.join(references)} | | goal |",
        "|---|---:|" + "---:|---:|" * len(references) + "---:|",
    ]
    for kind, label in COMPARED.items():
        goal = f"{'≥' if kind.startswith('requests') else '≤'} {goals[kind]:.2f}" if kind in goals else ""
        cells = [_three_digits(median["final"][kind])]
        for name in references:
            cells += [_three_digits(median[name][kind]), f"{median['final'][kind] / median[name][kind]:.2f}"]
        lines.append(f"| {label} | {' | '.join(cells)} | {goal} |")
    return "\n".join(
        [*lines, "", f"*Medians of {len(data['rounds'])} rounds, in turns: {_described(data['machine'])}.*"]
    )


if __name__ == "__main__":
    for name, svg in charts().items():
        (ROOT / "assets" / name).write_text(svg)
