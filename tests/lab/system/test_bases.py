"""The bases that extra 5's article compares: the app answers on those that have no shell and no pip."""

import pytest

from lab import bases
from library.engine import run_to_its_end

pytestmark = pytest.mark.about("extra-5-publishing")


@pytest.mark.thorough
def test_without_shell_and_pip_it_answers_and_stops_all_the_same() -> None:
    with bases.subjects() as found:
        for name in ("slim without pip and shell", "distroless, of slim's files"):
            subject = found[name]
            with subject.running() as running:
                assert running.get().json()["step"] == bases.FOLDER.name
                assert running.stop() < 5
            for program in ("sh", "bash", "pip"):
                look = f"import shutil; print(shutil.which({program!r}))"
                seen = run_to_its_end(subject.built_image(), "-c", look, entrypoint="python").stdout
                assert seen.strip() == "None", f"{name} has {seen}"
            assert bases.looked_at(subject)["image_mb"] < bases.looked_at(found["slim"])["image_mb"]
