"""The commands of a page's ``console`` blocks, which `tests/system/test_articles.py` runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = re.compile(r"^(?P<not_run><!-- not run: .+ -->\n)?```console\n(?P<text>[\s\S]*?)^```$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command, the line of the page that it begins in, and what the page shows below it."""

    line: int
    command: str
    shown: str


def commands(page: str) -> Iterator[Command]:
    """The commands of a page that are run: all but those below a reason why not."""
    blocks = list(BLOCK.finditer(page))
    if len(blocks) != page.count("```console"):
        raise ValueError("a console block is indented or never ends, and would not be run")
    for block in blocks:
        if block["not_run"]:
            continue
        line = page[: block.start("text")].count("\n") + 1
        for part in re.split(r"^(?=\$ )", block["text"], flags=re.MULTILINE):
            if part:
                command, _, shown = part.removeprefix("$ ").partition("\n")
                yield Command(line, command, shown)
                line += part.count("\n")
