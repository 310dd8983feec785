"""Podman and Buildah build and run steps 1 to 4 and ``final``. What differs from Docker is said in ``final``'s article.

Where there is no podman, ``bootstrap/forky.sh`` brings one, on Debian and Ubuntu as root.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from library.engine import wait_until
from library.tutorial import ROOT

pytestmark = [pytest.mark.thorough, pytest.mark.xdist_group("podman")]
FOLDERS = ["step-1-kiss", "step-2-poetry", "step-3-basic", "step-4-nontrivial", "final"]
HARDENED = "--read-only --cap-drop=all --security-opt=no-new-privileges --tmpfs /tmp"
Shell = Callable[..., str]


def _shell(enter: list[str], environment: dict[str, str]) -> Shell:
    def run(command: str, folder: str = ".", check: bool = True) -> str:
        ran = subprocess.run(
            [*enter, "bash", "-o", "pipefail", "-c", command], cwd=ROOT / folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if check and ran.returncode:
            pytest.fail(f"$ {command}\n{ran.stdout[-3000:]}", pytrace=False)
        return ran.stdout

    return run


@pytest.fixture(scope="module")
def podman() -> Iterator[Shell]:
    """A shell in which podman is there, and what it publishes can be reached."""
    if shutil.which("podman"):
        yield _shell([], dict(os.environ))
        return
    if os.geteuid() or not Path("/etc/debian_version").exists():
        pytest.skip("no podman here, and only root on Debian or Ubuntu can bring one with bootstrap/forky.sh")
    # It lasts until its command has read the end of its input.
    command = [str(ROOT / "bootstrap/forky.sh"), "podman", "bash", "-c", "echo $$; env -0 | base64 -w 0; echo; read -r"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdin
        assert held.stdout
        lines = (line for line in held.stdout if not line.startswith("forky: "))
        process, encoded = next(lines).strip(), next(lines)
        decoded = subprocess.run(["base64", "-d"], input=encoded, capture_output=True, text=True, check=True).stdout
        environment = dict(line.split("=", 1) for line in decoded.split("\0") if line)
        shell = _shell(["nsenter", f"--net=/proc/{process}/ns/net"], environment)
        for line in shell(f"bootstrap/bases.sh --list {' '.join(FOLDERS)}").splitlines():
            shell(f"docker save {line.split()[0]} | podman load")
        yield shell
        held.stdin.close()


@pytest.mark.parametrize("folder", FOLDERS)
def test_builds_runs_and_answers(podman: Shell, folder: str) -> None:
    name = f"tutorial-{folder}"
    podman(f"podman build --format docker --tag {name} .", folder)
    options = HARDENED if folder == "final" else ""
    podman(f"podman run --detach --name {name} {options} --publish 127.0.0.1::8000 localhost/{name}")
    try:
        ask = f"curl --silent --fail http://$(podman port {name} 8000/tcp)"
        answer = wait_until(lambda: podman(ask, check=False), limit=60)
        assert answer, podman(f"podman logs {name}")
        assert json.loads(answer)["step"] == folder
        if folder in ("step-4-nontrivial", "final"):
            podman(f"podman healthcheck run {name}")
    finally:
        podman(f"podman rm --force --time 0 {name}")


def test_health_check_needs_the_docker_format(podman: Shell) -> None:
    """In the OCI format, Podman's default, an image has no health check; the docker format keeps all of it."""
    said = podman("podman build --tag tutorial-oci .", "final")
    assert "HEALTHCHECK is not supported for OCI image format" in said
    podman("podman build --format docker --tag tutorial-docker .", "final")
    inspect = "podman image inspect --format '{{json .HealthCheck}}' localhost/tutorial-"
    assert json.loads(podman(inspect + "oci")) is None
    assert json.loads(podman(inspect + "docker"))["StartInterval"] == 10**9  # nanoseconds: --start-interval=1s
