"""``make score`` says of the folders what the scoreboard says, and of strangers' projects what is seen, or one line.

The projects here are made by the tests, each under a name that nothing else has: what a run leaves behind would show.
"""

import hashlib
import importlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from library import tutorial
from library.engine import docker, wait_until
from library.practices import PRACTICES
from library.repository import write_files
from library.tutorial import ROOT, Folder

APP = """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "hello from a stranger"
"""
BASE = "python:3.14-slim-trixie"
DOCKERFILE = f"FROM {BASE}\nWORKDIR /srv\nCOPY . .\nRUN pip install flask\nCMD flask run --host 0.0.0.0\n"


def score(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "score.command", f"--project={project}", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    before = content(project)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=550)
    assert content(project) == before, "the project has been changed"
    return done


def answers(project: Path, *options: str) -> dict[str, Any]:
    done = score(project, "--format=json", *options)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def outcomes(answer: dict[str, Any]) -> dict[str, str]:
    return {name: practice["outcome"] for name, practice in answer["practices"].items()}


def left_over(name: str) -> list[str]:
    """Containers, networks, volumes and images with this word in their name, and copies of a folder that has it."""
    lines = [str(path) for path in Path(tempfile.gettempdir()).glob(f"tutorial-*/project/copy/{name}")]
    for kind in (["ps", "--all"], ["network", "ls"], ["volume", "ls"], ["image", "ls"]):
        lines += subprocess.run(["docker", *kind], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if name in line]


def content(folder: Path) -> dict[str, str]:
    """What is in each file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project as people begin: one module, a Dockerfile, no compose file; a path with a space."""
    folder = tmp_path / "my work" / f"shop-{secrets.token_hex(4)}"
    yield write_files(folder, {"app.py": APP, "Dockerfile": DOCKERFILE})
    assert left_over(folder.name) == []


def column(folder: Folder) -> dict[str, str]:
    """A folder's column of the scoreboard."""
    return {
        name: "holds" if name in folder.holds else "violated" if practice.applies_to(folder.has) else "not asked"
        for name, practice in PRACTICES.items()
    }


# The matrix asks the same functions of the same folders: here, what takes long is asked of two, family by family.
QUICK = [name for name, practice in PRACTICES.items() if not practice.slow]


def parameters() -> Iterator[Any]:
    for folder in tutorial.load():
        yield pytest.param(folder, QUICK, id=f"{folder.name}:quick", marks=pytest.mark.about(folder.name))
        if folder.name in ("step-5-larger", "final"):
            marks = [pytest.mark.about(folder.name), pytest.mark.thorough]
            for family in sorted({practice.family for practice in PRACTICES.values() if practice.slow}):
                slow = [name for name, practice in PRACTICES.items() if practice.slow and practice.family == family]
                yield pytest.param(folder, slow, id=f"{folder.name}:{family}", marks=marks)


@pytest.mark.parametrize(("folder", "names"), list(parameters()))
def test_a_folder_scores_as_its_column_in_the_scoreboard(folder: Folder, names: list[str]) -> None:
    # One after the other: the tests are several at a time already.
    practices = answers(folder.path, f"--only={' '.join(names)}", "--workers=1")["practices"]
    different = {
        name: f"{practices[name]['outcome']}: {practices[name]['said']}"
        for name, expected in column(folder).items()
        if name in names and practices[name]["outcome"] != expected
    }
    assert not different


