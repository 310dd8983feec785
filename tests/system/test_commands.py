"""The commands of the front page, with good and with bad input."""

import os
import socket
import subprocess

import pytest

from library.engine import SESSION, docker, free_port, one_build_at_a_time
from library.tutorial import ROOT

PROJECT = f"{SESSION}-make-up"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PORT", "MAKEFLAGS")}
    environment["COMPOSE_PROJECT_NAME"] = PROJECT  # a folder that somebody runs at the same time stays as it is
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_make_alone_lists_the_targets() -> None:
    for target in ("up", "down", "exercise", "check", "hint", "test", "test-all", "bootstrap", "lint", "docs", "clean"):
        assert f"\n{target} " in make().stdout


def test_an_unknown_folder_is_one_line_that_names_the_folders() -> None:
    result = make("up", "STEP=nonsense")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "step-1-kiss" in result.stderr


@pytest.mark.xdist_group("make up")
def test_up_shows_the_answer_and_how_to_stop_and_down_removes_everything() -> None:
    port = free_port()
    try:
        with one_build_at_a_time():
            result = make("up", f"PORT={port}")
        assert result.returncode == 0, result.stderr
        assert f"http://localhost:{port}\n" in result.stdout
        assert '"step":"final"' in result.stdout
        assert "logs --follow" in result.stdout
        assert "make down STEP=final" in result.stdout
    finally:
        assert make("down").returncode == 0
    assert not docker.container.list(all=True, filters=[("label", f"com.docker.compose.project={PROJECT}")])


@pytest.mark.xdist_group("make up")
def test_a_port_in_use_is_named_and_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = make("up", f"PORT={port}")
    assert result.returncode != 0
    assert f"port {port} is in use" in result.stderr
    assert f"PORT={port + 1}" in result.stderr
    assert not docker.container.list(all=True, filters=[("label", f"com.docker.compose.project={PROJECT}")])


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    result = make("up", f"PORT={port}")
    assert result.returncode != 0
    assert f"PORT must be a number from 1 to 65535, got '{port}'" in result.stderr
