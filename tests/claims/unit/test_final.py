"""final's five files: what its two pages say of them, and what they say of themselves."""

import difflib
import re
import runpy
from pathlib import Path

import pytest
import yaml

from library.dockerfile import Dockerfile
from library.markdown import blocks
from library.repository import files
from library.tutorial import FINAL_FILES, ROOT, Folder, load

FINAL = ROOT / "final"
REFERENCE = (ROOT / "reference-final/README.md").read_text()
SHOWN = (FINAL / "README.md").read_text() + REFERENCE


def documented(page: str) -> list[tuple[list[str], list[str]]]:
    """The rows of the table of settings: their names, and their defaults."""
    table = page.partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", table, re.MULTILINE)
    return [(re.findall("`(.*?)`", names), defaults.split(", ")) for names, defaults in rows]


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    read = set(re.findall(r"environ\.get\([\"']([A-Z_]+)[\"']\)", (FINAL / "gunicorn.conf.py").read_text()))
    assert {name for names, _ in documented(REFERENCE) for name in names} == read


def wrong_defaults(page: str) -> list[str]:
    """What the table of settings says otherwise than gunicorn.conf.py, where it says a value and not words."""
    settings = (FINAL / "gunicorn.conf.py").read_text()
    wrong = []
    for names, defaults in documented(page):
        for name, said in zip(names, defaults, strict=False):
            read = re.search(rf"environ\.get\([\"']{name}[\"']\) or \"?([\w.:]+)", settings)
            if read and re.match(r"[`\d]", said):  # the others are said in words
                allowed = re.findall("`(.*?)`", said) or [said.removesuffix(" s")]
                if read[1] not in allowed:
                    wrong.append(f"{name} is {read[1]} by default, and the page says {said}")
    return wrong


def test_the_table_of_settings_has_the_defaults() -> None:
    assert wrong_defaults(REFERENCE) == []
    assert wrong_defaults(REFERENCE.replace("| `TIMEOUT` | 30 s |", "| `TIMEOUT` | 60 s |")) == [
        "TIMEOUT is 30 by default, and the page says 60 s"
    ]


@pytest.mark.parametrize(("accesslog", "logged"), [(None, False), ("-", True)])
def test_json_logs_have_requests_where_access_log_says_so(accesslog: str | None, logged: bool, tmp_path: Path) -> None:
    """Given a logconfig_dict, gunicorn logs each request at INFO, whatever accesslog says."""
    [recipe] = blocks(REFERENCE, "JSON logs", "python")
    (tmp_path / "recipe.py").write_text(recipe)
    settings = runpy.run_path(str(tmp_path / "recipe.py"), {"accesslog": accesslog, "loglevel": "info"})
    assert (settings["logconfig_dict"]["loggers"]["gunicorn.access"]["level"] == "INFO") == logged


@pytest.mark.parametrize("file", FINAL_FILES)
def test_the_pages_show_every_line(file: str) -> None:
    shown = set(SHOWN.splitlines())
    assert [line for line in (FINAL / file).read_text().splitlines() if line.strip() and line not in shown] == []


def test_files_name_their_version_and_the_change_log_has_it() -> None:
    newest = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    for file in FINAL_FILES:
        assert re.match(rf'.*"Dockerizing Python, step by step", final, {newest}\b', (FINAL / file).read_text()), file


@pytest.mark.parametrize("extra", [folder for folder in load() if folder.builds_on == ("final",)], ids=lambda f: f.name)
def test_what_builds_on_final_only_adds_to_its_files(extra: Folder) -> None:
    def lines(folder: Path, file: str) -> list[str]:
        return (folder / file).read_text().splitlines()[file != "gunicorn.conf.py" :]  # without the title

    assert lines(extra.path, "gunicorn.conf.py") == lines(FINAL, "gunicorn.conf.py")
    for file in ("Dockerfile", ".dockerignore"):
        here = iter(lines(extra.path, file))
        assert all(line in here for line in lines(FINAL, file)), file  # in this order, too
    other = starting(FINAL) - starting(extra.path)
    assert not other, "it starts something else: let `is_daily` in tests/library/matrix.py ask it everything"


def starting(folder: Path) -> set[str]:
    """What decides, besides the app's own files, what its container is like: its service, the stages of its image."""
    service = yaml.safe_load((folder / "compose.yaml").read_text())["services"]["web"] | {"develop": None}
    return {str(service), *map(str, Dockerfile((folder / "Dockerfile").read_text()).stages)}


@pytest.mark.parametrize("extra", [folder for folder in load() if folder.builds_on == ("final",)], ids=lambda f: f.name)
def test_what_builds_on_final_carries_its_app(extra: Folder) -> None:
    """All files but those that a lesson adds to, and Poetry's, where the main list stays the same."""
    own = {"README.md", "Dockerfile", ".dockerignore", "pyproject.toml", "poetry.lock", "requirements-dev.txt"}
    if extra.name == "extra-4-developing":
        own.add("compose.yaml")
    different = []
    for file in {str(path) for path in files(FINAL)} - own:
        text = (FINAL / file).read_text().replace('"final"', f'"{extra.name}"')
        if text.splitlines()[1:] != (extra.path / file).read_text().splitlines()[1:]:  # without the title
            different.append(file)
    assert not different, f"{extra.name}: leave {', '.join(sorted(different))} as in final; a lesson adds files"


def test_final_fits_one_screen_and_builds_on_what_was_taught() -> None:
    """Its files do not grow again; `extra-2-caching` is the folder that its Dockerfile is nearest to."""
    lines = {name: (FINAL / name).read_text().splitlines() for name in FINAL_FILES}
    assert len(lines["Dockerfile"]) <= 45
    assert max(map(len, lines["Dockerfile"])) <= 110
    assert sum(map(len, lines.values())) <= 220
    before = (ROOT / "extra-2-caching/Dockerfile").read_text().splitlines()
    old, new = (
        [line for line in text if line.strip(" #") and line[0] != "#"] for text in (before, lines["Dockerfile"])
    )
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assert sum(max(b - a, d - c) for what, a, b, c, d in changes if what != "equal") <= 25
