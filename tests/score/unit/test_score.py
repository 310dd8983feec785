"""What `make score` prints, and which practices it is told to ask."""

import argparse
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from library import tutorial
from library.practices import NEEDS, PRACTICES, WEIGHTS, Answer, NotAsked, Practice, Violation, ask
from library.subject import Subject
from score import report
from score.command import _folder_of, chosen
from score.composing import Unusable
from score.project import Prepared
from score.report import Result, got_worse, remark, taught_by

SUBJECT = Subject("shop", Path("/home/me/shop"), service="api", profile="", published=9000, page="/about")
PREPARED = Prepared(SUBJECT, ("deploy/compose.yaml",), ())
ANSWERS = {
    "locked-dependencies": Answer("holds"),
    "single-stage": Answer("violated", "2 stages"),
    "cached-downloads": Answer(
        "violated", "2 again | \x1b[31mred\x1b[0m", ("docker compose run --rm {service} ls", "{curl} {url}")
    ),
    "non-root": Answer("violated", "USER is a name", weight="taste"),
    "hang-noticed": Answer("violated", "its health is healthy"),
    "small-image": Answer("violated", "700 MB"),
    "keeps-data": Answer("not asked", "no database"),
    "graceful-stop": Answer("violated", "exit code 137"),
}
RESULTS = [
    Result(PRACTICES[name], answer, taught_by(name), SUBJECT.by_hand(*answer.by_hand))
    for name, answer in ANSWERS.items()
]
SUMMARY = "shop: 1 hold, 4 do not, 2 are remarks, 1 were not asked"


def test_the_first_screen_has_the_three_that_matter_most_and_the_rest_comes_by_weight() -> None:
    text = report.as_text(PREPARED, RESULTS)
    assert text.splitlines()[-1] == SUMMARY
    first, _, rest = text.partition("\n\nRequests or data may be lost\n")
    assert [line.split()[1] for line in first.splitlines() if "✘" in line] == [
        "graceful-stop:",
        "hang-noticed:",
        "cached-downloads:",
    ]
    assert (
        "      seen: 2 again | red\n        $ cd shop\n        $ docker compose run --rm api ls\n"
        "        $ curl localhost:9000/about\n      taught in: extra-2-caching/README.md\n"
        "      why it matters: it costs time or space"
    ) in first
    assert rest.startswith(
        "  – keeps-data: no database\n\nIt costs time or space\n  ✘ small-image: 700 MB (extra-1-compiling)\n\n"
        "A matter of taste, or of some platforms\n"
    )
    assert "  • non-root: USER is a name (step-4-nontrivial)" in rest
    assert '\nWhat holds\n  ✔ locked-dependencies\n\nONLY="small-image single-stage non-root" shows' in rest


def test_markdown() -> None:
    page = report.as_markdown(PREPARED, RESULTS)
    assert page.startswith(f"**{SUMMARY}**\n")
    sentence = PRACTICES["cached-downloads"].sentence
    assert f"| ✘ | `cached-downloads` {sentence} | 2 again \\| red (`extra-2-caching`) |" in page
    assert f"| • | `single-stage` {PRACTICES['single-stage'].sentence} | 2 stages (`extra-3-precommit`) |" in page
    assert "\n```shell\ncd shop\ndocker compose run --rm api ls\n" in page


