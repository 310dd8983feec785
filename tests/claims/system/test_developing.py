"""What extra 4's article says of its debugger, its tests in watch mode, py-spy and Dev Containers."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from library import dap
from library.engine import SCRATCH, SESSION, docker, one_build_at_a_time, wait_until
from library.practices.health import health
from library.program import PYTHON
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-4-developing")
FOLDER = Subject("extra-4-developing", ROOT / "extra-4-developing")


class Folder:
    """A copy of the folder, and the article's commands in it, under a project name of this session's."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.environment = {**os.environ, "COMPOSE_PROJECT_NAME": f"{SESSION}-{name}"}

    def run(self, command: str) -> str:
        """What a command prints on standard output; it must succeed."""
        done = subprocess.run(
            command.split(), cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Folder]:
    name = re.sub(r"\W+", "-", request.node.name)
    with FOLDER.copied(f"for {name}") as copy:
        folder = Folder(copy.path, name)
        yield folder
        folder.run("docker compose --profile * down --remove-orphans --timeout 0 --volumes --rmi local")


def as_json(text: str) -> dict[str, Any]:
    """A file of an editor's: JSON whose comments have lines of their own."""
    parsed: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    return parsed


def test_an_editor_with_the_launch_file_stops_a_request_and_reads_its_variable() -> None:
    [configuration] = as_json(FOLDER.read(".vscode/launch.json"))["configurations"]
    [mapping] = configuration["pathMappings"]
    # Here the port is a free one; a reader's is the one that the launch file knows.
    assert f":-{configuration['connect']['port']}}}:5678" in FOLDER.read("compose.debug.yaml")
    debugged = FOLDER.copied("with an editor", compose=("compose.debug.yaml",), service="debug")
    with debugged as copy, copy.started() as running:
        running.wait_until_ready(path="/health")
        assert health(running) == "not checked", "it is called unhealthy while it stands at a breakpoint"
        main = copy.path / "hello/main.py"
        line = next(n for n, text in enumerate(main.read_text().splitlines(), start=1) if "return Item(" in text)
        address = (configuration["connect"]["host"], int(running.url(5678).rpartition(":")[2]))
        with ThreadPoolExecutor() as pool, dap.connected(address) as editor:
            local = Path(mapping["localRoot"].replace("${workspaceFolder}", str(copy.path)))
            editor.attach(local, mapping["remoteRoot"], {main: [line]})
            answer = pool.submit(running.get, "/items/42", timeout=60)
            stop = editor.wait_for_stop()
            assert (stop.file, stop.line, stop.variables["item_id"]) == (main, line, "42")
            assert not answer.done()
            editor.go_on(stop)
            assert answer.result().json() == {"id": 42, "name": "Item 42"}
        assert running.get("/items/43").json()["id"] == 43, "nobody is attached, and it stands at the breakpoint"
        assert "frozen modules" not in running.log, "debugpy warns that it may miss breakpoints"


def test_what_is_for_developers_is_published_for_this_machine_alone() -> None:
    """Whatever ADDRESS says: who reaches a debugger, such as Flask's in `dev`, can run anything."""
    environment = {**os.environ, "ADDRESS": "0.0.0.0"}
    for file in ("compose.yaml", "compose.debug.yaml"):
        services = replace(FOLDER, compose=(file,)).services(environment=environment)
        [name] = {"dev", "debug"} & services.keys()
        assert {port["host_ip"] for port in services[name]["ports"]} == {"127.0.0.1"}, name


def test_the_tests_run_again_after_each_save() -> None:
    with FOLDER.copied("to test", service="test") as copy, copy.started(command=["watchfiles", "pytest"]) as running:
        main = copy.path / "hello/main.py"
        right = main.read_text()
        assert wait_until(lambda: "13 passed" in running.log, limit=60), running.log
        main.write_text(right.replace("Item {item_id}", "Nothing"))
        assert wait_until(lambda: "1 failed, 12 passed" in running.log, limit=30), running.log
        main.write_text(right)
        assert wait_until(lambda: running.log.count("13 passed") == 2, limit=30), running.log
        tests = copy.path / "tests/test_main.py"
        tests.write_text(f"{tests.read_text()}\n\ndef test_more():\n    pass\n")
        assert wait_until(lambda: "14 passed" in running.log, limit=30), running.log


@pytest.mark.thorough
@pytest.mark.parametrize("worker", ["uvicorn_worker.UvicornWorker", "asgi"])
def test_gunicorn_does_not_reload_as_well(worker: str) -> None:
    """With uvicorn's worker it goes on with the old code; with its own, an exception while it imports ends it."""
    options = {"command": ["gunicorn", "--reload"], "environment": {"WORKER_CLASS": worker}, "restart": "no"}
    with FOLDER.copied(f"with {worker}", service="dev") as copy, copy.running(**options) as running:
        main = copy.path / "hello/main.py"
        main.write_text(main.read_text() + "\nraise NameError\n")
        assert wait_until(lambda: f"{main.name} modified" in running.log, limit=30), running.log
        if worker == "asgi":
            assert running.ends(30), running.log
        else:
            assert not wait_until(lambda: not running.answers(), limit=10), "it has loaded the new code, or ended"


