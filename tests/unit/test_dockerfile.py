"""A Dockerfile as objects, and a builder's output as what it did."""

import pytest

from library.buildlog import BRINGS, Build
from library.dockerfile import Dockerfile

TEXT = """
ARG UNUSED=1
# FROM commented:1
FROM --platform=$BUILDPLATFORM python:3.14-trixie AS export
RUN one && \\
    # a comment between two lines
    two

FROM python:3.14-slim-trixie AS base
ENV A=1
FROM base AS production
COPY --from=export /a /b
FROM production
"""


def test_stages_their_images_and_what_the_last_one_is_made_of() -> None:
    dockerfile = Dockerfile(TEXT)
    assert [(stage.base, stage.name) for stage in dockerfile.stages] == [
        ("python:3.14-trixie", "export"),
        ("python:3.14-slim-trixie", "base"),
        ("base", "production"),
        ("production", ""),
    ]
    assert dockerfile.images == ["python:3.14-trixie", "python:3.14-slim-trixie"]
    assert dockerfile.base_image == "python:3.14-slim-trixie"
    assert [stage.name for stage in dockerfile.last_stages] == ["base", "production", ""]
    assert dockerfile.stages[0].instructions == ("RUN one && two",)


def test_arguments_targets_and_here_documents() -> None:
    text = """ARG VERSION=3.14
ARG BASE=python:${VERSION}-slim
FROM ${BASE} AS base
RUN <<END
from pathlib import Path
END
FROM $BASE AS test
FROM python:${OTHER:-3.13}
"""
    assert Dockerfile(text).images == ["python:3.14-slim", "python:3.14-slim", "python:3.13"]
    assert Dockerfile(text).base_image == "python:3.13"
    assert Dockerfile(text, target="test").base_image == "python:3.14-slim"
    assert Dockerfile(text, arguments={"VERSION": "3.13", "OTHER": "3.12"}).images[0] == "python:3.13-slim"
    given = "ARG PYTHON SUITE='trixie'\nFROM python:$PYTHON-$SUITE\n"  # without a default: compose says it
    assert Dockerfile(given, arguments={"PYTHON": "3.14"}).base_image == "python:3.14-trixie"


def test_images_that_instructions_take_files_from() -> None:
    text = """FROM python:3.14-slim AS base
COPY --chown=1:1 --from=example.org/a:1 /a /b
COPY --from=0 /c /d
FROM scratch AS nothing
RUN --mount=from=b:2,source=/b,target=/b --mount=type=bind,from=base,target=/base uvx --from=c c
RUN --mount=type=bind,from=d:4@sha256:ab,target=/d \\
    true
"""
    assert Dockerfile(text).images == ["python:3.14-slim", "example.org/a:1", "b:2", "d:4@sha256:ab"]


def test_a_stage_that_is_no_image_must_be_there() -> None:
    with pytest.raises(IndexError):
        _ = Dockerfile("ARG A=1\n").base_image


@pytest.mark.parametrize("stage", ["web 2/3", "2/3"])
def test_what_ran_in_a_build(stage: str) -> None:
    """BuildKit 0.13 with Compose names the service, later ones do not."""
    log = f"""#5 [{stage}] RUN pip install --require-hashes -r requirements.txt
#5 1.20 Downloading flask-3.1.0-py3-none-any.whl (102 kB)
#5 1.30 Downloading wheels/Markup_Safe-3.0-cp314-cp314-linux.whl.metadata (1 kB)
#6 [{stage.replace("2/3", "3/3")}] COPY . .
#6 CACHED
"""
    build = Build(log)
    assert build.ran == ["RUN pip install --require-hashes -r requirements.txt"]
    assert build.downloads() == {"flask"}


def test_an_instruction_that_installs_the_project_alone() -> None:
    log = """#5 [2/3] RUN uv sync --locked
#5 1.20 Installed 1 package in 2ms
#6 [3/3] RUN pip install .
#6 1.30 Successfully installed click-8.5.0 shop-1.0
"""
    build = Build(log)
    assert build.installs_one("RUN uv sync --locked")
    assert not build.installs_one("RUN pip install .")
    assert not build.installs_one("RUN poetry install")


@pytest.mark.parametrize(
    ("instruction", "brings"),
    [
        ("COPY --from=build /venv /venv", True),
        ("COPY --chown=1000:1000 --from=build /app/.venv /app/.venv", True),
        ("COPY --from=frontend /app/dist dist", False),
        ("COPY venv.txt ./", False),
    ],
)
def test_an_instruction_that_brings_what_another_stage_has_installed(instruction: str, brings: bool) -> None:
    assert bool(BRINGS.search(instruction)) == brings


def test_downloads_of_a_build_that_installs_nothing_are_not_none() -> None:
    with pytest.raises(RuntimeError, match="nothing was installed"):
        Build("#5 [1/1] COPY . .\n").downloads()
