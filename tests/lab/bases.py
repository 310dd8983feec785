"""Measure one app on several bases, and keep the figures in ``assets/bases.json``.

``python -m lab.bases``. The app and its packages are extra 5's; what differs is what lies below and around them.
"""

import json
import re
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

from .measure import counts, describe_machine

FILE = ROOT / "assets/bases.json"
FOLDER = ROOT / "extra-5-publishing"
FRAGMENTS = Path(__file__).with_name("references")


@in_container()
def programs_there() -> dict[str, float]:
    import shutil

    return {name: bool(shutil.which(name)) for name in ("sh", "pip")}


def with_fragment(name: str, text: str) -> str:
    """The Dockerfile with a fragment's last stage in the place of production, and production's settings repeated."""
    stages = dict(re.findall(r"^FROM \S+ AS (base|production)\n((?:.+\n)+)", text, re.MULTILINE))
    settings = stages["base"] + stages["production"][stages["production"].index("ENV ") :]
    fragment = (FRAGMENTS / f"{name}.dockerfile").read_text()
    before = text.removesuffix("FROM production\n")
    return f"{before}{fragment}ENV PATH=/usr/local/bin:/usr/bin\n{settings}\nFROM {name}\n"


BASES: dict[str, Callable[[str], str]] = {
    "full": lambda text: text.replace("python:3.14-slim-trixie", "python:3.14-trixie"),
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
    with session(), subjects() as found:
        figures = {name: looked_at(subject) for name, subject in found.items()}
    run = {"on": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": describe_machine(), "bases": figures}
    FILE.write_text(json.dumps(run, indent=2) + "\n")


if __name__ == "__main__":
    main()