def test_py_spy_needs_one_capability_or_to_be_the_user_of_the_app() -> None:
    yama = Path("/proc/sys/kernel/yama/ptrace_scope")
    alike = not yama.exists() or yama.read_text().strip() == "0"
    allowed = {
        "--user=0 --cap-drop=ALL --cap-add=SYS_PTRACE": True,
        "--user=0 --cap-drop=ALL": False,
        "--user=12345 --cap-drop=ALL": False,
        "--user=10001:10001 --cap-drop=ALL": alike,
    }
    tools = replace(FOLDER, name="extra-4-developing with its tools", target="test")
    with FOLDER.running() as running:
        *_, worker = re.findall(r"worker with pid: (\d+)", running.log)
        look = f"{tools.built_image()} py-spy dump --pid {worker}"
        for options, succeeds in allowed.items():
            command = f"docker run --rm --pid=container:{running.container.id} --read-only {options} {look}"
            done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            printed = done.stdout + done.stderr
            assert (done.returncode == 0) == succeeds, f"{options}: {printed}"
            # Which file it may not read first, and so whose words these are, depends on the engine.
            assert re.search("MainThread" if succeeds else "Permission [Dd]enied", printed), f"{options}: {printed}"


@pytest.fixture(scope="session")
def devcontainer() -> str:
    """The path of the Dev Containers CLI."""
    if not shutil.which("npm"):
        pytest.skip("npm installs the Dev Containers CLI, and is not there")
    into = SCRATCH / "devcontainers"
    install = ["npm", "install", "--prefix", str(into), "--no-fund", "--no-audit", "@devcontainers/cli@0.89.0"]
    subprocess.run(install, capture_output=True, check=True)
    return str(into / "node_modules/.bin/devcontainer")


def test_the_dev_container_is_read_as_it_is_meant(folder: Folder, devcontainer: str) -> None:
    read = f"{devcontainer} read-configuration --workspace-folder {folder.path} --include-merged-configuration"
    answer = json.loads(folder.run(read))
    configuration, merged = answer["configuration"], answer["mergedConfiguration"]
    assert configuration["dockerComposeFile"] == ["../compose.yaml", "compose.yaml"]
    assert configuration["updateRemoteUserUID"] is False, "the editor would build another image"
    assert answer["workspace"]["workspaceFolder"] == "/app"
    assert not merged.get("features"), "they come from a registry"
    files = tuple(f".devcontainer/{name}" for name in configuration["dockerComposeFile"])
    service = replace(FOLDER, path=folder.path, compose=files).services()["workspace"]
    assert configuration["service"] in configuration["runServices"] == ["workspace"]
    [mount] = service["volumes"]
    assert (mount["source"], mount["target"]) == (str(folder.path), "/app")
    assert service["build"]["context"] == str(folder.path)


# Run inside the container: which processes wait for events of the file system.
WAITING_FOR_EVENTS = """
import pathlib
for file in pathlib.Path("/proc").glob("[0-9]*/fdinfo/*"):
    try:
        if "inotify" in file.read_text():
            print(file.parts[2])
    except OSError:
        pass
"""


@pytest.mark.thorough
def test_the_dev_container_starts_and_runs_the_tests(folder: Folder, devcontainer: str) -> None:
    uid, gid = os.getuid() or 1234, os.getgid() or 5678
    for path in (folder.path, *folder.path.rglob("*")):
        os.chown(path, uid, gid)
    folder.path.parent.chmod(0o755)
    folder.environment |= {"DEV_USER": f"{uid}:{gid}", "TMPDIR": str(SCRATCH)}
    with one_build_at_a_time():
        up = json.loads(folder.run(f"{devcontainer} up --workspace-folder {folder.path}"))
    try:
        inside = f"{devcontainer} exec --workspace-folder {folder.path}"
        assert "13 passed" in folder.run(f"{inside} pytest")
        started = "Started reloader process"
        assert wait_until(lambda: started in str(docker.logs(up["containerId"])), limit=30)
        assert not docker.execute(up["containerId"], [*PYTHON, WAITING_FOR_EVENTS]), "a virtual machine passes none on"
        folder.run(f"{inside} touch written")
        assert ((folder.path / "written").stat().st_uid, (folder.path / "written").stat().st_gid) == (uid, gid)
    finally:
        docker.container.remove(up["containerId"], force=True)
