"""What is installed in a subject's image: packages, and programs."""

import re
from functools import cache
from pathlib import Path

from .. import image
from ..program import in_container, look
from ..subject import Running, Subject
from .processes import app_statuses


@in_container()
def distributions() -> dict[str, str]:
    """The version of every distribution that the interpreter can import, by its normalized name."""
    import importlib.metadata
    import re

    there = ((one.metadata["Name"], one.version) for one in importlib.metadata.distributions())
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in there}


def app_interpreter(running: Running) -> str:
    """The Python that runs the app: of a virtual environment, if the app is started by a script in one.

    The first process may be a shell or an init: its children follow.
    """
    words = (word for status in running.look(app_statuses) for word in status["Command"].split())
    return next((word for word in words if re.search(r"/python[\d.]*$", word)), "python3")


@cache
def distributions_of_image(name: str) -> dict[str, str]:
    return image.run(name, distributions)


_installed: dict[str, dict[str, str]] = {}  # by the name of the subject's image


def installed(subject: Subject) -> dict[str, str]:
    """What the app can import, as {normalized name: version}, without what the base image brought (pip, for one)."""
    if subject.image_name not in _installed:
        running = subject.shared_container()
        importable = running.run(distributions, interpreter=app_interpreter(running))
        brought = distributions_of_image(subject.base)
        _installed[subject.image_name] = {name: version for name, version in importable.items() if name not in brought}
    return _installed[subject.image_name]


@in_container()
def needed_by(names: list[str]) -> set[str]:
    """Those of these distributions that the interpreter can import, and all that they need."""
    import importlib.metadata
    import re

    def normalized(requirement: str) -> str:
        return re.sub("[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()

    needs = {
        normalized(one.metadata["Name"]): {normalized(need) for need in one.requires or () if "extra ==" not in need}
        for one in importlib.metadata.distributions()
    }
    brought: set[str] = set()
    more = needs.keys() & set(names)
    while more:
        brought |= more
        more = {need for name in more for need in needs[name] if need in needs} - brought
    return brought


TOOLS = ["pip", "pipenv", "poetry", "pdm", "uv", "setuptools", "wheel", "virtualenv"]


def brought_by_tools(subject: Subject) -> set[str]:
    """The packages of managers that are installed beside the app, which no lock of the app's names."""
    running = subject.shared_container()
    return running.run(needed_by, TOOLS, interpreter=app_interpreter(running))


@look()
def programs_there() -> list[str]:
    """The paths of programs that no image needs which only serves."""
    import shutil

    names = ("poetry", "uv", "pdm", "pipenv", "cc", "gcc", "g++", "clang", "node", "npm")
    return [path for path in map(shutil.which, names) if path]


def programs(subject: Subject, *names: str) -> str:
    """The paths of those of these programs that the image has."""
    return " ".join(path for path in subject.shared_container().look(programs_there) if Path(path).name in names)
