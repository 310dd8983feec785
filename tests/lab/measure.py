"""Measure every folder, side by side on this machine, and keep the figures in ``assets/measurements.json``.

``python -m lab.measure [--step FOLDER] [--rounds 3]``. What a chart compares is measured in turns, so that a busy
moment of the machine does not fall on one of them alone. Every round is written when it is complete; a run that was
interrupted is continued by the next one on the same machine.
"""

import argparse
import datetime
import json
import os
import platform
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
from python_on_whales import Container

from library import engine, tutorial
from library.edits import change_code, change_dependency
from library.image import run, weight
from library.program import in_container
from library.subject import READY_LIMIT, Subject, subject_of, tls, wrong_subject

FILE = tutorial.ROOT / "assets/measurements.json"

# What a subject's figures mean; s: seconds, mb: millions of bytes.
KINDS = {
    "cold_s": "build without layer cache and with empty cache mounts; the base image is there",
    "unchanged_s": "build again, nothing changed",
    "code_s": "build after a change of the app's code",
    "dependency_s": "build after one dependency was locked at another version",
    "start_s": "from the start of the container to the first answer",
    "image_mb": "all layers, unpacked",
    "added_mb": "the layers above the base image, unpacked",
    "packages": "Debian packages in the image",
    "setuid": "files in the image with the setuid or setgid bit",
}


@in_container()
def counts() -> dict[str, float]:
    """Debian's packages, as its own list says, if there is one, and the files that run with another one's rights."""
    import os
    import re
    import stat
    from pathlib import Path

    listed = Path("/var/lib/dpkg/status")
    packages = listed.read_text().count("\nStatus: install ok installed\n") if listed.exists() else 0
    own = ((place, names) for place, _, names in os.walk("/") if not re.match("/(proc|sys)(/|$)", place))
    modes = (os.lstat(f"{place}/{name}").st_mode for place, names in own for name in names)
    return {"packages": packages, "setuid": sum(bool(stat.S_ISREG(mode) and mode & 0o6000) for mode in modes)}


def measure(subjects: list[Subject]) -> dict[str, dict[str, float]]:
    """Build, start and weigh subjects once, side by side: each kind of figure of all of them, then the next kind."""
    with ExitStack() as stack:
        found = build_times({subject.name: stack.enter_context(subject.copied("to measure")) for subject in subjects})
    for subject in subjects:
        image, base = weight(subject.built_image()), weight(subject.parsed.base_image)
        found[subject.name] |= {"image_mb": image, "added_mb": image - base}
        with subject.started() as running:
            found[subject.name]["start_s"] = until_answered(running.container, running.url())
        found[subject.name] |= run(subject.built_image(), counts, user="0")
    return found


def build_times(
    copies: dict[str, Subject], change_dependency: Callable[[Subject], object] = change_dependency
) -> dict[str, dict[str, float]]:
    """Seconds of each kind of build of these copies of folders, which are changed on the way.

    Args:
        copies: what to build, by name.
        change_dependency: locks one dependency of a copy at another version.
    """
    mounts = secrets.token_hex(4)
    found: dict[str, dict[str, float]] = {name: {} for name in copies}
    for name, copy in copies.items():
        found[name]["cold_s"] = copy.build(cache=False, mounts=f"{mounts}-{copy.slug}").seconds
    for kind, change in (("unchanged_s", None), ("code_s", change_code), ("dependency_s", change_dependency)):
        for name, copy in copies.items():
            if change:
                change(copy)
            found[name][kind] = copy.build(mounts=f"{mounts}-{copy.slug}").seconds
    _forget_mounts(mounts)
    return found


def _forget_mounts(mounts: str) -> None:
    """Remove the cache mounts of the builds whose name for them begins with this."""
    records = subprocess.run(["docker", "buildx", "du", "--verbose"], capture_output=True, text=True, check=True).stdout
    for record in re.split(r"\n(?=ID:)", records):
        if f'with id "{mounts}-' in record:
            prune = ["docker", "buildx", "prune", "--force", "--filter", f"id={record.split()[1]}"]
            subprocess.run(prune, capture_output=True, check=True)


def until_answered(container: Container, url: str) -> float:
    """Seconds from the start of a container to the first 200.

    Raises:
        TimeoutError: there was none.
    """
    deadline = time.monotonic() + READY_LIMIT
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=1, verify=tls(), trust_env=False).status_code == httpx.codes.OK:
                answered = time.time()
                container.reload()
                assert container.state.started_at  # noqa: S101
                return answered - container.state.started_at.timestamp()
        time.sleep(0.005)
    raise TimeoutError(f"{container.name}: no answer")


