"""Every link within the repository leads to something that is there; `make links` lists the others."""

from pathlib import Path

import pytest

from library.tutorial import ROOT
from tools.links import PAGES, dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    found = list(dead(page))
    assert not found, "\n".join(found)
