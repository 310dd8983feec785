"""What the workflows' own commands do, as far as they can be run here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from library.tutorial import ROOT

RELEASE = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())


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
