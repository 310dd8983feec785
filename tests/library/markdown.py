"""Pages, as a parser of Markdown reads them."""

from itertools import pairwise

from markdown_it import MarkdownIt


def blocks(page: str, heading: str, language: str) -> list[str]:
    """The blocks of code in a language below a heading that begins so."""
    is_below, contents = False, list[str]()
    for before, token in pairwise(MarkdownIt().parse(page)):
        if before.type == "heading_open":
            is_below = token.content.startswith(heading)
        elif is_below and token.type == "fence" and token.info == language:
            contents.append(token.content)
    if not contents:
        raise LookupError(f"no block of {language} below {heading}")
    return contents
