"""The tool that judges mutants, with those of the smallest folder."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from library.engine import docker, wait_until
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("step-1-kiss"), pytest.mark.thorough]
SHELL_FORM = 'Dockerfile (last stage): ["gunicorn", "hello.main:app"] → gunicorn hello.main:app'


def command(results: Path, only: str) -> list[str]:
    options = ["--steps=step-1-kiss", f"--only={only}", f"--results={results}", "--workers=1"]
    return [sys.executable, "-m", "lab.mutate", *options]


def test_a_mutant_is_judged_once_and_its_killer_is_named(tmp_path: Path) -> None:
    results = tmp_path / "mutations.json"
    for judged in (1, 0):
        done = subprocess.run(
            command(results, "→ gunicorn hello"), cwd=ROOT / "tests", capture_output=True, text=True, check=True
        )
        assert done.stdout.count("killed by graceful-stop") == judged
        found = json.loads(results.read_text())["folders"]["step-1-kiss"]
        assert {name: entry["by"] for name, entry in found.items()} == {SHELL_FORM: "graceful-stop"}


def test_ctrl_c_leaves_nothing_but_what_was_judged(tmp_path: Path) -> None:
    results = tmp_path / "mutations.json"
    with subprocess.Popen(
        command(results, "FROM|CMD|gunicorn"),
        cwd=ROOT / "tests",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        assert run.stdout
        assert run.stdout.readline().startswith("[1/")
        os.killpg(run.pid, signal.SIGINT)
        _, errors = run.communicate(timeout=120)
    assert run.returncode == 130, errors
    assert len(errors.splitlines()) == 1, errors
    assert len(json.loads(results.read_text())["folders"]["step-1-kiss"]) == 1
    assert wait_until(
        lambda: not any("step-1-kiss-mutant" in c.name for c in docker.container.list(all=True)), limit=20
    )
