"""What a comment of a shipped file says in figures stands in the lines that it is about.

A neighbouring value still builds and serves: 5 seconds in the place of 1, half a minute in the place of one. The
comment above it is false then, and no container shows it.
"""

import re
from collections.abc import Iterator

import pytest

from library.repository import files
from library.tutorial import ROOT, Folder, load

FILES = re.compile(r"(Dockerfile|Caddyfile|\.(py|ya?ml|toml|ini|sh))$")
LEFT_OUT = re.compile(r"^tests/|/migrations/")
BLOCK = re.compile(r'(?:^[ \t]*(?:#|""").*\n?)+', re.MULTILINE)
TRAILING = re.compile(r'^(?![ \t]*(?:#|"""))(.*?\S)[ \t]+# (.*)$', re.MULTILINE)
LINES = 5  # so far below a comment stands what it is about; a comment that begins a file is about all of it

WORDS = dict(zip(("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), range(2, 11), strict=True))
UNITS = {"s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "year": 31_536_000}
UNITS |= {"MB": 2**20, "MiB": 2**20, "* 2**20": 2**20, "%": 1, "": 1}
# "128 MB", "ten minutes", "each second", "70 %"; and so many things: "four requests", "two new containers".
SAID = re.compile(
    rf"\b(?P<amount>\d+|an?|each|{'|'.join(WORDS)}) (?P<unit>s\b|MB|MiB|%|second|minute|hour|year)"
    rf"|(?:(?<!these )(?<!the )\b|\bat least )(?P<things>{'|'.join(WORDS)})(?= (?:[a-z]+ )?[a-z]+s\b|,)",
    re.IGNORECASE,
)
VALUE = re.compile(r"(?<![\w.])(\d+)(?: ?(\* 2\*\*20|[smh]\b)|(?![\w.]))")
VARIABLE = re.compile(r"\b[A-Z]{3,}(?:_[A-Z]+)*\b")
# What others do, or what stands elsewhere, and where that is seen.
ELSEWHERE = {
    "Docker kills it after ten seconds": "Docker's own time, which step 1's article shows",
    "Cloud Run kills what still runs ten seconds": "Google's time, which manifests.cloud_run has",
    "kills everything after 5 seconds": "Fly.io's time, which manifests.fly has",
    "The pause of 5 seconds, GRACEFUL_TIMEOUT, and 5 seconds more": "a sum, which test_fitting.py adds up",
    'The autoscaler\'s "70 %" are 70 % of it': "the autoscaler says it again, beside the value",
    "turns the lock file into three lists": "the instruction below exports three",
    "The app may take a minute to import": "a product, which test_fitting.py multiplies",
    "fails three times": "the health check's own retries, which test_fitting.py knows",
    "Set two secrets": "their names follow",
    "two less": "they follow, and their reasons",
}


def figures(text: str) -> Iterator[tuple[str, str, int, str]]:
    """The figures in the comments of a file: comment, figure, the same in its smallest unit, and what it is about."""
    comments = [(trailing[2], trailing[1]) for trailing in TRAILING.finditer(text)]
    for block in BLOCK.finditer(text):
        below = text[block.end() :].splitlines()
        # Among its lines may be some from which somebody is to take the #.
        about = below if block.start() == 0 else [block[0], *below[:LINES]]
        comments.append((" ".join(line.strip(' \t#"') for line in block[0].splitlines()), "\n".join(about)))
    for said, what in comments:
        for figure in SAID.finditer(said):
            word = (figure["amount"] or figure["things"]).lower()
            amount = int(word) if word.isdigit() else WORDS.get(word, 1)
            yield said, figure[0], amount * UNITS[figure["unit"] or ""], what.replace(figure[0], "")


def unfounded(text: str, settings: str = "") -> list[str]:
    """The comments of a file with a figure that is not that of what they are about.

    Args:
        text: the file's.
        settings: gunicorn.conf.py's: a comment may name a variable whose default is there.
    """
    wrong = []
    for said, figure, amount, about in figures(text):
        defaults = [line for name in VARIABLE.findall(said) for line in settings.splitlines() if f'"{name}"' in line]
        values = {int(number) * UNITS[unit] for number, unit in VALUE.findall("\n".join([about, *defaults]))}
        if amount not in values and not any(figure in known and known in said for known in ELSEWHERE):
            wrong.append(f"no {figure} in the lines that this is about: {said}")
    return wrong


def settings_of(folder: str) -> str:
    file = ROOT / folder / "gunicorn.conf.py"
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("folder", load(), ids=lambda folder: folder.name)
def test_a_figure_of_a_comment_is_that_of_the_lines_below(folder: Folder) -> None:
    there = [file for file in files(folder.path) if FILES.search(str(file)) and not LEFT_OUT.search(str(file))]
    wrong = {str(file): unfounded((folder.path / file).read_text(), settings_of(folder.name)) for file in there}
    assert {file: comments for file, comments in wrong.items() if comments} == {}


# Values that a colleague might propose, one for each form of a figure.
NEIGHBOURS = [
    ("step-1-kiss/gunicorn.conf.py", "threads = 4", "threads = 8"),
    ("step-5-larger/src/config/settings.py", '"CONN_MAX_AGE": 60', '"CONN_MAX_AGE": 600'),
    ("step-5-larger/uwsgi.ini", " 31536000", " 2592000"),
    ("final/compose.yaml", "stop_grace_period: 10m", "stop_grace_period: 5m"),
    ("final/gunicorn.conf.py", "(128 * 2**20) - 1", "(96 * 2**20) - 1"),
    ("extra-6-deploying/Caddyfile", "refresh 1s", "refresh 5s"),
    ("extra-6-deploying/stack.yaml", "67108864", "64000000"),
    ("extra-7-platforms/kubernetes/deployment.yaml", "progressDeadlineSeconds: 120", "progressDeadlineSeconds: 600"),
    ("extra-7-platforms/kubernetes/horizontalpodautoscaler.yaml", "Utilization: 70", "Utilization: 80"),
    ("extra-7-platforms/kubernetes/horizontalpodautoscaler.yaml", "minReplicas: 2", "minReplicas: 1"),
]


@pytest.mark.parametrize(("file", "old", "new"), NEIGHBOURS, ids=[f"{file}: {new}" for file, _, new in NEIGHBOURS])
def test_a_neighbouring_value_is_found(file: str, old: str, new: str) -> None:
    text = (ROOT / file).read_text()
    assert old in text, "the file has changed: take another neighbour"
    assert unfounded(text.replace(old, new, 1), settings_of(file.partition("/")[0]))


def test_another_default_of_a_variable_that_a_comment_names_is_found() -> None:
    settings = settings_of("extra-6-deploying").replace('"KEEP_ALIVE") or 5', '"KEEP_ALIVE") or 75')
    assert unfounded((ROOT / "extra-6-deploying/Caddyfile").read_text(), settings)
