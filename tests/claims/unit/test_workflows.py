"""What the workflows' own commands do, as far as they can be run here."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from library.tutorial import ROOT, load

EXTRA_5 = ROOT / "extra-5-publishing"
PUBLISH = yaml.safe_load((EXTRA_5 / ".github/workflows/publish.yml").read_text())
IMAGE, LAST = PUBLISH["jobs"].values()
CI, RELEASE = (yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text()) for name in ("ci", "release"))


def step(job: Any, name: str) -> Any:
    """The one step of a job that runs or uses something of this name."""
    [found] = [step for step in job["steps"] if name in step.get("run", step.get("uses"))]
    return found


def bash(command: str, folder: Path, **environment: str) -> int:
    """The exit code of a step's command, as GitHub runs it."""
    run = ["bash", "-e", "-c", command]
    return subprocess.run(run, cwd=folder, env=os.environ | environment, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("tag", "headings"), [("v2.0", ["## 2.0 (November 2026)"]), ("v2", []), ("v9.9", [])])
def test_a_release_says_what_its_section_of_the_change_log_says(tag: str, headings: list[str], tmp_path: Path) -> None:
    """And a tag without a section stops there."""
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    command = step(RELEASE["jobs"]["release"], "CHANGELOG.md")["run"]
    assert (bash(command, tmp_path, GITHUB_REF_NAME=tag) == 0) == bool(headings)
    assert re.findall("^## .*", (tmp_path / "notes.md").read_text(), re.MULTILINE) == headings


@pytest.mark.parametrize("runs", ["", "completed\tsuccess\ta commit"])
def test_a_commit_that_ci_has_not_passed_is_no_release(runs: str, tmp_path: Path) -> None:
    """``gh run list`` does not fail where it finds nothing."""
    commands = [step.get("run", step.get("uses")) for step in RELEASE["jobs"]["release"]["steps"]]
    [asks] = [number for number, command in enumerate(commands) if command.startswith("gh run list")]
    assert not [command for command in commands[:asks] if command.startswith(("actions/attest", "gh release"))]
    assert f"--workflow {CI['name']} --branch {CI[True]['push']['branches'][0]} " in commands[asks]
    (tmp_path / "gh").write_text(f"#!/bin/sh\nprintf '%s' '{runs}'\n")
    (tmp_path / "gh").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert (bash(commands[asks], tmp_path, PATH=path, GITHUB_SHA="4f0c2d1") == 0) == bool(runs)


def test_the_time_for_the_mutants_is_enough() -> None:
    """So many folders, and so many mutants of each; their number stands in a comment."""
    job = CI["jobs"]["mutate"]
    [each] = re.findall(r"make mutate SAMPLE=(\d+)", str(job["steps"]))
    mutants = len(load()) * int(each)
    said = re.findall(r"# (\d+) mutants, of half a minute each", (ROOT / ".github/workflows/ci.yml").read_text())
    assert said == [str(mutants)], "ci.yml: how many mutants, and is `timeout-minutes` enough for them?"
    assert job["timeout-minutes"] > mutants / 2


def test_whoever_reads_the_cache_is_logged_in() -> None:
    """The cache may be private, and a fork's pull request has no login."""
    steps = [step for step in CI["jobs"]["image"]["steps"] if "--cache-from" in step.get("run", "")]
    assert len(steps) == 2
    for step in steps:
        assert step["run"].startswith("docker login")
        assert step["if"].endswith(("event_name == 'push'", "head.repo.full_name == github.repository"))


