"""What every folder promises, whatever its lesson. That it works when copied alone, test_articles.py shows."""

import os
import time
from pathlib import Path

import pytest

from library import clock, tutorial
from library.practices.stopping import undisturbed_life
from library.subject import Subject, subject_of

# What compose itself needs, and no variable of its files.
BARE = {"PATH": os.environ["PATH"], "HOME": str(Path.home())}
SUBJECTS = [pytest.param(subject_of(folder), id=folder.name) for folder in tutorial.load()]
pytestmark = pytest.mark.parametrize("subject", SUBJECTS)


def test_comes_up_and_stops(subject: Subject) -> None:
    """The first one: its container is started again for the others, see `undisturbed_life`."""
    life = undisturbed_life(subject)
    assert life.exit_code == 0
    assert life.stop_seconds < 2


def test_answers_with_its_name(subject: Subject) -> None:
    answer = subject.shared_container().get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["step"] == subject.folder


def test_slow_answers_after_the_time_asked_for(subject: Subject) -> None:
    running = subject.shared_container()
    start, fair_start = time.monotonic(), clock.seconds()
    assert running.get("/slow?seconds=1").status_code == 200
    assert time.monotonic() - start >= 1
    assert clock.seconds() - fair_start < 3


@pytest.mark.parametrize("seconds", ["abc", "-1", "0", "30.5", "nan", "inf", ""])
def test_slow_refuses_other_times_and_says_why(subject: Subject, seconds: str) -> None:
    answer = subject.shared_container().get(f"/slow?seconds={seconds}")
    assert answer.status_code == 400
    assert "at most 30" in answer.json()["error"]


def test_unknown_path_is_404(subject: Subject) -> None:
    assert subject.shared_container().get("/no-such-page").status_code == 404


def test_moves_to_another_port(subject: Subject) -> None:
    """``PORT=9000 docker compose up`` is what the compose file says, of whatever is built from the folder."""
    services = subject.services(environment=BARE | {"PORT": "9123"})
    built = {name: service for name, service in services.items() if service.get("build")}
    published = {name: [port["published"] for port in service.get("ports", ())] for name, service in built.items()}
    assert published["web"] == ["9123"]
    assert {port for ports in published.values() for port in ports} == {"9123"}


def test_up_starts_the_app_and_what_it_depends_on(subject: Subject) -> None:
    """Whatever else the compose file has is started by those who name it."""
    services = subject.services([], BARE)
    assert services.keys() == {"web", *services["web"].get("depends_on", ())}
