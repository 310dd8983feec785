"""final's Python is another one after one changed line: what its article promises holds there, too."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from library.edits import change
from library.engine import one_build_at_a_time
from library.practices import PRACTICES
from library.subject import Subject
from library.tutorial import ROOT

FINAL = Subject("final", ROOT / "final")
CHECKED = ("answers-curl", "precompiled", pytest.param("repeatable-build", marks=pytest.mark.thorough))
VERSIONS = [
    pytest.param("3.13", marks=pytest.mark.xdist_group("final on Python 3.13")),
    pytest.param("3.15", marks=[pytest.mark.xdist_group("final on Python 3.15"), pytest.mark.thorough]),
]
pytestmark = [pytest.mark.about("final"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module", params=VERSIONS)
def other(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A copy of final with the version changed in the one place that names it."""
    version = request.param
    with FINAL.copied(f"on Python {version}") as copy:
        named = re.findall(r"(?<![\d.])3\.14", copy.read("Dockerfile"))
        assert len(named) == 1, f"final/Dockerfile names the version in {len(named)} places"
        change(copy.path / "Dockerfile", "python:3.14-", f"python:{version}-")
        # 3.13's is in lab/other-python. 3.15's may be compiled now, and no folder's build shares its instructions.
        with one_build_at_a_time():
            bases = subprocess.run(
                [ROOT / "bootstrap/bases.sh", copy.path], capture_output=True, text=True, check=False
            )
        assert bases.returncode == 0, bases.stdout + bases.stderr
        yield copy


def test_runs_that_python(other: Subject) -> None:
    version = other.parsed.base_image.removeprefix("python:").partition("-")[0]
    assert other.shared_container().python("import sys; print('%d.%d' % sys.version_info[:2])") == version


@pytest.mark.parametrize("practice", CHECKED)
def test_holds_on_that_python(other: Subject, practice: str) -> None:
    PRACTICES[practice].check(other)
