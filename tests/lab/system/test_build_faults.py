"""What a build survives of a package index: refusals and cut connections, for a while or for good."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import packages
from lab.packages import Packages
from library import locks
from library.edits import change
from library.engine import SESSION, BuildFailed, docker, free_port, one_build_at_a_time
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = [pytest.mark.thorough, pytest.mark.about("final")]
PROJECT = f"{SESSION}-up-faults"
FINAL = Subject("final", ROOT / "final")
STEP_4 = Subject("step-4-nontrivial", ROOT / "step-4-nontrivial")
AWAY = {"simple": ("refuse", 10**6)}
# Each folder; the line before which its stage for installing learns of the index; what it says of one that is away.
INSTALLS = {
    "uv": (FINAL, '# "gcc: not found"', "503 Service Unavailable"),
    # pip keeps the reason to itself: the article says so.
    "pip": (STEP_4, "COPY --from=export", "(from versions: none)"),
}


@pytest.fixture(scope="module")
def index_image() -> str:
    step_4 = "\n".join(f"{name}=={version}" for name, version in locks.versions(STEP_4.path).items())
    return packages.image(FINAL.read("requirements.txt"), step_4)


@pytest.fixture
def index(index_image: str) -> Iterator[Packages]:
    with packages.serving(index_image) as server:
        yield server


def take_from(index: Packages, installer: str, copy: Subject) -> None:
    """Let a copy's Dockerfile install from this index."""
    line = INSTALLS[installer][1]
    change(copy.path / "Dockerfile", f"\n{line}", f"\n{index.instruction}{line}")


@pytest.mark.parametrize("fault", ["refuse", "cut"])
@pytest.mark.parametrize("installer", INSTALLS)
def test_an_index_with_hiccups_stops_no_build(index: Packages, installer: str, fault: str) -> None:
    subject, *_ = INSTALLS[installer]
    index.tell(faults={"simple" if fault == "refuse" else "wheels": (fault, 2)})
    with subject.copied(f"from an index that does {fault}") as copy:
        take_from(index, installer, copy)
        copy.build()
        times = Counter(index.done)
        times.pop("503 simple/pip/", 0)  # pip asks once, and does not repeat it, whether there is a newer pip
        assert len(times) > 2
        assert set(times.values()) == {2}, times


@pytest.mark.parametrize("installer", INSTALLS)
def test_an_index_that_is_away_stops_the_build_with_its_name(index: Packages, installer: str) -> None:
    subject, _, said = INSTALLS[installer]
    index.tell(faults=AWAY)
    with subject.copied("from an index that is away") as copy:
        take_from(index, installer, copy)
        with pytest.raises(BuildFailed) as stopped:
            copy.build()
        assert said in stopped.value.output
        assert index.url in stopped.value.output
        assert not docker.image.exists(copy.image_name)
        index.tell()
        copy.build()
        with copy.running() as running:
            assert running.answers()


def up(copy: Subject, port: int, temporary: Path) -> "subprocess.CompletedProcess[str]":
    """What `make up` runs, from a copy of bootstrap/ beside the copied folder."""
    environment = {"PORT": str(port), "TMPDIR": str(temporary), "COMPOSE_PROJECT_NAME": PROJECT}
    command = [str(copy.path.parent / "bootstrap/up.sh"), copy.path.name]
    with one_build_at_a_time():
        return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_make_up_says_that_the_index_is_away_and_leaves_nothing(index: Packages, tmp_path: Path) -> None:
    port = free_port()
    index.tell(faults=AWAY)
    with FINAL.copied("from an index that is away for make up") as copy:
        take_from(index, "uv", copy)
        shutil.copytree(ROOT / "bootstrap", copy.path.parent / "bootstrap")
        first = up(copy, port, tmp_path)
        assert first.returncode == 1
        folder = copy.path.name
        assert [line for line in first.stderr.splitlines() if line.startswith("up: ")] == [
            f"up: the build of {folder} failed; its last lines are above. By hand: cd {folder} && docker compose build"
        ]
        assert "503 Service Unavailable" in first.stderr
        assert not list(tmp_path.iterdir())
        assert not docker.image.exists(f"{PROJECT}-web")
        index.tell()
        try:
            second = up(copy, port, tmp_path)
            assert second.returncode == 0, second.stderr
            assert '"step":"final"' in second.stdout
        finally:
            down = ["docker", "compose", f"--project-name={PROJECT}", "down", "--rmi=local"]
            subprocess.run(down, cwd=copy.path, capture_output=True, check=True)
        assert not list(tmp_path.iterdir())
