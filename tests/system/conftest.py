"""The life cycle of a test session that starts containers."""

import subprocess
from collections.abc import Iterator

import pytest

from library import engine
from library.tutorial import ROOT

# What they build are folders of the tutorial and copies of them, whose base images come with the build.
OF_FOLDERS = {"test_contract", "test_practices", "test_sabotage"}


@pytest.fixture(scope="session", autouse=True)
def _session(_isolated: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever this session starts is removed at its end, also when it is killed.

    `make test` and `make test-all` have brought the base images; a folder or a name that is given may need others.
    """
    named = request.config.getoption("--step") or request.config.getoption("keyword")
    system = {item.path.stem for item in request.session.items if "system" in item.path.parts}
    if named and system - OF_FOLDERS:
        subprocess.run(["bootstrap/bases.sh"], cwd=ROOT, check=True)
    with engine.session():
        yield