def test_what_readers_copy_publishes_tags_on_machines_of_each_kind_and_only_its_last_job_has_the_key() -> None:
    assert PUBLISH[True] == {"push": {"tags": ["v*"]}}  # YAML reads `on` so
    assert PUBLISH["concurrency"]["cancel-in-progress"] is False, "half a release is worse than a slow one"
    runners = {each["platform"]: each["runner"] for each in IMAGE["strategy"]["matrix"]["include"]}
    is_arm = {platform: runner.endswith("-arm") for platform, runner in runners.items()}
    assert is_arm == {"amd64": False, "arm64": True}
    assert IMAGE["runs-on"] == "${{ matrix.runner }}"
    sign = step(LAST, "./sign.sh")["run"]
    # A platform that is built and tested, and not named there, would be left out of what is signed.
    assert f'./join.sh "$GITHUB_REF_NAME" {" ".join(runners)}\n' in sign
    assert f"./sign.sh {' '.join(f'{platform}/bom.json' for platform in runners)}\n" in sign
    assert "COSIGN" not in str(IMAGE)
    assert "environment" not in IMAGE
    assert LAST["needs"] == "image"
    assert LAST["environment"] == "release"
    names = set(re.findall(r"secrets\.(COSIGN_\w+)", str(LAST)))
    cosign = yaml.safe_load((EXTRA_5 / "compose.publish.yaml").read_text())["services"]["cosign"]
    assert names == {"COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD"} == cosign["environment"].keys() - {"DOCKER_CONFIG"}
    assert "'COSIGN_KEY': 'env://COSIGN_PRIVATE_KEY'" in str(LAST), "sign.sh gives it to cosign"


def test_the_attestation_asks_for_no_permission_that_its_job_has_not() -> None:
    """By default, it also stores where the image is, and warns where it may not (artifact-metadata: write)."""
    attest = step(LAST, "actions/attest@")["with"]
    assert attest["push-to-registry"] is True
    assert attest.get("create-storage-record") is False or "artifact-metadata" in LAST["permissions"]


def test_mondays_cluster_is_the_one_that_its_tests_look_for() -> None:
    """Where they find no name of a cluster, they are skipped, and the job passes."""
    steps = CI["jobs"]["cluster"]["steps"]
    [made] = [number for number, step in enumerate(steps) if step.get("run", "").startswith("kind create cluster ")]
    [asked] = [number for number, step in enumerate(steps) if step.get("run", "").startswith("make test ")]
    assert made < asked
    [module] = re.findall(r" K=(\w+)", steps[asked]["run"])
    tests = (ROOT / f"tests/lab/system/{module}.py").read_text()
    assert set(re.findall(r'environ\.get\("(KUBE_\w+)"\)', tests)) == steps[asked]["env"].keys()
    assert steps[asked]["env"]["KUBE_CONTEXT"] == "kind-kind"  # as kind calls what `kind create cluster` makes


def test_the_last_job_finds_what_each_machine_has_kept_and_keeps_what_is_deployed() -> None:
    """`join.sh` and `sign.sh` look into a folder for each platform, which is what an artifact's name becomes."""
    kept = step(IMAGE, "upload-artifact")["with"]
    assert (kept["name"], kept["path"].split()) == ("${{ matrix.platform }}", ["release.env", "bom.json"])
    assert "with" not in step(LAST, "download-artifact"), "all of them, each into a folder of its name"
    assert step(LAST, "upload-artifact")["with"]["path"] == "release.env"


def test_what_github_attests_is_the_digest_that_is_deployed(tmp_path: Path) -> None:
    sign, attest = step(LAST, "./sign.sh"), step(LAST, "actions/attest@")["with"]
    [command] = [line for line in sign["run"].splitlines() if "GITHUB_OUTPUT" in line]
    (tmp_path / "release.env").write_text("REPOSITORY=ghcr.io/me/hello\nDIGEST=4f2a91c\n")
    assert bash(command, tmp_path, GITHUB_OUTPUT=str(tmp_path / "output")) == 0
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().split())
    given = " ".join(attest[name] for name in ("subject-name", "subject-digest"))
    for name, value in outputs.items():
        given = given.replace(f"${{{{ steps.{sign['id']}.outputs.{name} }}}}", value)
    assert given == "ghcr.io/me/hello sha256:4f2a91c"
