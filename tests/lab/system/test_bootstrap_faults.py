"""What bootstrap/ does on disks that are full: machines with an engine of their own, because it changes images."""

import pytest

from adopt.strangers import BASE
from lab import packages
from library import runner
from library.dockerfile import Dockerfile
from library.runner import Runner
from library.tutorial import ROOT

pytestmark = [pytest.mark.thorough, pytest.mark.about("final"), pytest.mark.timeout(1200)]
(UV,) = [image for image in Dockerfile((ROOT / "final/Dockerfile").read_text()).images if "/uv:" in image]
FILLED = "dd if=/dev/zero of=$0/filling bs=64k 2>/dev/null; true"


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    try:
        runner.image()
    except runner.NoRunner as reason:
        pytest.skip(str(reason))


def put(machine: Runner, *folders: str) -> None:
    """Put folders of this repository there, below /repository."""
    machine.run("mkdir", "-p", "/repository")
    for folder in folders:
        machine.copy(ROOT / folder, f"/repository/{folder}")


def images(machine: Runner) -> list[str]:
    return machine.run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()


def test_bases_on_a_small_disk_say_so_and_leave_their_logs() -> None:
    # Where a registry could be reached, there would be nothing to build.
    options = {"add_hosts": [("ghcr.io", "127.0.0.1")], "tmpfs": ["/small:size=30m"]}
    mirror = packages.serving(packages.image())
    with mirror as server, runner.started([], **options) as machine:
        put(machine, "bootstrap")
        machine.run("sh", "-c", f"mkdir /folder && echo 'FROM {UV}' >/folder/Dockerfile")
        environment = {"DEBIAN_MIRROR": f"{server.url}/debian", "TMPDIR": "/small"}
        said = machine.run("/repository/bootstrap/bases.sh", "/folder", environment=environment)
        assert said.returncode == 1
        [complaint] = [line for line in said.stdout.splitlines() if " failed; " in line]
        assert complaint.startswith("bases: rootfs failed; the whole output is in ")
        assert "No space left on device" in said.stdout.partition(complaint)[2]
        assert not machine.run("find", "/small", "-type", "f", "!", "-name", "*.log").stdout
        assert not [name for name in images(machine) if not name.startswith("stand-in-rootfs:")]


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
