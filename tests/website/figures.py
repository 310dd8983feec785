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
BASES = ROOT / "assets/bases.json"

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

# The page behind a picture may be light or dark, so the picture brings a background of its own for either.
STYLE = """
  .page { fill: #ffffff } text { fill: #1f2328; font: 14px system-ui, sans-serif }
  text { stroke: #ffffff; stroke-width: 3px; paint-order: stroke }
  .title { font-size: 16px; font-weight: 600 } .kind { font-weight: 600 } .small { font-size: 11px; opacity: .75 }
  .others { fill: #8c959f } .own { fill: #0969da } .axis { stroke: #8c959f; stroke-opacity: .35 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3; stroke: #0d1117 } .others { fill: #6e7681 } .own { fill: #4493f8 }
  }
"""
# The app whose folders the charts compare: what other apps weigh and take says nothing about these Dockerfiles.
COMPARED_APP = "hello, with Flask"
# Where the pages say what a stand-in is.
STAND_INS = "bootstrap/README.md#how-a-stand-in-differs-from-the-official-image"


def side_by_side(columns: dict[str, str], root: str = "../") -> str:
    """A table of what was measured of each subject; ``columns`` maps its name to what the table calls it.

    Sizes have their ratio to the first, unless the apps differ. ``root`` leads from the page to the repository's root.
    """
    medians = _medians(columns)
    lines = [f"| | {' | '.join(columns.values())} |", "|---|" + "---:|" * len(columns)]
    first = next(iter(columns))
    apps = {folder.app for folder in tutorial.load() if folder.name in {name.partition("/")[0] for name in columns}}
    for kind, (label, unit) in ROWS.items():
        if not unit and len({medians[name][kind] for name in columns}) == 1:
            continue  # a count that is the same everywhere says nothing
        cells = []
        for name in columns:
            value, measure = medians[name][kind], medians[first][kind]
            ratio = f" ({value / measure:.0%})" if name != first and unit == "MB" and len(apps) == 1 else ""
            cells.append(f"{value:,.{1 if unit == 's' else 0}f} {unit}".rstrip() + ratio)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"*{_linked(_conditions(columns), root)}*"])


def beside(*names: str, root: str = "../") -> str:
    return side_by_side({name: folders().get(name, name) for name in names}, root)


def _medians(names: Iterable[str]) -> dict[str, dict[str, float]]:
    subjects = json.loads(MEASUREMENTS.read_text())["subjects"]
    if missing := [name for name in names if name not in subjects]:
        raise RuntimeError(f"not measured yet: make measure STEP={missing[0].partition('/')[0]}")
    return {name: subjects[name]["median"] for name in names}


def _in_words(name: str, kind: str, first: str) -> str:
    """A time, and in words how it compares with the first subject's.

    Where a round of one took as long as a round of the other, the rounds show no difference, and the words say so.
    """
    subjects = json.loads(MEASUREMENTS.read_text())["subjects"]
    time, measure = subjects[name]["median"][kind], subjects[first]["median"][kind]
    rounds, others = subjects[name]["samples"][kind], subjects[first]["samples"][kind]
    if name == first:
        return f"{time:.1f} s"
    if max(min(rounds), min(others)) <= min(max(rounds), max(others)):
        return f"{time:.1f} s, no clear difference"
    more, words = (measure / time, "faster") if time < measure else (time / measure, "as long")
    return f"{time:.1f} s, {more:.{0 if more >= 10 else 1}f} times {words}"


def _conditions(names: Iterable[str]) -> str:
    """The machine and the runs behind the figures of these subjects, in one sentence."""
    data = json.loads(MEASUREMENTS.read_text())
    subjects = [data["subjects"][name] for name in names]
    rounds = {subject["run"]: len(subject["samples"]["cold_s"]) for subject in subjects}
    machines = {run: _described(data["runs"][run]["machine"]) for run in rounds}
    return " ".join(
        dict.fromkeys(f"Medians of {count} rounds on {run[:10]}: {machines[run]}." for run, count in rounds.items())
    )


def _linked(conditions: str, root: str) -> str:
    """The same for a page: where the images were stand-ins, with a link to what that means."""
    return conditions.replace("stand-in images", f"[stand-in images]({root}{STAND_INS})")


def _described(machine: dict[str, str]) -> str:
    hardware = f"{machine['processors']}, {machine['memory']}"
    return f"Python {machine['python']}, {hardware}, {machine['system']}, Docker {machine['engine']}"


@dataclass(frozen=True)
class Bar:
    """A row of a chart: its label, its parts (style and figure, from left to right), and what stands beside it."""

    label: str
    parts: tuple[tuple[str, float], ...]
    text: str


