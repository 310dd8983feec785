"""What final's reference says besides the five files: its recipes, and its entries under "What goes wrong"."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from library.edits import change, uncomment
from library.engine import SESSION, BuildFailed, build_recipe, docker, run_to_its_end, wait_until
from library.markdown import blocks
from library.practices.sockets import wait_until_listening
from library.practices.startup import first_running
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")

FINAL = Subject("final", ROOT / "final")
REFERENCE = (ROOT / "reference-final/README.md").read_text()
# Run by every Python of the app before anything else: each worker logs two lines, as an app does.
LOG = """
import logging, os
def log():
    logging.getLogger("app").info("for those who search")
    logging.getLogger("app").warning("for everybody")
os.register_at_fork(after_in_child=log)
"""


@pytest.fixture(scope="module")
def with_packages() -> str:
    """The image of final, with packages that its recipes want."""
    name = f"{FINAL.built_image()}-recipes"
    packages = "python-json-logger==4.1.0 celery==5.6.2 numpy==2.4.2 prometheus-client==0.25.0"
    build_recipe(
        f"FROM {FINAL.built_image()}\nUSER 0\nRUN pip --python /venv install {packages}\nUSER 10001:10001\n", name
    )
    return name


@pytest.mark.parametrize("recipe", ["", blocks(REFERENCE, "JSON logs", "python")[0]], ids=["text", "json"])
def test_json_logs_are_json_and_show_what_the_app_logs_as_without_them(recipe: str, with_packages: str) -> None:
    with FINAL.copied("with a recipe") as copy, first_running(FINAL, LOG) as overrides:
        settings = copy.path / "gunicorn.conf.py"
        settings.write_text(f"{settings.read_text()}\n{recipe}")
        settings.chmod(0o644)
        overrides["volumes"].append(f"{settings}:/app/gunicorn.conf.py:ro")
        overrides["environment"]["ACCESS_LOG"] = "-"
        with FINAL.running(image=with_packages, **overrides) as running:
            running.get()
            wait_until(lambda: "GET / " in running.log and "everybody" in running.log, limit=5)
            log = running.log
    assert "GET / " in log
    assert "for everybody" in log
    assert "for those who search" not in log
    lines = [json.loads(line) for line in log.splitlines()] if recipe else []
    assert all({"asctime", "levelname", "name", "message"} <= line.keys() for line in lines)


@pytest.mark.parametrize("worker", ["uvicorn_worker.UvicornWorker", "gthread"])
def test_the_timeout_does_not_count_the_import_of_the_app(worker: str) -> None:
    """Gunicorn's clock begins with the worker's first sign of life: the file before that has another kind of time."""
    slow = (
        "import sys, time\n"
        "class Slow:\n"
        "    def find_spec(name, *more):\n"
        "        if name == 'hello.main':\n"
        "            time.sleep(6)\n"
        "sys.meta_path.insert(0, Slow)\n"
    )
    with first_running(FINAL, slow) as overrides:
        overrides["environment"] |= {"TIMEOUT": "2", "WORKER_CLASS": worker}
        with FINAL.started(**overrides) as running:
            # gthread cannot serve FastAPI: that it tries to shows that it has loaded it.
            assert wait_until(lambda: running.answers() or "FastAPI.__call__()" in running.log, limit=30)
            assert "WORKER TIMEOUT" not in running.log


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("PORT=70000", "port must be 0-65535"),
        ("WORKER_CLASS=nonsense", "Entry point ('gunicorn.workers', 'nonsense') not found"),
    ],
)
def test_a_wrong_value_that_gunicorn_does_not_look_at_ends_the_start_with_a_traceback(setting: str, line: str) -> None:
    name, _, value = setting.partition("=")
    ended = run_to_its_end(FINAL.built_image(), check=False, envs={name: value})
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert line in ended.stderr


@pytest.mark.parametrize(("name", "value"), [("LOG_LEVEL", "loud"), ("WORKERS", "0")])
def test_gunicorn_does_not_check_everything(name: str, value: str) -> None:
    with FINAL.started(environment={name: value}, restart="no") as running:
        assert wait_until(lambda: "[INFO] Listening at" in running.log, limit=20)
        if name == "WORKERS":
            assert not running.answers()


def test_beat_needs_a_place_for_its_schedule(with_packages: str) -> None:
    celery = ["celery", "--app=celery", "beat"]
    read_only: dict[str, Any] = {"read_only": True, "tmpfs": ["/tmp"]}  # noqa: S108  as compose starts it
    ended = run_to_its_end(with_packages, *celery, check=False, **read_only)
    assert ended.returncode
    assert "celerybeat-schedule" in ended.stdout + ended.stderr
    elsewhere = ["timeout", "10", *celery, "--schedule=/tmp/celerybeat-schedule"]
    ended = run_to_its_end(with_packages, *elsewhere, check=False, **read_only)
    assert ended.returncode == 124  # it was still there
    assert "is starting" in ended.stdout + ended.stderr


def test_programs_find_the_users_name_and_not_its_entry() -> None:
    with FINAL.running() as running:
        assert running.python("import getpass, os; print(getpass.getuser(), os.environ['USER'])") == "app app"
        look = "import os, pwd\ntry: pwd.getpwuid(os.getuid())\nexcept KeyError as error: print(error.args[0])"
        assert running.python(look) == "getpwuid(): uid not found: 10001"


def test_what_is_copied_for_the_user_needs_an_entry(tmp_path: Path) -> None:
    """`docker compose watch` copies so, where its action is `sync`."""
    name = f"{SESSION}-with-an-entry"
    build_recipe(f"FROM {FINAL.built_image()}\nUSER 0\nRUN useradd --uid 10001 app\nUSER 10001\n", name)
    (tmp_path / "saved.py").touch()
    copied: list[subprocess.CompletedProcess[str]] = []
    for image in (FINAL.built_image(), name):
        container = docker.create(image, name=f"{name}-{len(copied)}")
        copy = ["docker", "cp", "--archive", str(tmp_path / "saved.py"), f"{container.name}:/tmp"]
        copied.append(subprocess.run(copy, capture_output=True, text=True, check=False))
        container.remove()
    assert 'getent unable to find entry "10001:10001" in passwd database' in copied[0].stderr
    assert copied[1].returncode == 0, copied[1].stderr


def test_a_dependency_from_git_has_no_hash() -> None:
    with FINAL.copied("with a dependency from Git") as copy:
        wanted = copy.path / "requirements.txt"
        wanted.write_text(f"{wanted.read_text()}\nsix @ git+https://example.org/six@1.17.0\n")
        with pytest.raises(BuildFailed, match="must have a hash, but none were provided for: six"):
            copy.build()
        dockerfile = copy.path / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text().replace(" --require-hashes", ""))
        wanted.write_text("six @ git+https://example.org/six@1.17.0\n")
        with pytest.raises(BuildFailed, match="Git executable not found"):
            copy.build()


def test_variables_raise_the_limits_of_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIDS", "300")
    monkeypatch.setenv("TMP_SIZE", "8m")
    with FINAL.started() as running:
        wait_until_listening(running)
        assert running.container.host_config.pids_limit == 300
        full = "import os\ntry: open('/tmp/full', 'wb').write(bytes(9 * 2**20))\nexcept OSError as error: print(error)"
        assert "No space left" in running.python(full)


def test_a_library_for_numbers_starts_a_thread_for_each_cpu_unless_it_is_told(with_packages: str) -> None:
    look = ["python", "-c", "import numpy, os; print(len(os.listdir('/proc/self/task')))"]
    untold = run_to_its_end(with_packages, *look).stdout
    told = run_to_its_end(with_packages, "env", "OMP_NUM_THREADS=1", *look).stdout
    assert (int(untold), int(told)) == (len(os.sched_getaffinity(0)), 1)


SETTINGS, METRICS = blocks(REFERENCE, "Prometheus", "python")
# An app that counts its requests and says how many there were.
COUNTS = f"""
import os
from prometheus_client import Counter
{METRICS}
requests = Counter("requests", "All requests")
def app(environ, start_response):
    requests.inc()
    start_response("200 OK", [("Worker", str(os.getpid()))])
    return [metrics()]