@pytest.mark.thorough
def test_a_minimal_project_is_asked_and_stays_as_it_is(project: Path) -> None:
    write_files(project, dict.fromkeys((".git/objects/large", "node_modules/x/index.js", ".venv/pyvenv.cfg"), "x"))
    answer = answers(project)
    assert "it listens on port 5000, which neither EXPOSE nor the variable PORT says" in answer["notes"]
    practices = answer["practices"]
    assert {practices[name]["outcome"] for name in ("answers-curl", "no-compiler", "single-stage")} == {"holds"}
    for name, said in {
        "production-server": "Werkzeug",
        "non-root": "runs as root",
        "locked-dependencies": "flask",
        "verified-hashes": "there is no lock file",
        "healthcheck": "no HEALTHCHECK",
        "hang-noticed": "its health is not checked",
        "errors-noticed": "its health is not checked",
        "graceful-stop": "exit code 137",  # the shell is the first process, and passes no signal on
        "lean-context": ".env",
        "unbuffered-logs": "does not show them",
        "crash-traceback": "says only",
    }.items():
        assert practices[name]["outcome"] == "violated", f"{name}: {practices[name]}"
        assert said in practices[name]["said"]
        assert practices[name]["taught_by"].startswith(("step-", "extra-", "final"))
    assert "cd " + project.name in practices["non-root"]["by_hand"]
    not_asked = {
        "local-only", "keeps-data", "entrypoint-modes", "knows-its-version", "test-target", "watched",
        "requirements-in-sync", "any-layout", "says-what-is-missing", "configured-by-env", "workers-fit-limits",
    }  # fmt: skip
    assert not not_asked & practices.keys()
    undecided = {name: each["said"] for name, each in practices.items() if "could not be asked" in each["said"]}
    assert not undecided


