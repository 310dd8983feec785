"""Every link within the repository leads to something that is there; `make links` lists the others."""

import re
from pathlib import Path

import pytest

from library.tutorial import ROOT
from tools.links import PAGES, anchors, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    dead = []
    for link in links(page):
        if re.match(r"[a-z]+:", link.target):
            continue
        path, _, anchor = link.target.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_relative_to(ROOT) or not target.exists():
            dead.append(f"{link}: there is no {link.target}")
        elif anchor:
            article = target / "README.md" if target.is_dir() else target
            if anchor not in anchors(article):
                dead.append(f"{link}: {article.relative_to(ROOT)} has no heading for #{anchor}")
    assert not dead, "\n".join(dead)
