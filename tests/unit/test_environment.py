"""What somebody has set for themselves does not reach the tests, and is there again afterwards."""

import os
import re
from pathlib import Path

import pytest

from library.environment import WANTED, isolated
from library.repository import files, write_files
from library.tutorial import ROOT

SET = {
    "COMPOSE_PROJECT_NAME": "mine",
    "COMPOSE_FILE": "other.yaml",
    "ENVIRONMENT": "production",
    "DOCKER_DEFAULT_PLATFORM": "linux/arm64",
    "DOCKER_BUILDKIT": "0",
    "GIT_DIR": "/nowhere",
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONWARNINGS": "error",
    "PORT": "8000",
    "WORKERS": "9",
}


def test_settings_are_away_inside_and_back_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user/.docker").mkdir(parents=True)
    write_files(tmp_path, {"user/.gitconfig": "[commit]\n gpgsign = true\n", "config/pip/pip.conf": ""})
    own = {"HOME": str(tmp_path / "user"), "XDG_CONFIG_HOME": str(tmp_path / "config"), "DOCKER_HOST": "tcp://engine"}
    for name, value in (SET | own).items():
        monkeypatch.setenv(name, value)
    for name in ("DOCKER_CONFIG", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    with isolated(tmp_path / "home"):
        assert {name: os.environ.get(name) for name in SET} == dict.fromkeys(SET) | {"LC_ALL": "C.UTF-8", "PORT": "0"}
        assert os.environ["HOME"] == str(tmp_path / "home")
        assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
        assert os.environ["DOCKER_HOST"] == "tcp://engine"
        assert os.environ["DOCKER_CONFIG"] == str(tmp_path / "user/.docker")
        assert "XDG_CONFIG_HOME" not in os.environ
        assert os.environ["PIP_CONFIG_FILE"] == str(tmp_path / "config/pip/pip.conf")
    assert dict(os.environ) == before


def read_by(kind: str, pattern: str) -> set[str]:
    """The variables that files of one kind take from the environment of whoever runs them."""
    texts = ((ROOT / file).read_text() for file in files() if re.search(kind, file.as_posix()))
    return {name for text in texts for match in re.finditer(pattern, text) for name in match.groups() if name}


def test_what_compose_or_make_reads_does_not_reach_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # `$$` is compose's `$` for the container, and make's for its shell, which has the same environment.
    compose = read_by(r"^(step|extra|final)[^/]*/(.*/)?(compose|stack)[^/]*\.yaml$", r"(?<!\$)\$\{?([A-Z_]+)")
    make = read_by("^Makefile$", r"\$\(([A-Z_]+)\)|\$\$\{?([A-Z_]+)")
    makes_own = {"MAKE", "MAKECMDGOALS"} | read_by("^Makefile$", r"(?m)^([A-Z_]+) *:?=")
    assert {"ADDRESS", "REPLICAS", "GIT_COMMIT"} < compose
    assert {"PROJECT", "K", "STEP"} < make
    read = (compose | make) - makes_own - WANTED - {"HOME"}
    for name in read:
        monkeypatch.setenv(name, "somebody's own")
    with isolated(tmp_path / "home"):
        assert not [name for name in read if os.environ.get(name) == "somebody's own"]