def test_make_passes_everything_on_and_says_what_is_required(project: Path) -> None:
    environment = {**os.environ, "PROJECT": str(project), "ONLY": "no-compiler", "REQUIRE": "non-root no-compiler"}
    done = subprocess.run(["make", "score"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, "make's own number; the tool's is 1"
    assert "score: REQUIRE: non-root (violated)\n" in done.stderr
    assert "What holds\n  ✔ no-compiler\n" in done.stdout
    # What tests/README.md shows.
    page = (ROOT / "tests/README.md").read_text()
    shown = page[page.index("  ✘ non-root:") : page.index("…\nshop: ")]
    assert shown.replace("cd shop", f"cd {project.name}") in done.stdout
    assert done.stdout.splitlines()[-1] == f"{project.name}: 1 hold, 1 do not, 0 were not asked"


def test_what_is_required_decides_how_it_ends(project: Path) -> None:
    assert score(project, "--only=no-compiler", "--require=non-root").returncode == 1
    assert score(project, "--only=no-compiler", "--require=no-compiler").returncode == 0


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        ({"Dockerfile": None}, (), "has no Dockerfile"),
        ({"Dockerfile": f"{DOCKERFILE}RUN echo the reason && false\n"}, (), "it does not build"),
        ({"app.py": "raise RuntimeError('no database')\n"}, (), "the app does not start: it ended with exit code 1"),
        ({"app.py": APP.replace('"hello from a stranger"', "1 / 0")}, (), "GET / says 500"),
        ({}, ("--page=nowhere",), "GET /nowhere says 404: name a page that anybody may read"),
        (
            {"Dockerfile": DOCKERFILE.replace("0.0.0.0", "127.0.0.1")},
            (),
            "the app listens on 127.0.0.1 alone: let it listen on 0.0.0.0",
        ),
        ({}, ("--require=nonroot",), "REQUIRE: there is no practice nonroot; did you mean non-root?"),
        ({}, ("--service=web",), "there is no compose file"),
        ({}, ("--env-file=nowhere.env",), "there is no file nowhere.env"),
        ({}, ("--format=xml",), "FORMAT is one of text, markdown, html, json, sarif, badge, not xml"),
        ({"compose.yaml": "services: {web: {build: ., env_file: .env}}"}, (), "names .env, which is not there"),
        (
            {"compose.yaml": "services: {web: {build: ., environment: {A: '${A:?}'}}}"},
            (),
            "name that file: ENV_FILE=my.env",
        ),
        ({"compose.yaml": "services: {a: {build: .}, b: {build: .}}"}, (), "choose one, SERVICE=a or SERVICE=b"),
        ({"compose.yaml": "services: {web: {build: ., ports: ['80:9999']}}"}, (), "port 9999 is published"),
        ({"compose.yaml": "services: [\n"}, (), "docker compose config: "),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    project: Path, change: dict[str, str | None], options: tuple[str, ...], line: str
) -> None:
    for name, text in change.items():
        if text is None:
            (project / name).unlink()
        else:
            (project / name).write_text(text)
    done = score(project, *options)
    assert done.returncode == 2, done.stdout
    assert line in done.stderr.splitlines()[-1]
    assert not re.search("^Traceback", done.stderr, re.MULTILINE), "but for the app's, indented"


# As many compose files are: names and ports that other things may have, code that is mounted over the image, volumes
# and networks that belong to somebody else, a service that is built, and one that only profiles start.
CROWDED = """
services:
  shop:
    build: {context: .}
    container_name: %(name)s
    ports: ["0.0.0.0:%(port)s:5000"]
    volumes: [".:/srv", "data:/data", "/etc:/host-etc"]
    networks: [front, default]
    depends_on: [cache]
    environment: {GREETING: "${GREETING:?}"}
    profiles: [production]
  cache:
    build:
      context: .
      dockerfile: cache.Dockerfile
    image: %(name)s-cache
    restart: always
  worker:
    build: .
    command: sleep infinity
volumes:
  data:
    name: %(name)s-data
    external: true
networks:
  front:
    external: true
"""


@pytest.mark.thorough
def test_a_crowded_compose_file_is_started_beside_everything_else(project: Path) -> None:
    (project / "app.py").write_text(APP.replace('"hello from a stranger"', '__import__("os").environ["GREETING"]'))
    with socket.create_server(("0.0.0.0", 0)) as server:
        text = CROWDED % {"name": project.name, "port": server.getsockname()[1]}
        (project / "docker-compose.yml").write_text(text)
        (project / "cache.Dockerfile").write_text(f"FROM {BASE}\nCMD sleep infinity\n")
        (project / "my.env").write_text("GREETING=good day\n")
        options = ("--service=shop", f"--env-file={project / 'my.env'}", "--only=answers-curl local-only non-root")
        answer = answers(project, *options)
        assert any("not mounted over the image: ., whose code the image has" in note for note in answer["notes"])
        assert any("not mounted: /etc, which is outside of the project" in note for note in answer["notes"])
        expected = {"answers-curl": "holds", "local-only": "violated", "non-root": "violated"}
        assert outcomes(answer) == expected
        assert "docker compose exec shop id" in answer["practices"]["non-root"]["by_hand"]


@pytest.mark.thorough
def test_the_exposed_port_and_a_slow_path_are_used(project: Path) -> None:
    more = APP + '\n\n@app.get("/report")\ndef report():\n    __import__("time").sleep(2)\n    return "done"\n'
    command = 'CMD ["gunicorn", "--bind", "0.0.0.0:9000", "app:app"]'
    recipe = f"FROM {BASE}\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements.txt\nEXPOSE 9000\n{command}\n"
    write_files(project, {"app.py": more, "requirements.txt": "flask\ngunicorn\n", "Dockerfile": recipe})
    asked = "--only=graceful-stop production-server"
    answer = answers(project, "--slow=/report", asked)
    assert answer["port"] == 9000
    assert outcomes(answer) == {"graceful-stop": "holds", "production-server": "holds"}
    without = answers(project, asked)["practices"]["graceful-stop"]
    assert without["outcome"] == "not asked"
    assert "SLOW=/report" in without["said"]
    assert "is answered at once" in answers(project, "--slow=/", asked)["practices"]["graceful-stop"]["said"]


# As larger projects are: a proxy in front, compose files by purpose in a folder of their own, build arguments without
# a default, a version that Git says, an app that knows its names and wants to be asked by HTTPS.
BEHIND_A_PROXY = {
    "deploy/compose.production.yml": """
services:
  proxy:
    build: {context: proxy}
    ports: ["80:80"]
    depends_on: [site]
  site:
    build: {context: .., dockerfile: deploy/site.Dockerfile, args: {PYTHON: "3.14"}}
    env_file: .env.production
    expose: [5000]
    volumes: ["data:/data"]
    mem_limit: 300m
    cpus: 1
    pids_limit: 100
    logging: {driver: json-file, options: {max-size: 10m}}
  jobs:
    build: {context: .., dockerfile: deploy/site.Dockerfile, args: {PYTHON: "3.14"}}
    command: celery --app=app worker
volumes: {data: {driver_opts: {type: none, device: /nowhere, o: bind}}}
""",
    "deploy/compose.local.yml": "services:\n  site:\n    build: {context: .., dockerfile: deploy/local.Dockerfile}\n",
    "deploy/.env.production.sample": "SITE=shop.example.org\n",
    "deploy/proxy/Dockerfile": f"FROM {BASE}\nCMD sleep infinity\n",
    "deploy/site.Dockerfile": """ARG PYTHON
FROM python:${PYTHON}-slim-trixie
WORKDIR /srv
COPY .git/HEAD version
RUN pip install --no-cache-dir flask gunicorn
COPY app.py ./
LABEL org.opencontainers.image.source=https://example.org/shop
CMD ["python", "app.py"]
""",
    # Process 1 is no server: it starts one as somebody else.
    "app.py": """import os
import subprocess

from flask import Flask, abort, redirect, request

app = Flask(__name__)


@app.get("/")
def index():
    return redirect("https://" + request.host) if request.host == os.environ["SITE"] else abort(400)


if __name__ == "__main__":
    subprocess.run(["gunicorn", "--bind=0.0.0.0:5000", "app:app"], user=1000, group=1000)
""",
}


@pytest.mark.thorough
def test_a_project_behind_a_proxy_with_compose_files_by_purpose(project: Path) -> None:
    (project / "Dockerfile").unlink()
    write_files(project, BEHIND_A_PROXY)
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    done = score(project)
    assert done.returncode == 2
    files = "COMPOSE=deploy/compose.production.yml or COMPOSE=deploy/compose.local.yml"
    assert done.stderr.splitlines()[-1] == f"score: which compose file? {files}"
    options = ("--compose=deploy/compose.production.yml", "--host=shop.example.org")
    holding = ("answers-curl", "production-server", "bounded", "labelled")
    asked = f"{' '.join(holding)} non-root lean-context no-capabilities port-from-env"
    answer = answers(project, *options, f"--only={asked}")
    assert (answer["service"], answer["port"]) == ("site", 5000)
    assert ".env.production is not there: .env.production.sample is taken in its place" in answer["notes"]
    practices = answer["practices"]
    assert "not asked" not in outcomes(answer).values(), practices
    assert {name: practices[name]["said"] for name in holding if practices[name]["outcome"] != "holds"} == {}
    assert practices["non-root"]["said"] == "process 1, python, runs as root (UID 0), and starts gunicorn as UID 1000"
    assert practices["non-root"]["by_hand"][1] == "export COMPOSE_FILE=deploy/compose.production.yml"
    assert "curl --header 'Host: shop.example.org' localhost:9001" in practices["port-from-env"]["by_hand"]
    without_host = score(project, options[0]).stderr.splitlines()[-1]
    hint = "an app that knows its names (ALLOWED_HOSTS) says so to others"
    assert without_host.startswith(f"score: GET / says 400: {hint}")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('["uvicorn", "main:app", "--host=0.0.0.0", "--reload"]', "it serves and watches its files: "),
        pytest.param('["python", "main.py"]', "main.py reloads what changes", marks=pytest.mark.thorough),
    ],
)
def test_a_server_that_reloads_is_for_development(project: Path, command: str, said: str) -> None:
    main = """import uvicorn


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"reloaded"})


if __name__ == "__main__":
    uvicorn.run("main:app", host="0.0.0.0", reload=True)
"""
    recipe = f"FROM {BASE}\nWORKDIR /srv\nRUN pip install uvicorn\nCOPY main.py .\nCMD {command}\n"
    write_files(project, {"main.py": main, "Dockerfile": recipe})
    answer = answers(project, "--only=production-server")["practices"]["production-server"]
    assert answer["outcome"] == "violated"
    assert answer["said"].startswith(said)


