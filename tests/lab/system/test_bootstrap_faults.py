"""What bootstrap/ survives: mirrors and indexes that refuse or cut connections, and disks that are full.

On machines with an engine of their own: these scripts change the engine's images.
"""

import subprocess
from collections.abc import Iterator

import pytest

from adopt.strangers import BASE
from lab import packages
from lab.packages import ALWAYS, Packages
from library import runner
from library.dockerfile import Dockerfile
from library.runner import Runner
from library.tutorial import ROOT

pytestmark = [pytest.mark.thorough, pytest.mark.about("final"), pytest.mark.timeout(1200)]
(UV,) = [image for image in Dockerfile((ROOT / "final/Dockerfile").read_text()).images if "/uv:" in image]
TEMPORARY = "/small"
FILLED = "dd if=/dev/zero of=$0/filling bs=64k 2>/dev/null; true"


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    try:
        runner.image()
    except runner.NoRunner as reason:
        pytest.skip(str(reason))


@pytest.fixture
def server() -> Iterator[Packages]:
    architecture = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    options = f"--platform musllinux_1_1_{architecture} --only-binary :all:"
    with packages.serving(packages.image([(f"uv=={UV.rpartition(':')[2]}", options)])) as serving:
        yield serving


def put(machine: Runner, *folders: str) -> None:
    """Put folders of this repository there, below /repository."""
    machine.run("mkdir", "-p", "/repository")
    for folder in folders:
        machine.copy(ROOT / folder, f"/repository/{folder}")


def bases(machine: Runner, **environment: str) -> "subprocess.CompletedProcess[str]":
    return machine.run("/repository/bootstrap/bases.sh", "/folder", environment=environment)


def images(machine: Runner) -> list[str]:
    return machine.run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()


def require_failure(said: "subprocess.CompletedProcess[str]", machine: Runner, name: str, reason: str) -> None:
    """It must end with one complaint, which names what failed and shows why, and leave its logs and nothing else."""
    assert said.returncode == 1
    complaints = [line for line in said.stdout.splitlines() if " failed; " in line]
    assert len(complaints) == 1, said.stdout
    assert complaints[0].startswith(f"bases: {name} failed; the whole output is in ")
    assert reason in said.stdout.partition(complaints[0])[2]
    assert not machine.run("find", TEMPORARY, "-type", "f", "!", "-name", "*.log").stdout
    assert not [name for name in images(machine) if not name.startswith("stand-in-rootfs:")]
    machine.run("sh", "-c", f"rm -rf {TEMPORARY}/*")


def test_bases_under_a_mirror_and_an_index_with_faults(server: Packages) -> None:
    # Where a registry could be reached, there would be nothing to build.
    with runner.started([], add_hosts=[("ghcr.io", "127.0.0.1")]) as machine:
        put(machine, "bootstrap")
        machine.run("sh", "-c", f"mkdir /folder {TEMPORARY} && echo 'FROM {UV}' >/folder/Dockerfile")
        environment = {**server.environment(), "DEBIAN_MIRROR": f"{server.url}/debian", "TMPDIR": TEMPORARY}

        server.set_faults(debian=("refuse", ALWAYS))
        require_failure(bases(machine, **environment), machine, "rootfs", "503  Service Unavailable")

        server.set_faults(debian=("refuse", 2), simple=("refuse", ALWAYS))
        uv = f"uv-uv-{UV.rpartition(':')[2]}"
        require_failure(bases(machine, **environment), machine, uv, "(from versions: none)")
        assert len([fault for fault in server.done if fault.startswith("503 debian/")]) > 4

        server.set_faults(debian=("cut", 1), simple=("refuse", 2), wheels=("cut", 2))
        said = bases(machine, **environment)
        assert said.returncode == 0, said.stdout
        assert UV in images(machine)
        assert {fault.partition("/")[0] for fault in server.done} >= {"503 debian", "503 simple", "cut wheels"}
        assert not machine.run("ls", TEMPORARY).stdout


def test_bases_on_a_small_disk_say_so_and_leave_their_logs(server: Packages) -> None:
    options = {"add_hosts": [("ghcr.io", "127.0.0.1")], "tmpfs": [f"{TEMPORARY}:size=30m"]}
    with runner.started([], **options) as machine:
        put(machine, "bootstrap")
        machine.run("sh", "-c", f"mkdir /folder && echo 'FROM {UV}' >/folder/Dockerfile")
        environment = {"DEBIAN_MIRROR": f"{server.url}/debian", "TMPDIR": TEMPORARY}
        require_failure(bases(machine, **environment), machine, "rootfs", "No space left on device")


def test_up_on_a_full_disk_says_so_and_leaves_nothing() -> None:
    up = ("/repository/bootstrap/up.sh", "final")
    with runner.started([BASE, UV], tmpfs=["/var/lib/docker:size=700m", "/small:size=1m"]) as machine:
        put(machine, "bootstrap", "final")
        before = images(machine)
        # So much is left that the build begins.
        machine.run("sh", "-c", f"{FILLED} && truncate --size=-20M $0/filling", "/var/lib/docker")
        said = machine.run(*up)
        assert said.returncode == 1
        # The engine itself says it in lower case, a program in the build with a capital letter.
        assert "no space left on device" in said.stdout.lower()
        assert said.stdout.splitlines()[-1].startswith("up: the build of final failed; its last lines are above.")
        assert images(machine) == before
        assert not machine.run("ls", "/tmp").stdout  # noqa: S108  the machine's own
        assert not machine.run("docker", "ps", "--all", "--quiet").stdout

        machine.run("rm", "/var/lib/docker/filling")
        machine.run("sh", "-c", FILLED, "/small")
        said = machine.run(*up, environment={"TMPDIR": "/small"})
        assert said.returncode == 0, said.stdout
        assert machine.run("ls", "/small").stdout.split() == ["filling"]
