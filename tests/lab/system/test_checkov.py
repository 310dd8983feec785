"""What checkov finds in extra 7's manifests, and why it stays."""

import json
import subprocess
from pathlib import Path

import pytest

from library import manifests
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("extra-7-platforms"), pytest.mark.thorough]
EXPLAINED = {
    "CKV_K8S_43": "Images by digest: kustomization.yaml says where to write yours; hello:1 is a local one.",
    "CKV2_K8S_6": "A network policy for the migration's pod, too: its database is wherever you have it.",
    "CKV_K8S_15": "imagePullPolicy Always: an image by digest cannot change, and a local one is in no registry.",
}


def findings(text: str, file: Path) -> set[str]:
    """The checks that do not pass for these manifests, which are written to a file."""
    file.write_text(text)
    options = "--framework kubernetes --output json --skip-download --soft-fail --file"
    command = [str(ROOT / ".venv-checkov/bin/checkov"), *options.split(), str(file)]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert report["summary"]["passed"] > 100
    return {finding["check_id"] for finding in report["results"]["failed_checks"]}


def test_checkov_finds_nothing_that_is_not_explained(tmp_path: Path) -> None:
    subprocess.run(["make", "--silent", ".venv-checkov/ready"], cwd=ROOT, check=True, capture_output=True)
    command = [manifests.kubectl(), "kustomize", str(ROOT / "extra-7-platforms" / manifests.FOLDER)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert findings(rendered, tmp_path / "manifests.yaml") == EXPLAINED.keys()
    told = f"checkov finds {('nothing', 'one thing', 'two things', 'three things', 'four things')[len(EXPLAINED)]}"
    assert told in (ROOT / "reference-platforms/README.md").read_text()
    worse = rendered.replace("Filesystem: true", "Filesystem: false")
    assert findings(worse, tmp_path / "worse.yaml") == {*EXPLAINED, "CKV_K8S_22"}