def _draw(title: str, unit: str, groups: dict[str, list[Bar]], legend: dict[str, str], small: str) -> str:
    """Bars, group below group, above one axis, as an SVG for light and dark pages.

    Args:
        title: what is shown.
        unit: of the figures, for the axis.
        groups: the bars below each heading; an empty heading is not drawn.
        legend: what each style of a bar means; a chart with one style needs none.
        small: the conditions.
    """
    row, width, y = 22, 800, 40
    every = [bar for bars in groups.values() for bar in bars]
    left = 32 + 7 * max(len(bar.label) for bar in every)
    longest = max(sum(figure for _, figure in bar.parts) for bar in every)
    scale = (width - left - 24 - 7 * max(len(bar.text) for bar in every)) / longest
    drawn, x = [], 16.0
    for style, meaning in legend.items():
        drawn.append(f'<rect class="{style}" x="{x:.1f}" y="{y + 2}" width="12" height="12"/>')
        drawn.append(f'<text x="{x + 18:.1f}" y="{y + 13}">{escape(meaning)}</text>')
        x += 18 + 7.5 * len(meaning) + 24
    y += 24 if legend else 4
    top = y
    for group, bars in groups.items():
        if group:
            drawn.append(f'<text class="kind" x="16" y="{y + 16}">{escape(group)}</text>')
            y += row + 2
        for bar in bars:
            drawn.append(f'<text x="16" y="{y + 14}">{escape(bar.label)}</text>')
            x = left
            for style, figure in bar.parts:
                length = max(figure * scale, 1)
                drawn.append(f'<rect class="{style}" x="{x:.1f}" y="{y + 2}" width="{length:.1f}" height="{row - 6}"/>')
                x += length
            drawn.append(f'<text x="{x + 8:.1f}" y="{y + 14}">{escape(bar.text)}</text>')
            y += row
        y += 6
    lines = []
    for mark in _marks(longest):
        x = left + mark * scale
        lines.append(f'<line class="axis" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{y}"/>')
        drawn.append(f'<text class="small" x="{x:.1f}" y="{y + 12}" text-anchor="middle">{mark:g} {unit}</text>')
    y += 28
    for line in textwrap.wrap(small, 120):
        drawn.append(f'<text class="small" x="16" y="{y + 12}">{escape(line)}</text>')
        y += 16
    height = y + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f'<rect class="page" width="100%" height="100%" rx="6"/>\n'
        f'<text class="title" x="16" y="26">{escape(title)}</text>\n' + "\n".join(lines + drawn) + "\n</svg>\n"
    )


def _marks(longest: float) -> list[float]:
    """Round figures for an axis, from 0: at least three, at most six."""
    step = next(
        candidate for power in range(-2, 9) for digit in (1, 2, 5) if longest / (candidate := digit * 10.0**power) < 6
    )
    return [round(number * step, 2) for number in range(int(longest / step) + 1)]


def folders() -> dict[str, str]:
    """The folders that have been measured, in reading order, and what tables and charts call them."""
    measured = json.loads(MEASUREMENTS.read_text())["subjects"]
    return {folder.name: short_name(folder.name) for folder in tutorial.load() if folder.name in measured}


def _by_app(*apps: str) -> dict[str, list[str]]:
    """The measured folders of each app whose name begins so: what two apps weigh and take is not comparable."""
    names: dict[str, list[str]] = {}
    for folder in tutorial.load():
        if folder.name in folders() and folder.app.startswith(apps):
            names.setdefault(folder.app, []).append(folder.name)
    return names


def _times(kind: str) -> dict[str, list[Bar]]:
    """Bars of seconds, for the app that most folders carry."""
    groups = _by_app(COMPARED_APP)
    medians = _medians([name for names in groups.values() for name in names])
    return {
        app: [Bar(short_name(name), (("own", medians[name][kind]),), _in_words(name, kind, names[0])) for name in names]
        for app, names in groups.items()
    }


def _sizes(groups: dict[str, dict[str, str]]) -> dict[str, list[Bar]]:
    """Bars of megabytes, in two parts: the base image, and what is above it."""
    bars: dict[str, list[Bar]] = {}
    for group, names in groups.items():
        medians = _medians(names)
        first = next(iter(names))
        bars[group] = []
        for name, label in names.items():
            size, added = medians[name]["image_mb"], medians[name]["added_mb"]
            ratio = f", {size / medians[first]['image_mb']:.0%} of {names[first]}" if name != first else ""
            parts = (("others", size - added), ("own", added))
            bars[group].append(Bar(label, parts, f"{size:,.0f} MB, {added:,.0f} of it added{ratio}"))
    return bars


