"""final's files work in projects that know nothing of them, by the steps of its article and with two changed lines."""

import difflib
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine import SCRATCH, Subject
from practices import PRACTICES
from practices.runtime import require_exit_code_0
from tutorial import ROOT

FINAL = ROOT / "final"
ARTICLE = (FINAL / "README.md").read_text()
COPIED = ("Dockerfile", ".dockerignore", "gunicorn.conf.py", "compose.yaml", ".pre-commit-config.yaml")
BASE = "python:3.13-slim-trixie"
# What final promises of every project, whatever it does.
PROMISED = (
    "any-uid",
    "clean-logs",
    "healthcheck",
    "labelled",
    "no-build-tools",
    "no-capabilities",
    "non-root",
    "read-only-rootfs",
    "survives-worker-kill",
    "writes-nothing",
)


@dataclass(frozen=True)
class Project:
    """A project as a stranger has it.

    Args:
        name: its folder in ``tests/projects``.
        manager: what keeps its dependencies: the words in bold in the article before the command that it takes.
        app: the first line that changes.
        worker_class: the second line, if it has to.
        page: what ``GET /`` must contain.
        static_file: a path that is not served by a view, and what it must contain.
    """

    name: str
    manager: str
    app: str
    worker_class: str | None
    page: str
    static_file: tuple[str, str] | None = None


PROJECTS = [
    Project("flask", "A plain list", "shop:app", "gthread", "Our shop", ("/static/style.css", "green")),
    Project("django", "Poetry", "mysite.wsgi:application", "gthread", "My site", ("/static/pages/style.css", "green")),
    Project("fastapi", "uv", "orders.main:app", None, "17 apples"),
]
pytestmark = pytest.mark.parametrize("project", [pytest.param(p, id=p.name) for p in PROJECTS])


def export_command(manager: str) -> str:
    """The commands that the article gives for this manager, in one line."""
    found = re.search(rf"\*\*{manager}\*\*[^`]*```console\n([\s\S]*?)```", ARTICLE)
    assert found, f"final/README.md has no command for {manager}"
    return " && ".join(line.removeprefix("$ ") for line in found[1].splitlines())


@contextmanager
def with_finals_files(project: Project) -> Iterator[Subject]:
    """A copy of the project, after the steps of the article's section "Use it in your project"."""
    folder = SCRATCH / "projects" / project.name
    shutil.copytree(ROOT / "tests/projects" / project.name, folder)
    for name in COPIED:
        shutil.copy2(FINAL / name, folder / name)

    settings = (folder / "gunicorn.conf.py").read_text()
    changed = settings.replace('"hello.main:app"', f'"{project.app}"')
    if project.worker_class:
        changed = changed.replace('"uvicorn_worker.UvicornWorker"', f'"{project.worker_class}"')
    lines = [line for line in difflib.ndiff(settings.splitlines(), changed.splitlines()) if line.startswith("+")]
    assert len(lines) == (2 if project.worker_class else 1), lines
    (folder / "gunicorn.conf.py").write_text(changed)

    # The tools are installed beside the project, as they would be on a laptop.
    pins = re.findall(r"\b(?:poetry|poetry-plugin-export|uv)==[\d.]+", " ".join(map(str, map(Path.read_text, (FINAL / "Dockerfile", FINAL / ".pre-commit-config.yaml")))))
    steps = f"pip install --quiet --root-user-action ignore {' '.join(sorted(set(pins)))} && {export_command(project.manager)}"
    command = ["docker", "run", "--rm", f"--volume={folder}:/app", "--workdir=/app", BASE, "sh", "-c", steps]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield Subject(f"tests/projects/{project.name} with final's files", folder)
    finally:
        shutil.rmtree(folder)


def test_answers_hardened_and_stops_gracefully(project: Project) -> None:
    with with_finals_files(project) as subject:
        with subject.running() as running, ThreadPoolExecutor() as pool:
            assert project.page in running.get("/").text
            if project.static_file:
                path, content = project.static_file
                assert content in running.get(path).text
            report = pool.submit(running.get, "/report")
            wait_until(lambda: report.running(), limit=5)
