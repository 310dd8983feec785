"""final's files work in projects that know nothing of them, by the steps of its article and with one changed line."""

import re
import secrets
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from adopt.strangers import ARTICLE, BASE, PROJECTS, Project, adopted
from library import clock
from library.edits import change, uncomment
from library.engine import one_build_at_a_time, run_to_its_end, wait_until
from library.image import files, find_in_layers, history
from library.locks import other_versions
from library.markdown import blocks
from library.practices import PRACTICES, Violation
from library.practices.commit.requirements_in_sync import complaint_of_hooks
from library.practices.health import health_when_looked_at
from library.practices.stopping import require_answer_in_flight, require_exit_code_0, require_quick
from library.subject import Running, Subject

pytestmark = pytest.mark.about("final")
# What final promises of every project, whatever it does.
PROMISED = (
    "any-uid", "clean-logs", "no-cache-in-image", "no-capabilities", "precompiled", "read-only-rootfs",
    "writes-nothing",
)  # fmt: skip
# A message broker, as such a project has it in its compose file.
REDIS = """
  redis:
    build:
      context: .
      dockerfile_inline: |
        FROM python:3.14-slim-trixie
        RUN apt-get update && apt-get install --yes --no-install-recommends redis-server
        CMD ["redis-server", "--protected-mode", "no", "--save", ""]
"""
# And a database.
POSTGRES = """
  db:
    image: postgres:17-trixie
    environment: { POSTGRES_PASSWORD: example }
    healthcheck: { test: pg_isready --host=localhost --username=postgres, interval: 1s, retries: 60 }
"""
# Run inside the container of Django's: what a page that names a static file comes to.
STATIC_FILE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.templatetags.static import static
try:
    print(static("pages/style.css"))
except ValueError as error:
    print(error)
"""
# A project's tests go to one worker, which makes its copy and its image once.
PARAMETERS = {
    project.name: pytest.param(project, id=project.name, marks=pytest.mark.xdist_group(f"project {project.name}"))
    for project in PROJECTS
}


def only(name: str) -> pytest.MarkDecorator:
    """For a test that is about one project."""
    return pytest.mark.parametrize("project", [PARAMETERS[name]], indirect=True)


@pytest.fixture(scope="module", params=PARAMETERS.values())
def project(request: pytest.FixtureRequest) -> Project:
    project: Project = request.param
    return project


@pytest.fixture
def subject(project: Project) -> Subject:
    """A copy of it, after the steps of the article's section "Use it in your project"."""
    return adopted(project.name)


def differing_code(image: str, other: str) -> set[str]:
    """Code that is not the same in two images, and bytecode that only one of them has.

    Which bytes Python writes may depend on what the same process has compiled before (cpython#129724), and uv shares
    the work among processes: seen once with werkzeug, in one of several hundred builds.
    """
    first, second = files(image), files(other)
    different = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    code = {name for name in different if name.endswith((".py", ".so"))}
    code |= {name for name in first.keys() ^ second.keys() if name.endswith(".pyc")}
    # The scripts that activate an environment name it, and uv may name the two differently.
    return {name for name in code if not name.startswith("venv/bin/activate")}


def test_answers_and_stops_gracefully(project: Project, subject: Subject) -> None:
    with subject.running() as running:
        page = running.get("/")
        assert project.page in page.text
        assert running.get("/health").status_code == 404, "a project that knows nothing of health checks"
        assert health_when_looked_at(running) == "healthy"
        if project.static_file:
            path, content = project.static_file
            assert content in running.get(path).text
        if project.name == "django":
            hashed = re.search(r'href="(/static/pages/style\.[0-9a-f]+\.css)"', page.text)
            assert hashed, page.text
            assert "green" in running.get(hashed[1]).text
        require_answer_in_flight(running, "/report")
        running.project.compose.start(running.service)
        running.wait_until_ready()
        require_quick(running.stop())
        require_exit_code_0(running.exit_code, "docker compose stop; docker compose ps --all")


def test_its_own_tests_run_and_its_hooks_pass(subject: Subject) -> None:
    assert other_versions(*map(subject.read, ("requirements.txt", "requirements-dev.txt"))) == []
    with subject.copied("and its tests", service="test") as copy:
        with copy.started() as running:
            assert running.ends(60), "its tests do not end"
            assert running.exit_code == 0, running.log
            assert re.search(r"\d passed", running.log)
        subprocess.run(["git", "init", "--quiet"], cwd=copy.path, check=True)
        assert complaint_of_hooks(copy.path) == ""