def describe_machine() -> dict[str, str]:
    """What the figures depend on besides the folders."""
    info = engine.docker.system.info()

    def version(*command: str) -> str:
        return subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout.strip()

    cpuinfo = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.+)", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else []
    base = Subject("final", tutorial.ROOT / "final").parsed.base_image
    ask = ["python", "-c", "import platform; print(platform.python_version())"]
    labels = engine.docker.image.inspect(base).config.labels or {}
    built = "stand-in" if any(label.endswith(".stand-in") for label in labels) else "official"
    return {
        "python": f"{engine.docker.run(base, ask, remove=True)} in {built} images",
        "processors": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "memory": f"{info.mem_total / 1e9:.0f} GB" if info.mem_total else "",
        "system": str(info.operating_system),
        "storage": str(info.driver),
        "engine": version("version", "--format", "{{.Server.Version}}"),
        "buildx": version("buildx", "version"),
        "compose": version("compose", "version", "--short"),
    }


class Figures:
    """The measurements file: who was measured in which run, every sample, and the medians."""

    def __init__(self, machine: dict[str, str]) -> None:
        self.data: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {"runs": {}, "subjects": {}}
        runs = self.data["runs"]
        open_runs = [name for name, run in runs.items() if not run["finished"] and run["machine"] == machine]
        self.run = open_runs[-1] if open_runs else datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        runs.setdefault(self.run, {"machine": machine, "finished": False})
        self.data["kinds"] = KINDS

    def rounds(self, name: str) -> int:
        """How often this run has measured a subject."""
        entry = self.data["subjects"].get(name, {})
        return len(entry["samples"]["cold_s"]) if entry.get("run") == self.run else 0

    def seconds(self, name: str) -> float:
        """How long measuring a subject once will take, as far as the file knows."""
        known = {
            n: sum(v for k, v in e["median"].items() if k.endswith("_s")) for n, e in self.data["subjects"].items()
        }
        return known.get(name) or (statistics.mean(known.values()) if known else 0)

    def add(self, name: str, figures: dict[str, float]) -> None:
        """Add one round's figures of a subject, in place of those of earlier runs, and save."""
        if not self.rounds(name):
            self.data["subjects"][name] = {"run": self.run, "median": {}, "samples": {kind: [] for kind in figures}}
        entry = self.data["subjects"][name]
        for kind, value in figures.items():
            entry["samples"][kind].append(round(value, 2))
            entry["median"][kind] = round(statistics.median(entry["samples"][kind]), 2)
        self.save()

    def finish(self) -> None:
        """Close the run, and forget runs of which nothing is left."""
        self.data["runs"][self.run]["finished"] = True
        self.save()

    def save(self) -> None:
        used = {entry["run"] for entry in self.data["subjects"].values()}
        self.data["runs"] = {name: run for name, run in self.data["runs"].items() if name in used}
        FILE.parent.mkdir(exist_ok=True)
        part = FILE.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=2) + "\n")
        part.replace(FILE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", action="append", help="a folder; may be given more than once")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folders = [f for f in tutorial.load() if not arguments.step or f.name in arguments.step]
    chosen = [subject_of(folder) for folder in folders]
    chosen += [wrong for folder in folders if folder.builds_on and (wrong := wrong_subject(folder))]
    compared = tutorial.side_by_side().values()
    groups = [[subject for subject in chosen if subject.name in names] for names in compared]
    groups += [[subject] for subject in chosen if not any(subject.name in names for names in compared)]

    figures = Figures(describe_machine())
    todo = [
        group
        for n in range(arguments.rounds)
        for group in filter(None, groups)
        if min(figures.rounds(subject.name) for subject in group) <= n
    ]
    try:
        with engine.session():
            while todo:
                left = sum(figures.seconds(subject.name) for group in todo for subject in group)
                estimate = f", about {left / 60:.0f} minutes left" if left else ""
                names = ", ".join(subject.name for subject in todo[0])
                print(f"measure: {names} ({len(todo)} to go{estimate}; load {os.getloadavg()[0]:.1f})", flush=True)
                for name, found in measure(todo.pop(0)).items():
                    figures.add(name, found)
                    print(f"  {name}: " + ", ".join(f"{kind} {value:.1f}" for kind, value in found.items()), flush=True)
        figures.finish()
    except KeyboardInterrupt:
        sys.exit(f"measure: stopped; {FILE.name} has what was measured, and the next run goes on from there")


if __name__ == "__main__":
    main()
