"""Podman builds and runs steps 1 to 4 and ``final``, and runs what Buildah builds of ``final``.

What differs from Docker is said in ``final``'s article.

``podman kube play`` runs what it knows of extra 7's manifests: what that is, and what not, is said in that article.
Where there is no podman, ``bootstrap/forky.sh`` brings one, on Debian and Ubuntu as root.
"""

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from library import manifests
from library.edits import uncomment
from library.engine import SCRATCH, free_port, wait_until
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
        environment = dict(line.split("=", 1) for line in base64.b64decode(encoded).decode().split("\0") if line)
        shell = _shell(["nsenter", f"--net=/proc/{process}/ns/net"], environment)
        for line in shell(f"bootstrap/bases.sh --list {' '.join(FOLDERS)}").splitlines():
            shell(f"docker save {line.split()[0]} | podman load")
        yield shell
        held.stdin.close()


@pytest.mark.parametrize(("builder", "folder"), [*(("podman", folder) for folder in FOLDERS), ("buildah", "final")])
def test_builds_runs_and_answers(podman: Shell, builder: str, folder: str) -> None:
    if not podman(f"command -v {builder}", check=False):
        pytest.skip(f"no {builder} here")
    name = f"tutorial-{builder}-{folder}"
    podman(f"{builder} build --format docker --tag {name} .", folder)
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


PLATFORMS = "extra-7-platforms"
PAGE = (ROOT / "reference-platforms/README.md").read_text()
IMAGE = f"localhost/tutorial-{PLATFORMS}"
# gunicorn replaces no worker that hangs, and does not wait for one that will never end.
CONFIGURATION = {"ACCESS_LOG": "-", "TIMEOUT": "0", "GRACEFUL_TIMEOUT": "1"}
DATABASE_URL = "postgresql://hello:secret@database/hello"


@dataclass(frozen=True)
class Pod:
    """The pod that Podman has made of the Deployment.

    Args:
        shell: where Podman is there.
        said: what Podman said when it made the pod, as information.
        container: the app's.
        port: of this machine, where the app answers.
    """

    shell: Shell
    said: str
    container: str
    port: int

    def inside(self, command: str) -> str:
        return self.shell(f"podman exec {self.container} sh -c {shlex.quote(command)}", check=False)

    def inspected(self, what: str) -> str:
        return self.shell(f"podman inspect --format '{{{{{what}}}}}' {self.container}").strip()

    def answer(self) -> str:
        return self.shell(f"curl --silent --fail --max-time 2 http://127.0.0.1:{self.port}", check=False)

    def probe(self) -> str:
        """Ask as systemd's timers do, where there is systemd; what Podman says of the app then."""
        self.shell(f"podman healthcheck run {self.container}", check=False)
        return self.inspected(".State.Health.Status")


def kustomized(folder: Path, base: str, port: int) -> Path:
    """The manifests that `kubectl kustomize` makes of ``base``, with other names, a configuration and a secret."""
    for part in ("kubernetes", "podman"):
        shutil.copytree(ROOT / PLATFORMS / part, folder / part)
    # The file has the lines for a secret in comments.
    uncomment(folder / "kubernetes/deployment.yaml", ["            # - name: DATABASE_URL"])
    container = "/spec/template/spec/containers/0"
    patch = [
        {"op": "add", "path": f"{container}/envFrom", "value": [{"configMapRef": {"name": "hello"}}]},
        {"op": "add", "path": f"{container}/ports/0/hostPort", "value": port},
    ]
    overlay = {
        "resources": [f"../{base}"],
        "namespace": "hello",
        "namePrefix": f"tutorial-{base}-",
        "images": [{"name": "hello", "newName": IMAGE}],
        "generatorOptions": {"disableNameSuffixHash": True},
        "configMapGenerator": [
            {"name": "hello", "literals": [f"{name}={value}" for name, value in CONFIGURATION.items()]}
        ],
        "secretGenerator": [{"name": "hello", "literals": [f"database-url={DATABASE_URL}"]}],
        "patches": [{"target": {"kind": "Deployment"}, "patch": json.dumps(patch)}],
    }
    (folder / "test").mkdir()
    (folder / "test/kustomization.yaml").write_text(json.dumps(overlay))
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump_all(manifests.rendered(folder / "test")))
    return file


