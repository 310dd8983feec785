"""What `make score` prints, and which practices it is told to ask."""

import argparse
import json
from pathlib import Path

import pytest

from library import tutorial
from library.practices import PRACTICES, THINGS, Answer, NotAsked, Practice, Violation, ask
from library.project import Prepared, Unusable
from library.subject import Subject
from tools.score import Result, as_json, as_markdown, as_text, chosen, remark, taught_by

SUBJECT = Subject("shop", Path("/home/me/shop"), service="api", profile="", published=9000, page="/about")
PREPARED = Prepared(SUBJECT, None, ())
ANSWERS = {
    "locked-dependencies": Answer("holds"),
    "single-stage": Answer(
        "violated", "2 stages | \x1b[31mred\x1b[0m", ("docker compose run --rm web ls", "curl localhost:8000")
    ),
    "keeps-data": Answer("not asked", "no database"),
}
RESULTS = [
    Result(PRACTICES[name], answer, taught_by(name), tuple(SUBJECT.by_hand(*answer.by_hand).split("\n  ")))
    for name, answer in ANSWERS.items()
]
SUMMARY = "shop: 1 hold, 1 do not, 1 were not asked"


def test_text() -> None:
    text = as_text(PREPARED, RESULTS)
    assert text.splitlines()[-1] == SUMMARY
    assert "\nBuild\n  ✔ locked-dependencies: Every installed package" in text
    assert (
        "      seen: 2 stages | red\n        $ cd shop\n        $ docker compose run --rm api ls\n"
        "        $ curl localhost:9000/about\n      taught in: extra-3-precommit/README.md\n      final does without: "
    ) in text
    assert "      not asked: no database\n" in text


def test_markdown() -> None:
    page = as_markdown(PREPARED, RESULTS)
    assert page.startswith(f"**{SUMMARY}**\n")
    assert (
        f"| ✘ | `single-stage` {PRACTICES['single-stage'].sentence} | 2 stages \\| red (`extra-3-precommit`) |" in page
    )
    assert "\n```shell\ncd shop\ndocker compose run --rm api ls\n" in page


def test_json() -> None:
    found = json.loads(as_json(PREPARED, RESULTS))
    assert found["summary"] == SUMMARY
    assert found["practices"]["single-stage"]["outcome"] == "violated"
    assert found["practices"]["single-stage"]["by_hand"][0] == "cd shop"
    assert found["practices"]["locked-dependencies"]["by_hand"] == []


def test_every_practice_has_a_folder_that_teaches_it_and_every_thing_a_reason() -> None:
    names = {folder.name for folder in tutorial.load()}
    assert {taught_by(name) for name in PRACTICES} <= names
    assert {practice.needs for practice in PRACTICES.values() if practice.needs} == set(THINGS)
    assert remark("non-root") == ""


def arguments(**given: list[str]) -> argparse.Namespace:
    return argparse.Namespace(**({"only": [], "skip": [], "require": []} | given))


def test_what_is_asked() -> None:
    assert chosen(arguments()) == list(PRACTICES)
    assert chosen(arguments(only=["non-root"], require=["no-compiler"])) == ["no-compiler", "non-root"]
    assert "non-root" not in chosen(arguments(skip=["non-root"]))
    with pytest.raises(Unusable, match=r"ONLY: there is no practice health-check; did you mean healthcheck\?"):
        chosen(arguments(only=["health-check"]))
    with pytest.raises(Unusable, match="REQUIRE and SKIP both name non-root"):
        chosen(arguments(skip=["non-root"], require=["non-root"]))


@pytest.mark.parametrize(
    ("raised", "answer"),
    [
        (None, Answer("holds")),
        (Violation("seen", "look"), Answer("violated", "seen", ("look",))),
        (NotAsked("why"), Answer("not asked", "why")),
        (ValueError("strange\nbroken"), Answer("not asked", "could not be asked: ValueError: broken")),
    ],
)
def test_an_answer(raised: Exception | None, answer: Answer) -> None:
    def check(_: Subject) -> None:
        if raised:
            raise raised

    assert ask(Practice("x", "build", "", check, False, False, False, None), SUBJECT) == answer
    not_there = Practice("x", "build", "", check, False, False, False, "version")
    stranger = Subject("shop", Path(), has=frozenset())
    assert ask(not_there, stranger) == Answer("not asked", THINGS["version"])
