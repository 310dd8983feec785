"""The charts are those of the measurements, and say what these say."""

import json
from pathlib import Path

import pytest

from library.tutorial import ROOT
from website import figures
from website.figures import charts
from website.links import PAGES


@pytest.mark.parametrize(("name", "svg"), charts().items(), ids=charts())
def test_a_chart_shows_the_measurements(name: str, svg: str) -> None:
    if (ROOT / "assets" / name).read_text() != svg:
        pytest.fail(f"assets/{name} is stale: run `make docs`", pytrace=False)


def test_every_drawing_is_shown() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    drawn = [file.name for file in (ROOT / "assets").glob("*.svg")]
    assert [name for name in drawn if f"assets/{name})" not in pages and f"]({name})" not in pages] == []


@pytest.mark.parametrize(
    ("rounds", "said"),
    [
        ([2.0, 2.2, 2.1], "2.1 s"),  # the first itself
        ([0.1, 0.1, 0.1], "0.1 s, 20 times faster"),
        ([6.0, 6.0, 9.0], "6.0 s, 3.0 times as long"),
        ([2.2, 3.0, 4.0], "3.0 s, no clear difference"),
    ],
)
def test_a_time_is_compared_in_words(
    rounds: list[float], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = {"one": [2.0, 2.2, 2.0], "two": rounds}
    subjects = {name: {"samples": {"s": times}, "median": {"s": sorted(times)[1]}} for name, times in samples.items()}
    file = tmp_path / "measurements.json"
    file.write_text(json.dumps({"subjects": subjects}))
    monkeypatch.setattr(figures, "MEASUREMENTS", file)
    assert figures._in_words("two", "s", first="one" if "," in said else "two") == said


def test_apps_are_not_compared_with_each_other() -> None:
    """A chart of times is about one app, and its words about the first folder that carries it."""
    for groups in (figures._times("code_s"), figures._times("dependency_s")):
        assert list(groups) == ["hello, with Flask"]
        for bars in groups.values():
            assert "," not in bars[0].text
            assert all("," in bar.text for bar in bars[1:])


@pytest.mark.parametrize("longest", [0.07, 0.95, 1.02, 8.9, 44, 168, 1025])
def test_an_axis_has_a_few_round_marks(longest: float) -> None:
    marks = figures._marks(longest)
    assert marks[0] == 0
    assert marks[-1] <= longest
    assert 3 <= len(marks) <= 6