SIZE_LEGEND = {"others": "base image", "own": "added by the folder's Dockerfile"}


def _charts_of_folders() -> dict[str, tuple[str, str, dict[str, list[Bar]], dict[str, str], str]]:
    """The charts that compare folders: title, unit, bars, legend, and the conditions of each file."""
    apps = {app: {name: short_name(name) for name in names} for app, names in _by_app(COMPARED_APP).items()}
    small = _conditions([name for names in apps.values() for name in names])
    guestbook = {app: dict(WAYS) for app in _by_app("guestbook")}
    again, first = "Time to build again after", "beside step 1"
    return {
        "sizes.svg": ("Size of the image", "MB", _sizes(apps), SIZE_LEGEND, small),
        "sizes-guestbook.svg": ("Size of the image", "MB", _sizes(guestbook), SIZE_LEGEND, _conditions(WAYS)),
        "rebuild-code.svg": (f"{again} a change of the code, {first}", "s", _times("code_s"), {}, small),
        "rebuild-dependency.svg": (f"{again} one dependency changed, {first}", "s", _times("dependency_s"), {}, small),
    }


def charts() -> dict[str, str]:
    """Every chart of the articles: the name of its file, and the SVG."""
    return {file: _draw(*chart) for file, chart in _charts_of_folders().items()}


def by_folder() -> str:
    """The charts that compare folders, for the page beside them; in words, too, for those who cannot see them."""
    lines = []
    for file, (title, _, groups, _, _) in _charts_of_folders().items():
        words = "; ".join(
            f"{group}: " + ", ".join(f"{bar.label} {bar.text}" for bar in bars) for group, bars in groups.items()
        )
        lines.append(f"![Bar chart. {title}. {words}.]({file})")
    return "\n\n".join(lines)


# What final is measured by, beside its peers.
COMPARED = {
    "image_mb": "image, all layers unpacked, MB",
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
    lines = [
        "| Worker, for this app, one of it | Requests a second | Memory, with the main process | Idle stop | Image |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, figures in json.loads(ACCEPTANCE.read_text())["workers"].items():
        cells = (
            f"{figures['requests_per_s']:,.0f}",
            f"{figures['memory_mb']:.0f} MB",
            f"{figures['stop_s']:.1f} s",
            f"{figures['image_mb']:.0f} MB",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bases() -> str:
    """One app on several bases, as a table."""
    data = json.loads(BASES.read_text())
    lines = [
        "| base | image, all layers unpacked | packages listed | setuid, setgid | shell, pip |",
        "|---|---|---|---|---|",
    ]
    for name, base in data["bases"].items():
        cells = (
            name,
            f"{base['image_mb']:.0f} MB",
            base["packages"],
            base["setuid"],
            ", ".join("yes" if base[program] else "no" for program in ("sh", "pip")),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    conditions = f"*Looked at on {data['on']}: {_described(data['machine'])}.*"
    return "\n".join([*lines, "", _linked(conditions, "../")])


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


def load(folder: str) -> str:
    """The table of what the servers of a folder's article answer under load; ratios are to an app's first server."""
    data = json.loads(MEASUREMENTS.read_text())["load"]
    lines = [
        "| App, server | requests/s | 50 % in | 99 % in | 99 % in, 32 connections | memory |",
        "|---|" + "---:|" * 5,
    ]
    first: dict[str, float] = {}
    for row in (row for row in data["rows"] if row["folder"] == folder):
        rate = row["comfortable"]["requests_per_s"]
        ratio = f" ({rate / first[row['app']]:.2f})" if row["app"] in first else ""
        first.setdefault(row["app"], rate)
        cells = (
            f"{rate:,.0f}{ratio}",
            f"{row['comfortable']['p50_ms']:.1f} ms",
            f"{row['comfortable']['p99_ms']:.0f} ms",
            f"{row['twice']['p99_ms']:.0f} ms",
            f"{row['memory_mb'][0]:.0f} MB, then {row['memory_mb'][-1]:.0f} MB",
        )
        lines.append(f"| {row['app']}: {row['server']} | {' | '.join(cells)} |")
    compared = len(lines) - 2 > len(first)
    ratios = "In brackets: the ratio to the line above. " if compared else ""
    conditions = (
        f"One run on one CPU, 16 connections that ask again as soon as they are answered; no request failed, "
        f"nor at 32. Memory before and after {data['seconds']} seconds of it. {ratios}{_described(data['machine'])}."
    )
    return "\n".join([*lines, "", f"*{_linked(conditions, '../')}*"])


if __name__ == "__main__":
    for name, svg in charts().items():
        (ROOT / "assets" / name).write_text(svg)
