"""Measure one app on several bases, and keep the figures in ``assets/bases.json``.

``python -m lab.bases``. The app and its packages are extra 5's; what differs is what lies below and around them.
Bases take turns in each round. wrk sends the requests, over 16 connections that are kept alive; they are counted by the
CPU time that the app takes for them, which depends less on what else the machine does.
"""

import json
import re
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from library.engine import session
from library.image import run, weight
from library.program import in_container
from library.subject import Subject
from library.tutorial import ROOT

from .measure import counts, describe_machine, start_seconds
from .wrk import require_wrk, serve

FILE = ROOT / "assets/bases.json"
FOLDER = ROOT / "extra-5-publishing"
FRAGMENTS = Path(__file__).with_name("references")
ROUNDS, SECONDS = 3, 5  # of requests, for each base in each round


@in_container()
def programs_there() -> dict[str, float]:
    import shutil

    return {name: bool(shutil.which(name)) for name in ("sh", "pip")}


def on_full(text: str) -> str:
    """The Dockerfile with the full image as its base."""
    return text.replace("python:3.14-slim-trixie", "python:3.14-trixie")


def with_fragment(name: str, text: str) -> str:
    """The Dockerfile with a fragment's last stage in the place of production, and production's settings repeated."""
    stages = dict(re.findall(r"^FROM \S+ AS (base|production)\n((?:.+\n)+)", text, re.MULTILINE))
    settings = stages["base"] + stages["production"][stages["production"].index("ENV ") :]
    fragment = (FRAGMENTS / f"{name}.dockerfile").read_text()
    before = text.removesuffix("FROM production\n")
    return f"{before}{fragment}ENV PATH=/usr/local/bin:/usr/bin\n{settings}\nFROM {name}\n"


BASES: dict[str, Callable[[str], str]] = {
    "full": on_full,
    "slim": str,
    "slim without pip and shell": partial(with_fragment, "pruned"),
    "distroless, of slim's files": partial(with_fragment, "distroless"),
}


@contextmanager
def subjects() -> Iterator[dict[str, Subject]]:
    """The folder on each base, by the base's name."""
    with ExitStack() as stack:
        found = {}
        for name, change in BASES.items():
            copy = stack.enter_context(Subject(FOLDER.name, FOLDER).copied(f"on {name}"))
            dockerfile = copy.path / "Dockerfile"
            dockerfile.write_text(change(dockerfile.read_text()))
            found[name] = copy
        yield found


def looked_at(subject: Subject) -> dict[str, float]:
    """What can be counted in an image without starting its server."""
    return {
        "image_mb": weight(subject.built_image()),
        **run(subject.built_image(), counts, user="0"),
        **run(subject.built_image(), programs_there, user="0"),
    }


def main() -> None:
    require_wrk("bases")
    with session(), subjects() as found:
        counted = {name: looked_at(subject) for name, subject in found.items()}
        samples: dict[str, list[dict[str, float]]] = {name: [] for name in found}
        for _ in range(ROUNDS):
            for name, subject in found.items():
                with subject.running() as running:
                    served = serve(running, SECONDS)
                samples[name].append(
                    {"start_s": start_seconds(subject), "requests_per_cpu_s": served["requests_per_cpu_s"]}
                )
    figures = {
        name: {**counted[name], **{k: statistics.median(s[k] for s in rounds) for k in rounds[0]}, "samples": rounds}
        for name, rounds in samples.items()
    }
    run = {"on": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": describe_machine(), "bases": figures}
    FILE.write_text(json.dumps(run, indent=2) + "\n")


if __name__ == "__main__":
    main()
