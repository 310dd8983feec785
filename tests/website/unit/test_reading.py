"""An article can be read in one go, and the time that the front page gives is counted as this says."""

import pytest

from library.tutorial import Folder, load
from website import reading

SHORT = ("step-1-kiss", "step-2-poetry", "step-3-basic", "step-4-nontrivial")


@pytest.mark.parametrize("folder", load(), ids=lambda folder: folder.name)
def test_an_article_can_be_read_in_one_go(folder: Folder) -> None:
    allowed = 8 if folder.name in SHORT else 12
    takes = reading.minutes((folder.path / "README.md").read_text())
    assert takes <= allowed, f"{folder.name}/README.md takes {takes:.1f} minutes to read, and may take {allowed}"


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
        ("Poetry (<4.0) " + "word " * 198 + "<br>before 3 -> after", 203 / 200),
    ],
)
def test_minutes(page: str, minutes: float) -> None:
    assert reading.minutes(page) == pytest.approx(minutes)
