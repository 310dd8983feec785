"""The drawings show what the files say."""

from library.tutorial import load
from website import drawings

STAGES = """
FROM python:3.14 AS build
RUN pip install --target /packages flask

FROM python:3.14-slim
COPY --from=build --chown=1:1 /packages /wheels /app/
RUN --mount=type=bind,from=ghcr.io/astral-sh/uv:1,source=/uv,target=/bin/uv --mount=type=cache,target=/c uv --version
COPY --from=build /etc/hosts /etc/
COPY . .
RUN python -m compileall .
"""


def test_stages_and_what_leaves_them() -> None:
    drawn = drawings.stages(STAGES)
    assert 'image0(["python:3.14"])' in drawn
    assert 'stage1["the last stage<br>becomes the image"]:::image' in drawn
    assert [line.strip() for line in drawn.splitlines() if "=>" in line or "->" in line] == [
        "image0 ==> stage0",
        "image2 ==> stage1",
        'stage0 -- "/packages /wheels<br>/etc/hosts" --> stage1',
        'image3 -- "/uv" --> stage1',
    ]


def test_a_change_of_the_code_runs_what_follows_the_copy() -> None:
    drawn = drawings.layers({"one": STAGES})
    shown = [line.strip() for line in drawn.splitlines() if "<br>" in line]
    assert [line.rpartition(":::")[2] for line in shown] == ["kept", "kept", "kept", "kept", "again", "again"]
    assert shown[4] == 'g0_4["COPY . .<br>runs again"]:::again'


def test_the_map_shows_each_folder_and_what_it_builds_on() -> None:
    folders = load()
    drawn = drawings.folder_map(folders)
    assert drawn.count("<br>") == len(folders)
    assert drawn.count("-->") == sum(len(folder.builds_on) for folder in folders)
    assert "step_4_nontrivial --> extra_2_caching" in drawn
