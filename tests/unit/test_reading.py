"""An article can be read in one go, and the time that the front page gives is counted as this says."""

import pytest

from library.tutorial import Folder, load
from tools import reading

SHORT = ("step-1-kiss", "step-2-poetry", "step-3-basic", "step-4-nontrivial")
# Articles that are too long today, and the minutes that they may take until they are shorter. Only ever lower a figure,
# and take the line away when the article is within its limit.
TOO_LONG = {"step-5-larger": 16, "extra-2-caching": 14, "final": 36}


@pytest.mark.parametrize("folder", load(), ids=lambda folder: folder.name)
def test_an_article_can_be_read_in_one_go(folder: Folder) -> None:
    limit = 8 if folder.name in SHORT else 12
    takes = reading.minutes((folder.path / "README.md").read_text())
    allowed = TOO_LONG.get(folder.name, limit)
    assert takes <= allowed, f"{folder.name}/README.md takes {takes:.1f} minutes to read, and may take {allowed}"
    assert folder.name not in TOO_LONG or takes > limit, f"{folder.name} is short enough: take it off TOO_LONG"


@pytest.mark.parametrize(
    ("page", "minutes"),
    [
        ("word " * 200, 1),
        ("- **word** | `word` · " * 100, 1),
        ("[" + "word " * 100 + "](https://example.com/a-b)\n" * 2, 100 / 200),
        ("```python\n" + "x = 1\n\n" * 20 + "```\n", 1),
        ("word\n" * 100 + "```console\n$ ls\n…\n```\nword\n" + "word\n" * 99, 1 + 1 / 20),
        ("<!-- not counted -->\n<picture>\n```mermaid\ngraph LR\na --> b\n```\n", 0),
        ("<details><summary>The file</summary>\n\n```python\nx = 1\n```\n\n</details>\n", 0),
    ],
)
def test_minutes(page: str, minutes: float) -> None:
    assert reading.minutes(page) == pytest.approx(minutes)