def test_html(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others have printed is text, not HTML; each article has its address."""
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://example.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "me/tutorial")
    monkeypatch.setenv("GITHUB_SHA", "0123abc")
    evil = Result(PRACTICES["healthcheck"], Answer("violated", "<script>alert(1)</script>"), "step-4-nontrivial", ())
    page = report.as_html(PREPARED, [*RESULTS, evil])
    assert "Seen: &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "cd shop\ndocker compose run --rm api ls\ncurl localhost:9000/about</pre>" in page
    assert (
        '"https://example.com/me/tutorial/blob/0123abc/extra-2-caching/README.md">extra 2, Need for speed</a>' in page
    )
    held = page.partition("<h2>What holds</h2>")[2]
    assert "<code>locked-dependencies</code>" in held
    assert "<code>non-root</code>" not in held


def test_json() -> None:
    found = json.loads(report.as_json(PREPARED, RESULTS))
    assert found["summary"] == SUMMARY
    assert next(iter(found["practices"])) == "graceful-stop"
    assert found["practices"]["non-root"]["weight"] == "taste"
    assert found["practices"]["single-stage"]["said"] == "2 stages", "a word that programs of others read"
    assert found["practices"]["cached-downloads"]["outcome"] == "violated"
    assert found["practices"]["cached-downloads"]["by_hand"][0] == "cd shop"
    assert found["practices"]["locked-dependencies"]["by_hand"] == []


def test_sarif_points_at_the_files_that_are_to_be_mended(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/compose.yaml").write_text("services:\n  db: {}\n  api:\n    build: ..\n")
    (tmp_path / "my image").mkdir()
    (tmp_path / "my image/Prod.dockerfile").write_text("FROM x AS a\nRUN a\nFROM a AS production\nFROM a\n")
    subject = replace(SUBJECT, path=tmp_path, context="my image", dockerfile="Prod.dockerfile", target="production")
    bounded = Result(PRACTICES["bounded"], Answer("violated", "it may take all memory"), "final", ())
    sarif = json.loads(report.as_sarif(replace(PREPARED, subject=subject), [*RESULTS, bounded]))
    (run,) = sarif["runs"]
    assert (sarif["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "dockerizing-python")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("graceful-stop", "error"),
        ("bounded", "error"),
        ("hang-noticed", "warning"),
        ("cached-downloads", "warning"),
        ("small-image", "warning"),
        ("single-stage", "note"),
        ("non-root", "note"),
    ]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0] == {"artifactLocation": {"uri": "my%20image/Prod.dockerfile"}, "region": {"startLine": 3}}
    assert places[1] == {"artifactLocation": {"uri": "deploy/compose.yaml"}, "region": {"startLine": 3}}
    assert run["results"][3]["message"]["text"].endswith(" Seen: 2 again | red")


@pytest.mark.parametrize(
    ("results", "message", "colour"),
    [
        (RESULTS, "1 of 5 hold", "red"),
        (RESULTS[:3], "1 of 2 hold", "yellow"),
        (RESULTS[:2], "1 of 1 hold", "brightgreen"),  # a remark is no fault
    ],
)
def test_a_badge(results: list[Result], message: str, colour: str) -> None:
    badge = json.loads(report.as_badge(PREPARED, results))
    assert badge == {"schemaVersion": 1, "label": "Docker practices", "message": message, "color": colour}


def test_what_got_better_and_what_got_worse() -> None:
    def changed(**answers: Answer) -> list[Result]:
        return [replace(r, answer=answers.get(r.practice.id.replace("-", "_"), r.answer)) for r in RESULTS]

    after = changed(
        graceful_stop=Answer("holds"),
        locked_dependencies=Answer("violated", "click 8.4", ("docker compose run --rm {service} pip list",)),
        small_image=Answer("not asked", "no full image"),
        single_stage=Answer("holds"),
    )
    old, new = (PREPARED, RESULTS), (PREPARED, after)
    text = report.as_comparison(old, new)
    better, _, worse = text.partition("\n\nWhat got worse\n")
    assert better.startswith("What got better\n  ✔ graceful-stop: At `docker stop`")
    assert "\n      before: exit code 137\n      taught in: step-1-kiss/README.md\n  ✔ single-stage: " in better
    assert worse.startswith("  ✘ locked-dependencies: Every installed package")
    assert "\n      seen: click 8.4\n" in worse
    assert "\n\nAsked before alone: small-image\n\nshop: 1 hold" in worse
    assert [result.practice.id for result in got_worse(RESULTS, after)] == ["locked-dependencies"]
    assert not got_worse(RESULTS, RESULTS)
    assert "What got worse\n  Nothing that was asked.\n" in report.as_comparison(old, old)
    assert json.loads(report.as_json_comparison(old, new))["better"] == ["graceful-stop", "single-stage"]


def test_two_commits_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.engine.SCRATCH", tmp_path / "scratch")
    app = tmp_path / "work/shop/app"
    app.mkdir(parents=True)

    def git(*command: str) -> None:
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *who, *command], cwd=app, check=True, capture_output=True)

    git("init", "..")
    for text in ("first", "second"):
        (app / "Dockerfile").write_text(text)
        git("add", ".")
        git("commit", "--message", text)
    (app / "Dockerfile").write_text("as it is")
    first = _folder_of("before", "HEAD~1", app)
    assert (first.name, (first / "Dockerfile").read_text()) == ("app", "first")
    assert (_folder_of("after", "", app) / "Dockerfile").read_text() == "as it is"
    assert _folder_of("after", str(tmp_path), None) == tmp_path
    with pytest.raises(Unusable, match=r"BEFORE=v1 is no folder, and no commit of .*app: fatal: "):
        _folder_of("before", "v1", app)
    with pytest.raises(Unusable, match="BEFORE=v1 is no folder; to name a commit, say of what: PROJECT="):
        _folder_of("before", "v1", None)
    git("diff", "--cached", "--exit-code")


def test_nobody_else_is_asked_for_the_tutorials_own_conventions() -> None:
    asked = {name for name, practice in PRACTICES.items() if practice.concerns_everybody(frozenset({"compose"}))}
    assert {"graceful-stop", "non-root", "bounded", "single-stage"} <= asked
    assert not asked & {
        "any-layout", "says-what-is-missing", "configured-by-env", "bad-config-refused", "workers-fit-limits",
        "keeps-data", "static-assets", "rolls-without-loss", "local-only",
    }  # fmt: skip
    assert {practice.weight for practice in PRACTICES.values()} == set(WEIGHTS)


def test_every_practice_has_a_folder_that_teaches_it_and_every_thing_a_reason() -> None:
    names = {folder.name for folder in tutorial.load()}
    assert {taught_by(name) for name in PRACTICES} <= names
    assert {practice.needs for practice in PRACTICES.values() if practice.needs} == set(NEEDS)
    assert remark("non-root") == ""


def test_a_practice_that_no_folder_teaches_yet_is_shown_all_the_same() -> None:
    new = replace(PRACTICES["non-root"], id="no-world-writable-tmp")
    result = Result(new, Answer("violated", "seen"), taught_by(new.id), ("look",))
    for as_ in (report.as_text, report.as_markdown, report.as_html, report.as_sarif):
        assert "no folder yet" in as_(PREPARED, [result])


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
        (Violation("a name", weight="taste"), Answer("violated", "a name", (), "taste")),
        (NotAsked("why"), Answer("not asked", "why")),
        (ValueError("strange\nbroken"), Answer("not asked", "could not be asked: ValueError: broken")),
        (CalledProcessError(1, "x", stderr="why\n"), Answer("not asked", "could not be asked: why")),
    ],
)
def test_an_answer(raised: Exception | None, answer: Answer) -> None:
    def check(_: Subject) -> None:
        if raised:
            raise raised

    assert ask(Practice("x", "build", "", check, "cost", False, False, False, None), SUBJECT) == answer
    not_there = Practice("x", "build", "", check, "cost", False, False, False, "version")
    stranger = Subject("shop", Path(), has=frozenset())
    assert ask(not_there, stranger) == Answer("not asked", NEEDS["version"])
