"""What the articles state, and what stands behind it: `unit/test_facts.py` asks for each fact.

A sentence with a figure, with something in backticks or with the name of somebody else's product states a fact that one
can look for. It needs a link to where it comes from, or else what it names has to be somewhere that the tests see: in a
file of the repository, in a block that is run, or in a part of the page that is generated. A file that it names has to
be there in any case.

Whether a source says what it is cited for, somebody has to read. ``tests/sources.json`` has each sentence with its
addresses: when either changes, the test fails until somebody has opened the source and called ``make sources``.
What no program sees is a wrong word between right names.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from library.practices import PRACTICES
from library.repository import files
from library.tutorial import ROOT, Folder, load
from tools.blocks import commands

# What others do, nothing here can show.
OTHERS = re.compile(
    r"\b(Kubernetes|Swarm|OpenShift|Dependabot|Renovate|GitHub|Cloud Run|Heroku|PgBouncer|PyPI|Docker Hub|Alpine)\b"
)
CODE = re.compile(r"`([^`]+)`")
FILE = re.compile(r"`([\w./-]+\.(?:py|toml|ya?ml|ini|txt|sh|lock|Dockerfile))`")
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s]+)\)")
EXIT_CODE = re.compile(r"exit code (\d+)", re.IGNORECASE)
FIGURE = re.compile(r"(?<![\w.#/-])\d+(?:,\d{3})*(?:\.\d+)*(?![\w-])")
# These numbers are names: of folders, of exercises, of steps of a list, of standards.
NAMED = re.compile(r"\b(?:steps?|extra|RFC|PEP|N=) ?\d+(?:(?:,| and| to) \d+)*", re.IGNORECASE)
# What we did, or did not do, only we can say.
TRIED = re.compile(r"\bwe have (?:tried|not)|\bnot (?:tried|measured)|\bno test|\btried(?: with|:)", re.IGNORECASE)
SOURCES = ROOT / "tests/sources.json"
READ = {".py", ".toml", ".yaml", ".yml", ".ini", ".txt", ".sh", ".html", ".js", ".mjs", ".css", ".json", ".Dockerfile"}


def unfounded(page: str, folder: Folder) -> Iterator[str]:
    """What sentences of a page name without a link, and what is nowhere to be seen, each with its line and sentence.

    Args:
        page: its text.
        folder: what it is about.
    """
    near = _near(page, folder)
    for line, sentence in _sentences(page):
        yield from (f"line {line}: {named!r} in: {sentence}" for named in _unfounded(sentence, near, folder))


def _unfounded(sentence: str, near: str, folder: Folder) -> Iterator[str]:
    """The files, figures, names and words in backticks of a sentence that nothing stands behind."""
    links = LINK.findall(sentence)
    for file in FILE.findall(sentence):
        if file.lower() not in _everything():
            yield file
    if any(address.startswith("https:") for _, address in links) or TRIED.search(sentence):
        return
    visible = near + "".join(_linked(address, folder) for _, address in links)
    plain = LINK.sub(r"\1", sentence)
    words = NAMED.sub(" ", CODE.sub(" ", plain))
    for code in CODE.findall(plain):
        tokens = re.findall(r"[^\s…]+", code)
        if not all(_stands(token, visible) or _stands(token, _everything()) for token in tokens):
            yield code
    for number in EXIT_CODE.findall(words):
        # As such, or as all that a command prints.
        if not re.search(rf"exit[ _]code(?: ==)? {number}\b|^{number}$", visible, re.MULTILINE):
            yield f"exit code {number}"
    for figure in FIGURE.findall(words):
        if not re.search(rf"(?<![\w.]){re.escape(figure.replace(',', ''))}(?!\d|\.\d)", visible):
            yield figure
    yield from OTHERS.findall(words)


def cited() -> dict[str, list[str]]:
    """The addresses that all articles cite, and the sentences that each stands in, without the addresses."""
    sentences: dict[str, set[str]] = {}
    for page in (page for folder in load() for page in folder.pages):
        for _, sentence in _sentences(page.read_text()):
            for _, address in LINK.findall(sentence):
                if address.startswith("https:"):
                    sentences.setdefault(address, set()).add(LINK.sub(r"\1", sentence))
    return {address: sorted(sentences[address]) for address in sorted(sentences)}


def _sentences(page: str) -> Iterator[tuple[int, str]]:
    """The sentences of the prose and where their paragraphs begin: no code, nothing generated, no heading."""

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    for pattern in (
        r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->",
        r"^```.*?^```$",
        r"<!--.*?-->",
        r"^#[^\n]*$",
        r"</?[a-z][^>\n]*>",
    ):
        page = re.sub(pattern, blank, page, flags=re.DOTALL | re.MULTILINE)
    for paragraph in re.finditer(r"(?:^(?!\s*$).+\n?)+", page, re.MULTILINE):
        line = page[: paragraph.start()].count("\n") + 1
        for item in re.split(r"\n(?=- |\d+\. |\|)", paragraph[0]):
            for sentence in re.split(r"(?<=[.!?])[)*]* (?=[(*]*[A-Z`\[])", " ".join(item.split())):
                yield line, sentence


def _stands(token: str, text: str) -> bool:
    """Whether a word of what stands in backticks is in a text, with or without what surrounds it."""
    token = token.lower()
    return token in text or token.strip("\"'(),;:/=.") in text


def _near(page: str, folder: Folder) -> str:
    """What the tests see of a folder: its files, the blocks that are run, the practices, the tests that it names."""
    generated = re.findall(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->", page, re.DOTALL)
    run = (f"{step.command}\n{step.shown}" for step in commands(page))
    tests = (_linked(address, folder) for _, address in LINK.findall(page) if address.startswith("../tests/"))
    practices = (practice.sentence for practice in PRACTICES.values())
    return _text(folder.path) + _searched("\n".join((*generated, *run, *practices))) + "".join(tests)


def _linked(address: str, folder: Folder) -> str:
    """The text of the file that a link within the repository leads to, or of the folder whose article it is."""
    path = (folder.path / address.partition("#")[0]).resolve()
    if path.name == "README.md":
        return _text(path.parent)
    return _searched(path.read_text()) if path.suffix in READ and path.is_file() else ""


@cache
def _text(folder: Path) -> str:
    """A folder's files, without its articles and its locks, and their names."""
    if folder == ROOT:
        return ""
    read = [file for file in files(folder) if (file.suffix in READ or not file.suffix) and "lock" not in file.name]
    return _searched("\n".join(f"{file}\n{(folder / file).read_text()}" for file in read))


@cache
def _everything() -> str:
    """All files that are no pages, and the names of all."""
    own_words = {"facts.py", "test_facts.py", SOURCES.name}
    read = [file for file in files() if file.suffix in {*READ, ".lock", ""} and file.name not in own_words]
    return _searched("\n".join((*map(str, files()), *((ROOT / file).read_text() for file in read))))


def _searched(text: str) -> str:
    """A text in small letters, and its numbers without separators."""
    return re.sub(r"(?<=\d)[,_](?=\d{3})", "", text.lower())


if __name__ == "__main__":
    SOURCES.write_text(json.dumps(cited(), indent=1, ensure_ascii=False) + "\n")
