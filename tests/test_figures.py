"""The charts are those of the measurements."""

import figures


def test_the_chart_shows_the_measurements() -> None:
    assert figures.BUILD_TIMES.read_text() == figures.chart(), "make docs draws it anew"
