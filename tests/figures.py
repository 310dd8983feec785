"""Tables and charts for the articles, which `make docs` writes from ``assets/measurements.json``."""

import json
from xml.sax.saxutils import escape

from tutorial import ROOT

MEASUREMENTS = ROOT / "assets/measurements.json"
BUILD_TIMES = ROOT / "assets/build-times.svg"
ACCEPTANCE = ROOT / "assets/acceptance.json"

# The builds that extra-2 compares: measured in turns, and the first of them is the measure of the others.
BUILDERS = {
    "step-2-poetry": "step 2",
    "step-4-nontrivial": "step 4",
    "extra-2-caching": "extra 2, pip",
    "extra-2-caching/uv.Dockerfile": "extra 2, uv",
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
        f"![Bar chart of the same build times. {said}.](../{BUILD_TIMES.relative_to(ROOT)})",
        "",
        f"*{_conditions()}*",
    ]
    return "\n".join(lines)


def _medians() -> dict[str, dict[str, float]]:
    subjects = json.loads(MEASUREMENTS.read_text())["subjects"]
    return {name: subjects[name]["median"] for name in BUILDERS}


def _ratio(medians: dict[str, dict[str, float]], name: str, kind: str) -> str:
    """How many times faster than the first of the builders."""
    first = medians[next(iter(BUILDERS))][kind]
    if name == next(iter(BUILDERS)):
        return "1"
    if max(first, medians[name][kind]) < NOISE:
        return "the same"
    faster = first / medians[name][kind]
    return f"**{faster:.1f} times** faster" if faster >= 1 else f"{1 / faster:.1f} times slower"


def _conditions() -> str:
    """The machine and the runs behind the figures, in one sentence."""
    data = json.loads(MEASUREMENTS.read_text())
    found = {data["subjects"][name]["run"]: len(data["subjects"][name]["samples"]["cold_s"]) for name in BUILDERS}
    described = []
    for run, samples in found.items():
        machine = data["runs"][run]["machine"]
        described.append(
            f"Medians of {samples} rounds on {run[:10]}: {machine['processors']}, {machine['memory']}, "
            f"{machine['system']}, Docker {machine['engine']}."
        )
    return " ".join(described)


def chart() -> str:
    """The build times as an SVG."""
    medians = _medians()
    row, left, width, top = 22, 110, 760, 44
    scale = 400 / max(medians[name][kind] for name in BUILDERS for kind in BUILDS)
    parts, y = [], top
    for kind, label in BUILDS.items():
        parts.append(f'<text class="kind" x="16" y="{y + 16}">{escape(label)}</text>')
        y += row + 2
        for name, short in BUILDERS.items():
            seconds = medians[name][kind]
            length = max(seconds * scale, 1)
            ratio = _ratio(medians, name, kind).replace("**", "")
            value = f"{seconds:.1f} s" + (f", {ratio}" if ratio != "1" else "")
            own = "own" if name.startswith("extra-2") else "others"
            parts.append(f'<text x="16" y="{y + 14}">{escape(short)}</text>')
            parts.append(f'<rect class="{own}" x="{left}" y="{y + 2}" width="{length:.1f}" height="{row - 6}" rx="2"/>')
            parts.append(f'<text x="{left + length + 8:.1f}" y="{y + 14}">{escape(value)}</text>')
            y += row
        y += 10
    parts.append(f'<text class="small" x="16" y="{y + 12}">{escape(_conditions())}</text>')
    height = y + 28
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f"<title>Build times, in seconds</title>\n<style>{STYLE}</style>\n"
        f'<rect class="page" width="100%" height="100%" rx="6"/>\n'
        f'<text class="title" x="16" y="26">Build time in seconds, and how much faster than step 2</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


# What final is measured by, beside the common pattern.
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


def acceptance() -> str:
    """The table of final beside the common pattern, with and without the standard library's bytecode."""
    data = json.loads(ACCEPTANCE.read_text())
    best, goals, (first, second) = data["best"], data["goals"], data["ratio"]
    lines = [
        "| | final | the pattern | ratio | without bytecode | ratio | goal |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind, label in COMPARED.items():
        goal = f"{'≥' if kind.startswith('requests') else '≤'} {goals[kind]:.2f}" if kind in goals else ""
        cells = [f"{best['final'][kind]:.3g}"]
        for name in first, second:
            cells += [f"{best[name][kind]:.3g}", f"{best['final'][kind] / best[name][kind]:.2f}"]
        lines.append(f"| {label} | {' | '.join(cells)} | {goal} |")
    machine = ", ".join(data["machine"][name] for name in ("processors", "memory", "system"))
    lines += [
        "",
        f"*The best of {len(data['rounds'])} rounds, in turns: {machine}, Docker {data['machine']['engine']}.*",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    BUILD_TIMES.write_text(chart())