@only("django")
def test_hooks_work_in_a_subfolder(subject: Subject, tmp_path: Path) -> None:
    shutil.copytree(subject.path, tmp_path / "api")
    [command] = blocks(ARTICLE, "A subfolder", "console")
    subprocess.run(["sh", "-c", command.removeprefix("$ ")], cwd=tmp_path, check=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert complaint_of_hooks(tmp_path) == ""
    with (tmp_path / "api/requirements.txt").open("a") as requirements:
        requirements.write("cowsay==6.1\n")
    assert re.findall(r"^- hook id: (\S+)$", complaint_of_hooks(tmp_path), re.MULTILINE) == ["poetry-export"]


@pytest.mark.thorough
@pytest.mark.parametrize("practice", PROMISED)
def test_holds_what_final_promises(project: Project, subject: Subject, practice: str) -> None:
    if practice == "any-uid" and "compose.yaml" in project.changed and "data:" in project.changed["compose.yaml"][0]:
        pytest.skip("a volume belongs to one user")
    try:
        PRACTICES[practice].check(subject)
    except Violation as violation:
        raise pytest.fail.Exception(f"{subject.name}: {violation.seen}", pytrace=False) from None


@only("flask")
def test_flask_runs_on_gevent(subject: Subject) -> None:
    with subject.running(environment={"WORKER_CLASS": "gevent", "WORKERS": "1"}) as running:
        assert "Using worker: gevent" in running.log
        report = running.url() + "/report"
        with ThreadPoolExecutor(40) as pool:
            start = clock.seconds()
            answers = list(pool.map(lambda _: httpx.get(report, timeout=30).status_code, range(40)))
        assert answers == [200] * 40
        assert clock.seconds() - start < 20, "40 requests of 2 seconds each were not served at once"
        running.stop()
        assert running.exit_code == 0


@only("websocket")
def test_a_websocket_is_answered(subject: Subject) -> None:
    talk = "from websockets.sync.client import connect\nwith connect('ws://127.0.0.1:8000/room') as room:\n"
    with subject.running() as running:
        assert running.python(talk + "    room.send('hello'); print(room.recv())") == "You said: hello"


@only("celery")
def test_a_worker_of_the_same_image_does_the_work(subject: Subject) -> None:
    with subject.copied("and Redis") as copy:
        change(copy.path / "compose.yaml", "\n# volumes:", f"{REDIS}\n# volumes:")
        with copy.running() as running:
            with one_build_at_a_time():
                # It waits: with the image's health check off, this ended as a failure (docker/compose#13522).
                running.project.compose.up(["redis", "worker"], detach=True, wait=True, build=True, quiet=True)
            assert running.get("/sum", timeout=60).text == "42"


@only("django")
def test_migrations_are_a_command_that_runs_once(subject: Subject) -> None:
    with subject.copied("that migrates") as copy:
        compose = copy.path / "compose.yaml"
        uncomment(compose, ["  # migrate:"])
        key = "  SECRET_KEY: a stranger's"
        change(compose, key, f"{key}\n    DATABASE_URL: postgres://postgres:example@db/postgres")
        change(compose, "\n# volumes:", f"{POSTGRES}\n# volumes:")
        with copy.running() as running:
            with one_build_at_a_time():
                running.project.compose.build(["migrate"], quiet=True)
            running.project.compose.up("db", detach=True, wait=True, quiet=True)
            output = running.project.compose.run("migrate", remove=True, tty=False)
            assert "Applying pages.0001_initial... OK" in str(output)
            assert [running.get("/visits").text for _ in range(2)] == ["1 visits", "2 visits"]


@only("compiled")
def test_flask_counts_in_postgresql(subject: Subject) -> None:
    """With what the reference of final says of a database."""
    app, database = blocks(ARTICLE, "A database", "yaml")
    with subject.copied("and PostgreSQL") as copy:
        compose = copy.path / "compose.yaml"
        change(compose, "  # environment:\n", f"{app}  # environment:\n")
        change(compose, "\n# volumes: { data: }\n", f"\n{database}")
        with copy.running() as running:
            assert [running.get("/visits").text for _ in range(2)] == ["1 visits", "2 visits"]


@only("django")
def test_static_files_that_nobody_has_collected_are_missed_by_name(subject: Subject) -> None:
    with subject.copied("without collectstatic") as copy:
        change(copy.path / "Dockerfile", "\nRUN SECRET_KEY", "\n# RUN SECRET_KEY")
        with copy.started() as running:
            assert wait_until(lambda: health_when_looked_at(running) == "healthy", limit=60), running.log
            assert running.get("/").status_code == 500
            # Django tells its administrators why, and nobody else.
            assert "No directory at: /app/staticfiles/" in running.log
            assert running.python(STATIC_FILE) == "Missing staticfiles manifest entry for 'pages/style.css'"


@only("flask")
def test_what_flask_keeps_outlives_the_container(subject: Subject) -> None:
    def visits(running: Running) -> int:
        return int(running.get("/").text.partition("Visit ")[2].partition("<")[0])

    with subject.running() as running:
        # The wait for its start is a visit, too, and so is each request of it that was given up.
        before = visits(running)
        running.project.compose.up(running.service, detach=True, no_build=True, quiet=True, force_recreate=True)
        again = running.now()
        again.wait_until_ready(path="/static/style.css")
        assert visits(again) > before > 1


@only("fastapi")
def test_uv_needs_no_exported_list(project: Project, subject: Subject) -> None:
    with subject.copied("from uv.lock") as copy:
        dockerfile = copy.path / "Dockerfile"
        [instead] = blocks(ARTICLE, "uv without", "dockerfile")
        installs = re.findall(r"^RUN --mount=type=cache(?:.*\\\n)+.*\n", dockerfile.read_text(), re.MULTILINE)
        for own, groups in zip(installs, ("--no-dev", "--all-groups"), strict=True):
            change(dockerfile, own, instead.replace("--no-dev", groups))
        for name in ("requirements.txt", "requirements-dev.txt"):
            (copy.path / name).unlink()
        with copy.running() as running:
            assert project.page in running.get("/").text
        assert differing_code(subject.built_image(), copy.built_image()) == set()
        with replace(copy, service="test").started() as running:
            assert running.ends(60)
            assert "1 passed" in running.log


@pytest.mark.thorough
@only("flask")
def test_uv_comes_from_the_package_index_where_its_image_cannot_be_had(subject: Subject) -> None:
    with subject.copied("with uv from the package index") as copy:
        [instead] = blocks(ARTICLE, "uv from elsewhere", "dockerfile")
        dockerfile = copy.path / "Dockerfile"
        (line,) = re.findall(r"^COPY --from=\S+/uv:.*\n", dockerfile.read_text(), re.MULTILINE)
        change(dockerfile, line, instead)
        assert set(copy.parsed.images) == {BASE}
        assert differing_code(subject.built_image(), copy.built_image()) == set()
        replace(copy, service="test").built_image()  # its stage has it, too


@only("websocket")
def test_index_credentials_are_in_no_layer(subject: Subject) -> None:
    mount = re.search(r"^ +--mount=type=secret,id=netrc.*\n", ARTICLE, re.MULTILINE)
    assert mount
    password = secrets.token_hex()
    with subject.copied("from a private index") as copy:
        netrc = copy.path.parent / "netrc"
        netrc.write_text(f"machine index.example.org login reader password {password}\n")
        dockerfile = copy.path / "Dockerfile"
        for name in ("requirements.txt", "requirements-dev.txt"):
            before = f"    --mount=type=bind,source={name},target={name} \\\n"
            change(dockerfile, before, mount[0] + before)
        # Both instructions see it: uv reads ~/.netrc.
        text, count = re.subn(r"(?m)^    (?=uv )", f"    grep -q {password[:8]} ~/.netrc && ", dockerfile.read_text())
        assert count == 2
        dockerfile.write_text(text)
        for target in ("production", "test"):
            built = replace(copy, target=target)
            options = ["--quiet", f"--target={target}", f"--secret=id=netrc,src={netrc}", f"--tag={copy.image_name}"]
            with one_build_at_a_time():
                subprocess.run(["docker", "build", *options, str(copy.path)], check=True, capture_output=True)
            built.take_image(copy.image_name)
            assert find_in_layers(built, lambda _, file: password.encode() in file.read()) == set()
            assert password not in "".join(history(copy.image_name, "CreatedBy"))


@only("flask")
def test_an_app_that_is_not_there_ends_the_start_with_its_name(project: Project, subject: Subject) -> None:
    with subject.copied("with a wrong app") as copy:
        change(copy.path / "gunicorn.conf.py", f'"{project.app}"', '"shopp:app"')
        # One worker: gunicorn's exit code is 1 where a second one fails while it stops because of the first.
        ended = run_to_its_end(copy.built_image(), check=False, envs={"WORKERS": "1"})
        assert ended.returncode == 3
        assert "ModuleNotFoundError: No module named 'shopp'" in ended.stderr
