"""final's files work in projects that know nothing of them, by the steps of its article and with two changed lines."""

import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from library.engine import SCRATCH, wait_until
from library.practices import PRACTICES, Violation
from library.practices.runtime import health, require_answer_in_flight, require_quick_stop
from library.subject import Subject
from library.tutorial import ROOT

FINAL = ROOT / "final"
pytestmark = pytest.mark.about("final")
ARTICLE = (FINAL / "README.md").read_text()
COPIED = ("Dockerfile", ".dockerignore", "gunicorn.conf.py", "compose.yaml", ".pre-commit-config.yaml")
BASE = Subject("final", FINAL).parsed.base_image
# What final promises of every project, whatever it does.
PROMISED = (
    "any-uid",
    "clean-logs",
    "no-cache-in-image",
    "no-capabilities",
    "precompiled",
    "read-only-rootfs",
    "writes-nothing",
)


@dataclass(frozen=True)
class Project:
    """A project as a stranger has it.

    Args:
        name: its folder in ``tests/projects``.
        manager: what keeps its dependencies: the words in bold in the article before the commands that it takes.
        app: what the first changed line says.
        worker_class: what the second one says, if it has to change.
        page: what ``GET /`` must contain.
        static_file: a path that is not served by a view, and what it must contain.
    """

    name: str
    manager: str
    app: str
    worker_class: str
    page: str
    static_file: tuple[str, str] | None = None


PROJECTS = [
    Project("flask", "a plain list", "shop:app", "gthread", "Our shop", ("/static/style.css", "green")),
    Project("django", "Poetry", "mysite.wsgi:application", "gthread", "My site", ("/static/pages/style.css", "green")),
    Project("fastapi", "uv", "orders.main:app", "uvicorn_worker.UvicornWorker", "17 apples"),
]


def export_commands(manager: str) -> str:
    """The commands that the article gives for this manager, as one."""
    found = re.search(rf"\*\*{manager}\*\*[\s\S]*?```console\n([\s\S]*?)```", ARTICLE)
    assert found, f"final/README.md has no commands for {manager}"
    return " && ".join(line.removeprefix("$ ") for line in found[1].splitlines())


def group(project: Project) -> pytest.MarkDecorator:
    """Send a project's tests to one worker, which makes its copy and its image once."""
    return pytest.mark.xdist_group(f"project {project.name}")


@pytest.fixture(scope="module", params=[pytest.param(p, id=p.name, marks=group(p)) for p in PROJECTS])
def adopted(request: pytest.FixtureRequest) -> tuple[Project, Subject]:
    """A copy of a project, after the steps of the article's section "Use it in your project"."""
    project: Project = request.param
    folder = SCRATCH / "projects" / project.name
    shutil.copytree(ROOT / "tests/projects" / project.name, folder)
    for name in COPIED:
        shutil.copy2(FINAL / name, folder / name)

    settings = folder / "gunicorn.conf.py"
    before = settings.read_text()
    after = before.replace('"hello.main:app"', f'"{project.app}"')
    after = after.replace('"uvicorn_worker.UvicornWorker"', f'"{project.worker_class}"')
    settings.write_text(after)
    assert 1 <= sum(old != new for old, new in zip(before.splitlines(), after.splitlines(), strict=True)) <= 2

    # The tool that keeps the dependencies, beside the project as on a laptop.
    files = "".join((FINAL / name).read_text() for name in COPIED)
    tools = sorted(set(re.findall(r"\b(?:poetry|poetry-plugin-export|uv)==[\d.]+", files)))
    steps = f"pip install --quiet --root-user-action ignore {' '.join(tools)} && {export_commands(project.manager)}"
    command = ["docker", "run", "--rm", f"--volume={folder}:/app", "--workdir=/app", BASE, "sh", "-c", steps]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return project, Subject(f"tests/projects/{project.name} with final's files", folder)


def test_answers_and_stops_gracefully(adopted: tuple[Project, Subject]) -> None:
    project, subject = adopted
    with subject.running() as running:
        assert project.page in running.get("/").text
        assert running.get("/health").status_code == 404, "a project that knows nothing of health checks"
        assert wait_until(lambda: health(running) == "healthy", limit=10)
        if project.static_file:
            path, content = project.static_file
            assert content in running.get(path).text
        require_answer_in_flight(running, "/report")
        require_quick_stop(running)


@pytest.mark.parametrize("practice", PROMISED)
def test_holds_what_final_promises(adopted: tuple[Project, Subject], practice: str) -> None:
    _, subject = adopted
    try:
        PRACTICES[practice].check(subject)
    except Violation as violation:
        pytest.fail(f"{subject.name}: {violation.seen}", pytrace=False)


def test_flask_runs_on_gevent(adopted: tuple[Project, Subject]) -> None:
    project, subject = adopted
    if project.name != "flask":
        pytest.skip("gevent is in the Flask project")
    with subject.running(environment={"WORKER_CLASS": "gevent", "WORKER_CONNECTIONS": "50", "WORKERS": "1"}) as running:
        assert "Using worker: gevent" in running.log
        report = running.url() + "/report"
        with ThreadPoolExecutor(40) as pool:
            start = time.monotonic()
            answers = list(pool.map(lambda _: httpx.get(report, timeout=30).status_code, range(40)))
        assert answers == [200] * 40
        assert time.monotonic() - start < 20, "40 requests of 2 seconds each were not served at once"
        running.stop()
        running.container.reload()
        assert running.container.state.exit_code == 0


def test_django_collects_static_files_with_the_line_of_the_article(adopted: tuple[Project, Subject]) -> None:
    project, subject = adopted
    if project.name != "django":
        pytest.skip("collectstatic is Django's")
    line = re.search(r"^ *(RUN .*collectstatic.*)$", ARTICLE, re.MULTILINE)
    assert line
    with subject.copied("and collectstatic") as copy:
        dockerfile = copy.path / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text().replace("\nUSER 10001", f"\n{line[1]}\n\nUSER 10001", 1))
        with copy.running() as running:
            assert "style.css" in running.python("import os; print(os.listdir('/app/staticfiles/pages'))")
            assert "green" in running.get("/static/pages/style.css").text
