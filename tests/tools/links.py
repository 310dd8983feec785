"""The links of all pages. ``python -m tools.links`` lists those that lead elsewhere, with the places that name them."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from library.tutorial import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("*/README.md"))]
MARKDOWN = MarkdownIt().enable("table")


@dataclass(frozen=True)
class Link:
    """Where a link or a picture stands, and where it leads: an address, or a path with or without an anchor."""

    page: Path
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _texts(page: Path) -> Iterator[tuple[str, Token]]:
    """What each text of a page is part of (a heading, say), and the text."""
    tokens = MARKDOWN.parse(page.read_text())
    for before, token in itertools.pairwise(tokens):
        if token.type == "inline":
            yield before.type, token


def links(page: Path) -> Iterator[Link]:
    line = 0
    for _, text in _texts(page):
        line = text.map[0] + 1 if text.map else line
        for part in text.children or ():
            line += part.type == "softbreak"
            if target := part.attrGet("href") or part.attrGet("src"):
                yield Link(page, line, str(target))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings: lower case, no punctuation, hyphens for spaces."""
    found: set[str] = set()
    for kind, text in _texts(page):
        if kind == "heading_open":
            words = "".join(part.content for part in text.children or ())
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            same = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in found)
            found.add(f"{slug}-{same}" if same else slug)
    return found


def main() -> None:
    places = defaultdict(list)
    for page in PAGES:
        for link in links(page):
            if re.match("https?://", link.target):
                places[link.target].append(str(link))
    for target in sorted(places):
        print(target, *places[target])


if __name__ == "__main__":
    main()
