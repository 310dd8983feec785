"""What somebody has set for themselves does not reach the tests, and is there again afterwards."""

import os
from pathlib import Path

import pytest

from library.environment import isolated

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
    (tmp_path / "user/.gitconfig").write_text("[commit]\n gpgsign = true\n")
    for name, value in {**SET, "HOME": str(tmp_path / "user"), "DOCKER_HOST": "tcp://engine"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    before = dict(os.environ)
    with isolated(tmp_path / "home"):
        assert {name: os.environ.get(name) for name in SET} == dict.fromkeys(SET) | {"LC_ALL": "C.UTF-8", "PORT": "0"}
        assert os.environ["HOME"] == str(tmp_path / "home")
        assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
        assert os.environ["DOCKER_HOST"] == "tcp://engine"
        assert os.environ["DOCKER_CONFIG"] == str(tmp_path / "user/.docker")
    assert dict(os.environ) == before