@contextmanager
def played(shell: Shell, base: str) -> Iterator[Pod]:
    """What Podman makes of extra 7's manifests, and its image."""
    subprocess.run(["make", "--silent", ".venv-kubernetes/ready"], cwd=ROOT, check=True, capture_output=True)
    shell(f"podman build --format docker --tag {IMAGE}:1 .", PLATFORMS)
    port = free_port()
    file = kustomized(SCRATCH / f"podman-{base}", base, port)
    try:
        said = shell(f"cat {file} | podman --log-level info kube play -")
        pod = Pod(shell, said, f"tutorial-{base}-hello-pod-web", port)
        [waits] = re.findall(r"^\$ (until .*localhost:8000.*)$", PAGE, re.MULTILINE)
        waits = shlex.quote(waits.replace("localhost:8000", f"127.0.0.1:{port}"))
        answer = shell(f"timeout 60 bash -c {waits}", check=False)
        assert '"step"' in answer, shell(f"podman logs {pod.container}", check=False)
        yield pod
    finally:
        shell(f"cat {file} | podman kube down --force -", check=False)


@pytest.fixture(scope="module")
def pod(podman: Shell) -> Iterator[Pod]:
    with played(podman, "podman") as pod:
        yield pod


def test_kube_play_runs_the_deployment_and_the_job(pod: Pod) -> None:
    assert json.loads(pod.answer())["step"] == PLATFORMS
    assert pod.shell("podman wait tutorial-podman-migrate-pod-migrate").strip() == "0"
    assert set(re.findall(r"Kube kind (\w+) not supported", pod.said)) == {
        "HTTPRoute", "HorizontalPodAutoscaler", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Service",
    }  # fmt: skip


def test_a_played_pod_can_do_no_more_than_the_manifest_says(pod: Pod) -> None:
    status = dict(line.split(":\t", 1) for line in pod.inside("cat /proc/1/status").splitlines())
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["10001"] * 4
    capabilities = {name: int(value, 16) for name, value in status.items() if name.startswith("Cap")}
    assert capabilities == dict.fromkeys(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"], 0)
    assert status["NoNewPrivs"] == "1"
    for folder in ("/", "/app", "/data", "/venv"):
        assert "Read-only file system" in pod.inside(f"touch {folder}/file")
    assert pod.inside("touch /tmp/file && echo written") == "written\n"
    files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"  # version 2, version 1
    assert pod.inside(f"cat {files} 2>/dev/null").strip() == str(512 * 2**20)


def test_a_played_pod_has_more_room_to_write_than_the_manifest_says(pod: Pod) -> None:
    mounts = {line.split()[1]: line.split()[3].split(",") for line in pod.inside("cat /proc/mounts").splitlines()}
    assert not [option for option in mounts["/tmp"] if option.startswith("size=")]  # noqa: S108  in the pod
    assert pod.inside("touch /var/tmp/file && echo written") == "written\n"


def test_configuration_and_secret_reach_a_played_app(pod: Pod) -> None:
    environment = pod.inside("cat /proc/1/environ").split("\0")
    assert {f"{name}={value}" for name, value in CONFIGURATION.items()} < set(environment)
    assert f"DATABASE_URL={DATABASE_URL}" in environment
    assert '"GET / HTTP/1.1" 200' in pod.shell(f"podman logs {pod.container} 2>&1")


def test_a_played_app_that_hangs_is_started_anew(pod: Pod) -> None:
    assert pod.probe() == "healthy"  # the startup probe: from here on, it is the liveness probe
    assert pod.probe() == "healthy"
    started = pod.inspected(".State.StartedAt")
    pod.inside("kill -STOP $(cat /proc/1/task/1/children)")
    assert not pod.answer(), "the worker has not been stopped"
    said: list[str] = []
    while pod.inspected(".State.StartedAt") == started and len(said) < 4:
        said.append(pod.probe())
    assert len(said) > 1, "it was started anew after one failure"
    assert wait_until(pod.answer, limit=60), said
    assert pod.inspected(".State.StartedAt") != started


def test_podman_needs_curl_for_a_probe_over_http(podman: Shell) -> None:
    """Which is why there is podman/kustomization.yaml."""
    with played(podman, "kubernetes") as pod:
        pod.probe()
        assert "curl: not found" in pod.inspected("json .State.Health.Log")
