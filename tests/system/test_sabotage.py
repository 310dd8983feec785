"""The checks can fail: one change in a folder turns the practices red that it breaks, and no others.

The others are those that look at the image or at one running container. Those that build again or start containers of
their own take a minute for each change: they are asked where they must notice it, and everywhere with ``--thorough``.
So are most changes made: the matrix shows every day that their practices fail one step earlier.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from library import tutorial
from library.engine import BuildFailed
from library.practices import PRACTICES, Violation
from library.subject import Subject

FOLDERS = {folder.name: folder for folder in tutorial.load()}


@dataclass(frozen=True)
class Sabotage:
    """A change of one file, and the practices that must notice it.

    Args:
        old: a regular expression that matches what is replaced.
        reachable_with: environment that lets the other practices reach the app.
    """

    what: str
    file: str
    old: str
    new: str
    breaks: set[str]
    folder: str = "step-4-nontrivial"
    reachable_with: Mapping[str, str] = field(default_factory=dict)


LARGER = "step-5-larger"

SABOTAGES = [
    Sabotage("USER removed", "Dockerfile", r"\nUSER .*", "", {"non-root"}),
    Sabotage("shell-form CMD", "Dockerfile", r"\nCMD .*", "\nCMD gunicorn hello.main:app", {"graceful-stop"}),
    Sabotage(
        "code copied before the dependencies",
        "Dockerfile",
        r"COPY --from=export .*",
        r"COPY . .\n\g<0>",
        {"cached-dependencies"},
    ),
    Sabotage("modes as in the folder", "Dockerfile", r"RUN chmod .*\n", "", {"readable-code"}),
    Sabotage("health check of a wrong path", "Dockerfile", "/health'", "/healthy'", {"healthcheck"}),
    Sabotage(".dockerignore emptied", ".dockerignore", r"[\s\S]+", "", {"lean-context"}),
    Sabotage(
        "hashes dropped and a dependency bumped",
        "Dockerfile",
        r"RUN pip install --require-hashes .*",
        r"RUN grep -oE '^[a-z]+==[^ ]+' requirements.txt | sed 's/click==.*/click<8.5/' > loose.txt"
        r" && pip install -r loose.txt",
        {"locked-dependencies", "verified-hashes"},
    ),
    Sabotage(
        "health check of one port only", "Dockerfile", r"os\.environ\.get\('PORT', '8000'\)", "'8000'", {"healthcheck"}
    ),
    Sabotage("PYTHONUNBUFFERED removed", "Dockerfile", "PYTHONUNBUFFERED=1 ", "", {"unbuffered-logs"}),
    Sabotage("PYTHONFAULTHANDLER removed", "Dockerfile", r"    PYTHONFAULTHANDLER=1 \\\n", "", {"crash-traceback"}),
    Sabotage(
        "bound to 127.0.0.1",
        "gunicorn.conf.py",
        r"0\.0\.0\.0",
        "127.0.0.1",
        {"answers-curl"},
        reachable_with={"HOST": "0.0.0.0"},
    ),
    Sabotage(
        "wheels in no cache mount",
        "Dockerfile",
        r"    --mount=type=cache,target=/wheels,sharing=locked \\\n",
        "",
        {"cached-downloads", "no-cache-in-image"},
        folder="extra-2-caching",
    ),
    Sabotage(
        "app not compiled",
        "Dockerfile",
        r"(?<=a\+rX \.) && python -m compileall -q --invalidation-mode checked-hash \.",
        "",
        {"precompiled"},
        folder="extra-2-caching",
    ),
    Sabotage(
        "standard library not compiled",
        "Dockerfile",
        r"RUN python -m compileall .*/python3\.14\n",
        "",
        {"precompiled"},
        folder="extra-2-caching",
    ),
    Sabotage(
        "export hook that writes elsewhere",
        ".pre-commit-config.yaml",
        r"export --output requirements\.txt",
        "export --output /dev/null",
        {"requirements-in-sync"},
        folder="extra-3-precommit",
    ),
    Sabotage(
        "read_only removed",
        "compose.yaml",
        r"  read_only: true\n",
        "",
        {"read-only-rootfs"},
        folder="final",
    ),
    Sabotage(
        "capabilities kept",
        "compose.yaml",
        r"  cap_drop: .*\n",
        "",
        {"no-capabilities"},
        folder="final",
    ),
    Sabotage(
        "a setting that nobody can set",
        "gunicorn.conf.py",
        r"number\(\"KEEP_ALIVE\", 5, least=0\)",
        "5",
        {"bad-config-refused", "configured-by-env"},
        folder="final",
    ),
    Sabotage(
        "as many workers as the machine has CPUs",
        "gunicorn.conf.py",
        r"workers_that_fit\(\)\)",
        "os.cpu_count())",
        {"workers-fit-limits"},
        folder="final",
    ),
    Sabotage(
        "commit not passed on",
        "compose.yaml",
        r" +GIT_COMMIT: .*\n",
        "",
        {"labelled"},
        folder="final",
    ),
    Sabotage(
        "bytecode with times",
        "Dockerfile",
        r"checked-hash \.",
        "timestamp .",
        {"repeatable-build"},
        folder="final",
    ),
    Sabotage(
        "modes as in the folder",
        "Dockerfile",
        r" && chmod -R a\+rX \.",
        "",
        {"readable-code"},
        folder="final",
    ),
    Sabotage(
        "health check of one port only",
        "Dockerfile",
        r"e\('PORT'\) or 8000",
        "8000",
        {"healthcheck"},
        folder="final",
    ),
    Sabotage(
        "a user without a group",
        "Dockerfile",
        r"USER 10001:10001(?=\n# Any)",
        "USER 10001",
        {"non-root"},
        folder="final",
    ),
    Sabotage(
        "memory not looked at",
        "gunicorn.conf.py",
        r"limit\(\"memory\.max\"\), limit\(\"memory/memory\.limit_in_bytes\"\), ",
        "2**60, ",
        {"workers-fit-limits"},
        folder="final",
    ),
    Sabotage(
        "tests left in",
        "Dockerfile",
        r" && rm -rf tests",
        "",
        {"no-tests-in-image"},
        folder="final",
    ),
    # What the larger project adds cannot be seen to fail in the folders before it, which have no database.
    Sabotage(
        "migrations without a lock",
        "src/guestbook/management/commands/prepare_database.py",
        r"cursor\.execute\(\"SELECT pg_advisory_lock.*",
        "",
        {"migrates-on-start"},
        LARGER,
    ),
    Sabotage(
        "the database in memory",
        "compose.yaml",
        r"volumes:\n      - db:(?=/var)",
        "tmpfs:\n      - ",
        {"keeps-data", "survives-database-restart"},
        LARGER,
    ),
    Sabotage(
        "no answer for an absent database",
        "src/config/settings.py",
        r".*DatabaseAway.*\n",
        "",
        {"survives-database-restart"},
        LARGER,
    ),
    Sabotage(
        "static files without hashes",
        "src/config/settings.py",
        "Manifest",
        "",
        {"static-assets"},
        LARGER,
    ),
    Sabotage(
        "modes as in the folder",
        "Dockerfile",
        r"chmod -R a\+rX \. && ",
        "",
        {"readable-code"},
        LARGER,
    ),
    Sabotage(
        "secrets not looked at",
        "src/config/settings.py",
        "if not DEVELOPMENT and",
        "if False and",
        {"refuses-default-secrets", "test-target"},  # the project's own tests see it, too
        LARGER,
    ),
]


def parameter(sabotage: Sabotage) -> Any:
    """A sabotage as a test; by default only where the matrix never sees its practices fail: they need a database."""
    marks = [pytest.mark.about(sabotage.folder)]
    if not any(PRACTICES[practice].needs for practice in sabotage.breaks):
        marks.append(pytest.mark.thorough)
    return pytest.param(sabotage, id=f"{sabotage.folder}:{sabotage.what.replace(' ', '-')}", marks=marks)


@pytest.mark.parametrize("sabotage", [parameter(sabotage) for sabotage in SABOTAGES])
def test_sabotage_is_seen_by_its_practices_alone(sabotage: Sabotage, request: pytest.FixtureRequest) -> None:
    folder = FOLDERS[sabotage.folder]
    seen = {}
    whole = Subject(folder.name, folder.path)
    with whole.copied(f"with {sabotage.what}", reachable_with=sabotage.reachable_with) as copy:
        file = copy.path / sabotage.file
        changed, count = re.subn(sabotage.old, sabotage.new, file.read_text())
        assert count == 1, f"{sabotage.old} is not in {sabotage.folder}/{sabotage.file} once: adapt the sabotage"
        file.write_text(changed)
        thorough = request.config.getoption("--thorough")
        for practice in sorted(folder.holds):
            if PRACTICES[practice].slow and practice not in sabotage.breaks and not thorough:
                continue
            try:
                PRACTICES[practice].check(copy)
            except (Violation, BuildFailed) as red:
                seen[practice] = str(red)
    assert seen.keys() == sabotage.breaks, seen
