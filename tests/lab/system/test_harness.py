"""The tests under faults of their own: killed while they run, and with an engine that is gone."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from library import reaper
from library.engine import wait_until
from library.tutorial import ROOT

# It builds copies, starts containers of its own and a shared one: whatever a run may leave behind.
SOME = "step-1-kiss and (answers-curl or graceful-stop or clean-logs or non-root)"


def without_pytests_own() -> dict[str, str]:
    """The environment without what says that a run of pytest is going on already."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a run of a few tests, in a process group of its own, that keeps its temporary files in this folder."""
    lock = f"tutorial-build-{os.getuid()}.lock"
    if not (folder / lock).is_symlink():  # there is one engine, so its builds take turns with everybody's
        (folder / lock).symlink_to(Path(tempfile.gettempdir(), lock))
    options = ["-n2", "-q", "-p", "no:cacheprovider", "tests/system/test_practices.py", "-k", SOME]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env={**without_pytests_own(), "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def sessions(folder: Path) -> list[str]:
    """The sessions of a run that have begun and not been swept yet."""
    return [path.name for path in folder.glob("tutorial-*") if path.is_dir()]


@pytest.mark.thorough
@pytest.mark.timeout(1200)
def test_a_run_that_is_killed_leaves_nothing_and_the_next_one_passes(tmp_path: Path) -> None:
    for seconds in (2, 6, 12):  # while it begins, builds, and has containers
        run = start(tmp_path)
        time.sleep(seconds)
        begun = sessions(tmp_path)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        assert wait_until(lambda: not sessions(tmp_path), limit=60), f"still there: {sessions(tmp_path)}"
        assert not [session for session in begun if reaper.sweep(session)]
    run = start(tmp_path)
    said, _ = run.communicate()
    assert run.returncode == 0, said


def test_an_engine_that_is_gone_ends_the_run_with_one_line(tmp_path: Path) -> None:
    run = start(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/nobody.sock")
    said, _ = run.communicate()
    assert run.returncode == 3
    assert said.count("the engine does not answer any more") == 1
    assert "bootstrap/engine.sh" in said


def test_a_folders_run_has_all_that_is_about_it() -> None:
    """``make test STEP=final`` breaks final on purpose, watches it, and puts it into strangers' projects."""
    rooms = ("tests/system", "tests/claims/system", "tests/adopt/system")
    command = ["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--step=final", *rooms]
    listed = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=without_pytests_own(), capture_output=True, text=True, check=False
    )
    about = set(re.findall(r"^tests/(?:\w+/)?system/(\w+)\.py::", listed.stdout, re.MULTILINE))
    assert {"test_practices", "test_articles", "test_projects", "test_adopt", "test_sabotage", "test_watch"} <= about
    assert "step-1-kiss" not in listed.stdout