def test_who_gives_root_up_gets_a_remark(project: Path) -> None:
    command = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "python", "-m", "http.server", "8000"]
    (project / "Dockerfile").write_text(f"FROM {BASE}\nWORKDIR /srv\nCOPY . .\nCMD {json.dumps(command)}\n")
    done = score(project, "--only=non-root")
    seen = "the image starts as root, and process 1, python, has become UID 1000 (by gosu, say)"
    assert f"  • non-root: {seen}" in done.stdout
    assert done.stdout.endswith(": 0 hold, 0 do not, 1 are remarks, 0 were not asked\n")


def test_what_pipenv_locked_is_locked(project: Path) -> None:
    """The packages of a list of ours, in the form of Pipenv; the tool and what it needs stand in no lock."""
    ours = (ROOT / "extra-3-precommit/requirements.txt").read_text()
    listed = re.findall(r"^(\S+)==(\S+)((?:.*\\\n)*.*)", ours, re.MULTILINE)
    locked = {
        name: {"version": f"=={version}", "hashes": re.findall(r"sha256:\w+", rest)} for name, version, rest in listed
    }
    index = os.environ.get("PIP_INDEX_URL") or importlib.import_module("pip._internal.models.index").PyPI.simple_url
    sources = [{"name": "pypi", "url": index, "verify_ssl": True}]
    meta = {"hash": {"sha256": 64 * "0"}, "pipfile-spec": 6, "requires": {}, "sources": sources}
    files = {
        "Pipfile": "[packages]\nflask = '*'\ngunicorn = '*'\n",
        "Pipfile.lock": json.dumps({"_meta": meta, "default": locked, "develop": {}}, indent=4),
        "Dockerfile": f"""FROM {BASE}
WORKDIR /srv
RUN pip install pipenv==2026.10.3
COPY Pipfile Pipfile.lock ./
RUN pipenv sync --system
COPY app.py ./
CMD ["gunicorn", "--bind=0.0.0.0:8000", "app:app"]
""",
    }
    write_files(project, files)
    asked = ("locked-dependencies", "verified-hashes", "no-build-tools")
    answer = outcomes(answers(project, f"--only={' '.join(asked)}"))
    assert [answer[name] for name in asked] == ["holds", "holds", "violated"]


