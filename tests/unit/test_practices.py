"""Practices that only read files, asked of files that are written here."""

from pathlib import Path

import pytest

from library.practices import PRACTICES, Violation
from library.subject import Subject

PINNED = """FROM python:3.14-slim-trixie
COPY --from=ghcr.io/astral-sh/uv:0.13.8 /uv /bin/
RUN pip install poetry==2.5.1
"""


@pytest.mark.parametrize(
    ("pinned", "loose"),
    [
        ("python:3.14-slim-trixie", "python:3.14-slim"),
        ("/uv:0.13.8 ", "/uv:latest "),
        ("/uv:0.13.8 ", "/uv:python3.14-trixie-slim "),
        ("poetry==2.5.1", "poetry"),
    ],
)
def test_a_tool_without_a_version_is_noticed(tmp_path: Path, pinned: str, loose: str) -> None:
    assert pinned in PINNED
    (tmp_path / "Dockerfile").write_text(PINNED.replace(pinned, loose))
    with pytest.raises(Violation):
        PRACTICES["pinned-tools"].check(Subject("loose", tmp_path))


@pytest.mark.parametrize("pinned", [":0.13.8", ":0.13.8@sha256:ab", "@sha256:ab"])
def test_tools_with_a_version_or_a_digest(tmp_path: Path, pinned: str) -> None:
    (tmp_path / "Dockerfile").write_text(PINNED.replace(":0.13.8", pinned))
    PRACTICES["pinned-tools"].check(Subject("pinned", tmp_path))
