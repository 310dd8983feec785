"""What is installed in a subject's image: packages, and programs."""

import json
from functools import cache
from pathlib import Path

from ..engine import docker, run_to_its_end
from ..subject import Subject, look

# Run inside the container with the interpreter that runs the app: every distribution that it can import.
DISTRIBUTIONS = """
import importlib.metadata, json, re
print(json.dumps({re.sub("[-_.]+", "-", d.name).lower(): d.version for d in importlib.metadata.distributions()}))
"""
# An app started through a virtual environment's own script runs with that environment's interpreter. The first process
# may be a shell or an init: its children follow.
APP_INTERPRETER = look(r"""
import os, re
pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid())
words = []
for pid in pids:
    try:
        words += open(f"/proc/{pid}/cmdline").read().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        continue  # it has just ended
print(next((word for word in words if re.search(r"/python[\d.]*$", word)), "python3"))
""")


@cache
def distributions_of_image(image: str) -> dict[str, str]:
    output = run_to_its_end(image, "-B", "-c", DISTRIBUTIONS, entrypoint="python3").stdout
    distributions: dict[str, str] = json.loads(output)
    return distributions


_installed: dict[tuple[object, ...], dict[str, str]] = {}  # by the subject's key


def installed(subject: Subject) -> dict[str, str]:
    """What the app can import, as {normalized name: version}, without what the base image brought (pip, for one)."""
    if subject.key not in _installed:
        _installed[subject.key] = _look_for_installed(subject)
    return _installed[subject.key]


def _look_for_installed(subject: Subject) -> dict[str, str]:
    interpreter = subject.shared.look(APP_INTERPRETER)
    found = json.loads(str(docker.execute(subject.shared.container, [interpreter, "-B", "-c", DISTRIBUTIONS])))
    brought = distributions_of_image(subject.base)
    return {name: version for name, version in found.items() if name not in brought}


# Run inside the container with the app's interpreter: the tools of these names that it can import, and what they need.
BROUGHT_BY = """
import importlib.metadata, re, sys
def normalized(name):
    return re.sub("[-_.]+", "-", re.match(r"[\\w.-]+", name)[0]).lower()
needs = {
    normalized(d.name): {normalized(one) for one in d.requires or () if "extra ==" not in one}
    for d in importlib.metadata.distributions()
}
brought, more = set(), needs.keys() & set(sys.argv[1:])
while more:
    brought |= more
    more = {one for name in more for one in needs[name] if one in needs} - brought
print(*brought)
"""
TOOLS = ("pip", "pipenv", "poetry", "pdm", "uv", "setuptools", "wheel", "virtualenv")


def brought_by_tools(subject: Subject) -> set[str]:
    """The packages of managers that are installed beside the app, which no lock of the app's names."""
    interpreter = subject.shared.look(APP_INTERPRETER)
    return set(str(docker.execute(subject.shared.container, [interpreter, "-B", "-c", BROUGHT_BY, *TOOLS])).split())


# Programs that no image needs which only serves, and a script that says where they are.
PROGRAMS = ("poetry", "uv", "pdm", "pipenv", "cc", "gcc", "g++", "clang", "node", "npm")
WHERE = look(f"import shutil; print(*(path for path in map(shutil.which, {PROGRAMS}) if path))")


def programs(subject: Subject, *names: str) -> str:
    """The paths of those of these PROGRAMS that the image has."""
    return " ".join(path for path in subject.shared.look(WHERE).split() if Path(path).name in names)
