"""The charts are those of the measurements."""

import pytest

from library.tutorial import ROOT
from tools.figures import charts


@pytest.mark.parametrize(("name", "svg"), charts().items(), ids=charts())
def test_a_chart_shows_the_measurements(name: str, svg: str) -> None:
    assert (ROOT / "assets" / name).read_text() == svg, f"assets/{name} is stale; `make docs` draws it anew"
