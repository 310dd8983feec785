"""final's hooks for whoever keeps a project's packages: Poetry's are in its file, uv's on the page that it names."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from .markdown import blocks
from .tutorial import ROOT

FILE = ROOT / "final/.pre-commit-config.yaml"
PAGE = ROOT / "reference-final/README.md"
OF_POETRY = " They are Poetry's: the reference has those for uv."


def of_uv() -> str:
    """What stands in the file in the place of Poetry's hooks, where uv keeps the packages."""
    return blocks(PAGE.read_text(), "Hooks for uv", "yaml")[0]


def commands(hook: str) -> tuple[str, ...]:
    """The commands that a hook of a shell's runs."""
    parsed: list[dict[str, Any]] = yaml.safe_load(hook)
    _, _, script = shlex.split(parsed[0]["entry"])
    return tuple(script.split(" && "))


def instead_of_poetrys(*own: str) -> str:
    """The file with other hooks in the place of Poetry's, or with none."""
    head, line, text = FILE.read_text().partition("    hooks:\n")
    all_hooks = text.split("\n\n")
    others = [hook for hook in all_hooks if "- id: poetry-" not in hook]
    if OF_POETRY not in head or len(all_hooks) - len(others) != 2:
        raise LookupError(f"{FILE.name} does not say that two of its hooks are Poetry's")
    return head.replace(OF_POETRY, "") + line + "\n\n".join([*(hook.rstrip("\n") for hook in own), *others])


def complaint_of_hooks(repository: Path) -> str:
    """Stage everything and run the hooks; what they print if one fails, else nothing."""
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr if run.returncode else ""
