"""final's hooks for whoever keeps a project's packages: Poetry's are in its file, others on the page that it names."""

import shlex
from typing import Any

import yaml

from library.markdown import blocks
from library.tutorial import ROOT

FILE = ROOT / "final/.pre-commit-config.yaml"
PAGE = ROOT / "reference-final/README.md"
OF_POETRY = " They are Poetry's: the reference has those for uv."
# What stands there instead of Poetry's, where uv keeps the packages, and where it compiles plain lists.
OF_UV, OF_A_LIST = blocks(PAGE.read_text(), "Hooks for uv", "yaml")


def commands(hook: str) -> tuple[str, ...]:
    """The commands that a hook of a shell's runs."""
    parsed: list[dict[str, Any]] = yaml.safe_load(hook)
    _, _, script = shlex.split(parsed[0]["entry"])
    return tuple(script.split(" && "))


def instead_of_poetrys(*own: str) -> str:
    """The file with these hooks in the place of Poetry's, or with none."""
    head, line, text = FILE.read_text().partition("    hooks:\n")
    all_hooks = text.split("\n\n")
    others = [hook for hook in all_hooks if "- id: poetry-" not in hook]
    if OF_POETRY not in head or len(all_hooks) - len(others) != 2:
        raise LookupError(f"{FILE.name} does not say that two of its hooks are Poetry's")
    return head.replace(OF_POETRY, "") + line + "\n\n".join([*(hook.rstrip("\n") for hook in own), *others])
