"""What the workflows' own commands do, as far as they can be run here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from library.tutorial import ROOT

CI, RELEASE = (yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text()) for name in ("ci", "release"))


@pytest.mark.parametrize(("tag", "headings"), [("v2.0", ["## 2.0 (November 2026)"]), ("v2", []), ("v9.9", [])])
def test_a_release_says_what_its_section_of_the_change_log_says(tag: str, headings: list[str], tmp_path: Path) -> None:
    """And a tag without a section stops there."""
    [command] = [step["run"] for step in RELEASE["jobs"]["release"]["steps"] if "CHANGELOG.md" in step.get("run", "")]
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    ran = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=tmp_path, env={**os.environ, "GITHUB_REF_NAME": tag}, capture_output=True, check=False,
    )  # fmt: skip
    assert (ran.returncode == 0) == bool(headings)
    assert re.findall("^## .*", (tmp_path / "notes.md").read_text(), re.MULTILINE) == headings


def test_whoever_reads_the_cache_is_logged_in() -> None:
    """The cache may be private, and a fork's pull request has no login."""
    steps = [step for step in CI["jobs"]["image"]["steps"] if "--cache-from" in step.get("run", "")]
    assert len(steps) == 2
    for step in steps:
        assert step["run"].startswith("docker login")
        assert step["if"].endswith(("event_name == 'push'", "head.repo.full_name == github.repository"))
