"""An exercise from its beginning to its end, as the commands show it.

Two that are quick to see; test_sabotage.py sees every one red, and green again with the folder's own files.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from library.practices import PRACTICES
from library.repository import copy_files
from library.sabotages import EXERCISES, Exercise
from library.tutorial import ROOT

DAILY, WEEKLY = {"data-volume", "read-only-rootfs"}, {"unbuffered-logs"}
QUICK = [
    pytest.param(
        exercise,
        id=exercise.slug,
        marks=[pytest.mark.about(exercise.folder.name), *([pytest.mark.thorough] if breaks == WEEKLY else [])],
    )
    for exercise in EXERCISES
    if (breaks := exercise.sabotage.breaks) in (DAILY, WEEKLY)
]


def ask(*arguments: str, into: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.exercises", *arguments, "--into", str(into)]
    return subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("exercise", QUICK)
def test_it_is_red_until_it_is_repaired(exercise: Exercise, tmp_path: Path) -> None:
    number, path = str(exercise.number), tmp_path / exercise.slug
    practice = min(exercise.sabotage.breaks, key=lambda id_: (PRACTICES[id_].slow, id_))  # the first that is asked

    laid_out = ask("exercise", number, into=tmp_path)
    assert laid_out.returncode == 0, laid_out.stderr
    assert f"make check N={number}" in laid_out.stdout
    assert practice not in laid_out.stdout

    red = ask("check", number, into=tmp_path)
    assert red.returncode == 1
    assert red.stderr.startswith("✘ Not yet. Seen: ")
    assert f"cd {path}\n" in red.stderr
    assert practice not in red.stderr

    for file in ("Dockerfile", "compose.yaml"):  # a repair that makes it worse
        with (path / file).open("a") as broken:
            broken.write("\nRUN exit 3\n")
        worse = ask("check", number, into=tmp_path)
        assert worse.returncode == 1
        assert "the build failed" in worse.stderr
        assert f"cd {path}\n" in worse.stderr
        assert "Traceback" not in worse.stderr

    copy_files(exercise.folder.path, path)
    green = ask("check", number, into=tmp_path)
    assert green.returncode == 0, green.stderr
    assert f"✔ {practice}: " in green.stdout

    (path / "mine").touch()
    again = ask("exercise", number, "--force", into=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "dropped what was in" in again.stdout
    assert not (path / "mine").exists()
