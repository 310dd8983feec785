"""`docker build --target test` runs the app's tests, and a test that fails stops it."""

import re
import secrets

from ... import edits
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..canaries import CANARY_TEST


@practice("unnoticed", slow=True, builds=True, needs="test-stage")
def check(subject: Subject) -> None:
    by_hand = "docker build --target test ."
    if "test" not in subject.parsed.stage_names:
        raise Violation("no stage is called test", by_hand)
    canary = f"test_{secrets.token_hex()}"  # never built before, so never cached
    with subject.copied("with one more test", target="test") as copy:
        more = copy.source / "tests/test_canary.py"
        if not more.parent.is_dir():
            raise NotAsked("there is no folder tests to put one more test into")
        more.write_text(CANARY_TEST.format(name=canary, outcome=True))
        edits.close_to_others(copy)
        ran = re.findall(r"(\d+) passed|Ran (\d+) test", copy.build().output)
        if sum(int(passed or count) for passed, count in ran) < 2:  # this one, and one of the project's
            raise Violation("the build runs no tests", by_hand)
        more.write_text(CANARY_TEST.format(name=canary, outcome=False))
        if not (stopped := copy.stopped_build()):
            raise Violation("a test fails and the build goes on", by_hand)
        if not re.search(rf"FAIL.*{canary}", stopped.output):
            raise Violation(f"the build stops, but does not name the test that fails:\n{stopped}", by_hand)


TURNS_RED = [
    Sabotage(
        "tests whose failures stop nothing", "step-5-larger/Dockerfile", r"(?<=--ds=tests\.sqlite_settings)", " || true"
    )
]