"""


def test_prometheus_counts_the_requests_of_all_workers(with_packages: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "counts.py").write_text(COUNTS)
    settings = f"{(FINAL.path / 'gunicorn.conf.py').read_text()}\n{SETTINGS}\nwsgi_app = 'counts:app'\n"
    (tmp_path / "gunicorn.conf.py").write_text(settings)
    volumes = [f"{tmp_path}/{name}:/app/{name}:ro" for name in ("counts.py", "gunicorn.conf.py")]
    environment = {"WORKERS": "2", "WORKER_CLASS": "gthread"}
    with FINAL.running(image=with_packages, volumes=volumes, environment=environment) as running:
        answers = [running.get() for _ in range(50)]
        assert len({answer.headers["worker"] for answer in answers}) == 2
        counted = re.search(r"^requests_total (\d+)", answers[-1].text, re.MULTILINE)
        assert counted
        assert int(counted[1]) >= 50  # the health check asks, too


def redirected(subject: Subject) -> str:
    """Where the app sends a visitor of /health/ whose proxy says that he came over https."""
    with subject.running() as running:
        headers = {"Host": "shop.test", "X-Forwarded-Proto": "https"}
        return httpx.get(f"{running.url()}/health/", headers=headers).headers["Location"]


def test_a_redirect_keeps_https_behind_a_proxy_that_is_believed() -> None:
    assert redirected(FINAL) == "http://shop.test/health"
    with FINAL.copied("behind a proxy") as copy:
        change(copy.path / "compose.yaml", "  #   DATABASE_URL: ${DATABASE_URL:?}\n", "")
        uncomment(copy.path / "compose.yaml", ["  # environment:"])
        assert redirected(copy) == "https://shop.test/health"
