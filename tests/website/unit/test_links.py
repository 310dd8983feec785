"""Every link within the repository leads to something that is there; `make links` lists the others."""

from pathlib import Path

import pytest

from library.tutorial import ROOT
from website.links import PAGES, dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    found = list(dead(page))
    assert not found, "\n".join(found)


def test_a_link_to_no_heading_is_found() -> None:
    page = ROOT / "final/README.md"
    text = page.read_text()
    assert "#uv-from-elsewhere)" in text, "the page has changed: plant it elsewhere"
    assert list(dead(page, text.replace("#uv-from-elsewhere)", "#uv-from-a-mirror)", 1)))
