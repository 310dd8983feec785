"""`GET /version` names the commit, the build's time, Python and Django; a new commit installs nothing again."""

import os
import secrets
from unittest.mock import patch

from ... import locks
from .. import Sabotage, Subject, Violation, practice


@practice("unnoticed", slow=True, builds=True, needs="version")
def check(subject: Subject) -> None:
    arguments = {"GIT_COMMIT": secrets.token_hex(20), "BUILD_TIME": "2026-11-20T12:00:00Z"}
    by_hand = "GIT_COMMIT=$(git rev-parse HEAD) docker compose up --build --detach; {curl} {address}/version"
    if (status := subject.shared_container().get("/version").status_code) != 200:
        raise Violation(f"GET /version: {status}", by_hand)
    with patch.dict(os.environ, arguments), subject.copied("with build arguments") as copy:
        answer = copy.shared_container().get("/version")
        expected = {
            "commit": arguments["GIT_COMMIT"],
            "built": arguments["BUILD_TIME"],
            "python": copy.shared_container().python("import platform; print(platform.python_version())"),
            "django": locks.versions(copy.source)["django"],
        }
        if answer.json() != expected:
            raise Violation(f"{answer.json()} instead of {expected}", by_hand)
        os.environ["GIT_COMMIT"] = secrets.token_hex(20)
        again = copy.build().ran
        if len(again) > 1:  # the file is written
            raise Violation(f"with another commit ran again: {'; '.join(again)}", "GIT_COMMIT=1 docker compose build")


TURNS_RED = [Sabotage("a commit that nobody passes on", "step-5-larger/compose.yaml", r" +GIT_COMMIT: .*\n", "")]