def test_what_got_better_between_two_commits(project: Path) -> None:
    def git(*command: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *who, *command], cwd=project, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "--message=as it was")
    (project / "Dockerfile").write_text(DOCKERFILE.replace("CMD", "USER 1000:1000\nCMD"))
    asked = "--only=non-root no-compiler single-stage"
    better = score(project, "--before=HEAD", asked)
    assert better.returncode == 0, better.stderr
    assert better.stdout.startswith("What got better\n  ✔ non-root: Neither")
    assert "\nWhat got worse\n  Nothing that was asked.\n" in better.stdout
    git("commit", "--all", "--message=better")
    worse = score(project, "--before=HEAD", "--after=HEAD~1", asked)
    assert worse.returncode == 1, worse.stderr
    assert "\nWhat got worse\n  ✘ non-root: Neither" in worse.stdout


@pytest.mark.parametrize(
    "when",
    [
        "score: building",
        pytest.param("score: starting", marks=pytest.mark.thorough),
        "score: asking",
        pytest.param(" 4/", marks=pytest.mark.thorough),
    ],
)
def test_ctrl_c_leaves_nothing(project: Path, when: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "score.command", f"--project={project}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background, as some CI does, has Ctrl-C ignored, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        assert run.stderr
        for line in run.stderr:
            if when in line:
                break
        os.killpg(run.pid, signal.SIGINT)
        rest = run.stderr.read()
        assert run.wait(timeout=120) == 130, rest
    assert "Traceback" not in rest
    assert rest.splitlines()[-1] == "score: stopped; nothing is left of what it started"
    assert wait_until(lambda: not left_over(project.name), limit=20)
    assert docker.image.exists(BASE)
