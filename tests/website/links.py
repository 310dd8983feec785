"""The links of all pages. ``make links`` lists those that lead elsewhere, with the places that name them."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from library.repository import files
from library.tutorial import ROOT

PAGES = [ROOT / name for name in sorted(map(str, files())) if re.fullmatch(r"(.+/)?README\.md|CONTRIBUTING\.md", name)]
MARKDOWN = MarkdownIt().enable("table")


@cache
def _texts(page: str) -> list[tuple[str, Token]]:
    """What each text of a page is part of (a heading, say), and the text."""
    pairs = itertools.pairwise(MARKDOWN.parse(page))
    return [(before.type, token) for before, token in pairs if token.type == "inline"]


def links(page: Path, text: str | None = None) -> Iterator[tuple[str, str]]:
    """Where a page, or a text in its place, has a link or a picture ("README.md:7"), and where that leads."""
    line = 0
    for _, part_of_page in _texts(text if text is not None else page.read_text()):
        line = part_of_page.map[0] + 1 if part_of_page.map else line
        for part in part_of_page.children or ():
            line += part.type == "softbreak"
            if target := part.attrGet("href") or part.attrGet("src"):
                yield f"{page.relative_to(ROOT)}:{line}", str(target)


def anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings; a second one of the same words has a number."""
    slugs: set[str] = set()
    for kind, text in _texts(page.read_text()):
        if kind == "heading_open":
            slug = anchor("".join(part.content for part in text.children or ()))
            same = sum(re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other) is not None for other in slugs)
            slugs.add(f"{slug}-{same}" if same else slug)
    return slugs


def dead(page: Path, text: str | None = None) -> Iterator[str]:
    """The links within the repository that lead nowhere, of a page or of a text in its place."""
    for place, target in links(page, text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.exists():
            yield f"{place}: there is no {target}"
        elif heading:
            article = file / "README.md" if file.is_dir() else file
            if heading not in anchors(article):
                yield f"{place}: {article.relative_to(ROOT)} has no heading for #{heading}"


def main() -> None:
    places = defaultdict(list)
    for page in PAGES:
        for place, target in links(page):
            if re.match("https?://", target):
                places[target].append(place)
    for target in sorted(places):
        print(target, *places[target])


if __name__ == "__main__":
    main()
