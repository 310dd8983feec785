"""Practices that only read files, asked of files that are written here."""

import re
from pathlib import Path

import pytest

from library.matrix import cells, daily_sabotages
from library.practices import PRACTICES, Violation
from library.practices.runtime.production_server import DEVELOPS, SCRIPT
from library.practices.security.bounded import grows_without_end
from library.subject import Subject
from library.tutorial import ROOT

PINNED = """FROM python:3.14-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /bin/
RUN pip install poetry==2.5.1
RUN pip --python /venv install flask==3.1.2 && pip --python /venv install --require-hashes -r main.txt
"""


@pytest.mark.parametrize(
    ("pinned", "loose"),
    [
        ("python:3.14-slim-trixie", "python:3.14-slim"),
        ("/uv:0.13.8 ", "/uv:latest "),
        ("/uv:0.13.8 ", "/uv:python3.14-trixie-slim "),
        ("poetry==2.5.1", "poetry"),
        ("flask==3.1.2", "flask"),
    ],
)
def test_a_tool_without_a_version_is_noticed(tmp_path: Path, pinned: str, loose: str) -> None:
    assert pinned in PINNED
    (tmp_path / "Dockerfile").write_text(PINNED.replace(pinned, loose))
    with pytest.raises(Violation):
        PRACTICES["pinned-tools"].check(Subject("loose", tmp_path))


@pytest.mark.parametrize("pinned", [":0.13.8", ":0.13.8@sha256:ab", "@sha256:ab"])
def test_tools_with_a_version_or_a_digest(tmp_path: Path, pinned: str) -> None:
    (tmp_path / "Dockerfile").write_text(PINNED.replace(":0.13.8", pinned))
    PRACTICES["pinned-tools"].check(Subject("pinned", tmp_path))


@pytest.mark.parametrize(
    ("command", "develops"),
    [
        ("/usr/local/bin/python3.14 /usr/local/bin/uvicorn main:app --host 0.0.0.0 --reload", True),
        ("/usr/local/bin/python3.14 /usr/local/bin/gunicorn --reload shop:app", True),
        ("uwsgi --http :8000 --py-autoreload=1", True),
        ("/usr/local/bin/python3.14 /usr/local/bin/fastapi dev --host 0.0.0.0", True),
        ("/usr/local/bin/python3.14 /usr/local/bin/flask --app shop --debug run", True),
        ("python -m quart run", True),
        ("python manage.py runserver 0.0.0.0:8000", True),
        ("/usr/local/bin/python3.14 /usr/local/bin/fastapi run", False),
        ("gunicorn --chdir /flask run:app --reload-extra-file x", False),
        ("uvicorn main:app --reload-dir src", False),
    ],
)
def test_a_server_that_watches_its_files_is_for_development(command: str, develops: bool) -> None:
    assert bool(DEVELOPS.search(f"tini -- x\n{command}\nsleep 1")) == develops
    assert not SCRIPT.search(command)


def test_an_app_that_starts_its_server_itself() -> None:
    processes = "/usr/local/bin/python -u src/main.py\npython -m shop\npython x.py migrate"
    assert SCRIPT.findall(processes) == ["src/main.py", "-m shop"]


@pytest.mark.parametrize(
    ("driver", "options", "grows"),
    [
        ("json-file", {}, True),
        ("json-file", None, True),
        ("json-file", {"max-file": "3"}, True),  # without a size, there is never a second file
        ("json-file", {"max-size": "-1"}, True),
        ("json-file", {"max-size": "10m"}, False),
        ("local", {}, False),
        ("journald", {}, False),
    ],
)
def test_a_log_that_docker_keeps_for_ever(driver: str, options: dict[str, str] | None, grows: bool) -> None:
    assert grows_without_end({"Type": driver, "Config": options}) == grows


def test_each_file_of_a_family_is_a_practice_and_knows_no_other_one() -> None:
    """What several need stands beside the families."""
    files = [file for file in (ROOT / "tests/library/practices").glob("*/*.py") if file.stem != "__init__"]
    assert sorted(file.stem.replace("_", "-") for file in files) == sorted(PRACTICES)
    assert len({*PRACTICES.values()}) == len(files), "two of them are equal"
    assert not [file for file in files if re.search(r"^from \.(\w|\.\w+\.)", file.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("practice", PRACTICES)
def test_each_practice_is_seen_to_hold_and_to_fail_by_make_test(practice: str) -> None:
    """In the folder that adds it and right before, or after a change that breaks it: no *no* for what is not there."""
    seen = {cell.holds for cell in cells() if cell.practice.id == practice and cell.daily}
    seen |= {False for sabotage in daily_sabotages() if practice in sabotage.breaks}
    assert seen == {True, False}, f"no folder before fails {practice}: its file needs a change of a folder in TURNS_RED"


def test_what_a_folder_is_not_about_is_not_asked_of_it() -> None:
    asked = {(cell.subject.name, cell.practice.id) for cell in cells()}
    assert ("extra-7-platforms", "fits-kubernetes") in asked
    assert ("final", "fits-kubernetes") not in asked
    assert ("extra-1-compiling", "keeps-data") in asked, "it has step 5's database"
    assert ("step-3-basic", "test-target") not in asked, "it has no such stage"
    assert ("step-3-basic", "hang-noticed") in asked, "a hang can be seen there, too"
