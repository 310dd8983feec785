"""What extra 5's article says besides its practices: what is not published, and the bases that it compares."""

import re
import subprocess
from pathlib import Path

import pytest

from library.engine import one_build_at_a_time, run_to_its_end
from library.practices.publish import PUBLISH, RELEASE, publisher
from library.subject import Subject
from library.tutorial import ROOT
from tools import bases

pytestmark = pytest.mark.about("extra-5-publishing")
FOLDER = Subject("extra-5-publishing", ROOT / "extra-5-publishing")


def test_what_fails_its_tests_is_not_published() -> None:
    with publisher(FOLDER) as ours:
        (ours.copy.path / "tests/test_canary.py").write_text("def test_canary():\n    assert False\n")
        done = ours.publish("1.0")
        assert "1 failed, 13 passed" in done.stdout, done.stderr
        assert done.returncode, done.stderr
        assert not ours.tags()


@pytest.mark.thorough
def test_what_passes_its_tests_and_does_not_start_is_not_published() -> None:
    with publisher(FOLDER) as ours:
        main = ours.copy.path / "hello/main.py"
        main.write_text(f'import sys\n\nassert "gunicorn" not in sys.modules\n{main.read_text()}')
        done = ours.publish("1.0")
        assert "13 passed" in done.stdout, done.stderr
        assert done.returncode, done.stderr
        assert not ours.tags()


def test_the_bill_is_the_same_when_it_is_made_again(tmp_path: Path) -> None:
    for name in ("bill", "another"):
        build = ["docker", "build", "--quiet", "--target=bom", "--no-cache-filter=bill", f"--output={tmp_path / name}"]
        with one_build_at_a_time():
            subprocess.run([*build, str(FOLDER.path)], check=True, capture_output=True)
    assert (tmp_path / "bill/bom.json").read_text() == (tmp_path / "another/bom.json").read_text()


def test_cosign_has_one_version() -> None:
    texts = [(FOLDER.path / name).read_text() for name in (PUBLISH, RELEASE)]
    [version] = {found for text in texts for found in re.findall(r"cosign/cosign:v([\d.]+)", text)}
    assert f"names {version}," in " ".join((FOLDER.path / "README.md").read_text().split())


@pytest.mark.thorough
def test_without_shell_and_pip_it_answers_and_stops_all_the_same() -> None:
    with bases.subjects() as found:
        for name in ("slim without pip and shell", "distroless, of slim's files"):
            subject = found[name]
            with subject.running() as running:
                assert running.get().json()["step"] == FOLDER.name
                assert running.stop() < 5
            for program in ("sh", "bash", "pip"):
                look = f"import shutil; print(shutil.which({program!r}))"
                seen = run_to_its_end(subject.image, "-c", look, entrypoint="python").stdout
                assert seen.strip() == "None", f"{name} has {seen}"
            assert bases.looked_at(subject)["image_mb"] < bases.looked_at(found["slim"])["image_mb"]
