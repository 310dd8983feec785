"""final's five files: what their article says of them, and what they say of themselves."""

import re

import pytest

from library.tutorial import FINAL_FILES, ROOT

FINAL = ROOT / "final"
ARTICLE = (FINAL / "README.md").read_text()


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    read = set(
        re.findall(
            r'(?:setting|number|choice|environ\.get)\(["\']([A-Z_]+)["\']', (FINAL / "gunicorn.conf.py").read_text()
        )
    )
    table = ARTICLE.partition("### Settings")[2].partition("\n## ")[0]
    documented = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall("`(.*?)`", row)
    }
    assert documented == read


@pytest.mark.parametrize("file", FINAL_FILES)
def test_the_article_shows_every_line(file: str) -> None:
    shown = set(ARTICLE.splitlines())
    assert [line for line in (FINAL / file).read_text().splitlines() if line.strip() and line not in shown] == []


def test_files_name_their_version_and_the_change_log_has_it() -> None:
    named = [
        re.match(r'.*"Dockerizing Python, step by step", final, (\d+\.\d+)', (FINAL / file).read_text())
        for file in FINAL_FILES
    ]
    versions = {found and found[1] for found in named}
    newest = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert versions == {newest}
