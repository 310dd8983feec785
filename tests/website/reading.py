"""How long an article takes to read."""

import re

WORDS_A_MINUTE, CODE_LINES_A_MINUTE = 200, 20


def minutes(page: str) -> float:
    """Minutes for the words of a page, and for its lines of code and commands, which take longer.

    What is folded away is not counted, nor are drawings, comments, addresses of links, and the ``…`` for what a command
    prints.
    """
    page = re.sub(r"<details>.*?</details>|^```mermaid\n.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)
    code = re.findall(r"^```\w+\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```$|<!--.*?-->|</?[a-z][^>]*>|\]\([^)]*\)", " ", page, flags=re.DOTALL | re.MULTILINE)
    words = [word for word in prose.split() if re.search(r"\w", word)]
    lines = [line for block in code for line in block.splitlines() if line.strip(" …")]
    return len(words) / WORDS_A_MINUTE + len(lines) / CODE_LINES_A_MINUTE
