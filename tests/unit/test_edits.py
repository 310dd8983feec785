"""Changes of a copy, in the lists that strangers have."""

from pathlib import Path

import pytest

from library import edits
from library.engine import NotAsked
from library.repository import write_files
from library.subject import Subject


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("flask\n", "flask\nclick==8.5.0\n"),
        ("flask==3.1.0\nclick==8.1.0 ; python_version > '3'\n", "flask==3.1.0\nclick==8.5.0 ; python_version > '3'\n"),
    ],
)
def test_a_plain_list_gets_another_version(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "requirements.txt").write_text(before)
    assert edits.change_dependency(Subject("shop", tmp_path)) == "click"
    assert (tmp_path / "requirements.txt").read_text().partition("\n\n#")[0].strip() == after.strip()


def test_nothing_that_can_be_changed_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotAsked, match="there is neither"):
        edits.change_dependency(Subject("shop", tmp_path))
    (tmp_path / "requirements.txt").write_text("flask==3.1.0 \\\n    --hash=sha256:00\n")
    with pytest.raises(NotAsked, match="none of them is locked"):
        edits.change_dependency(Subject("shop", tmp_path))
    with pytest.raises(NotAsked, match="no module of the app"):
        edits.a_module(Subject("shop", tmp_path))


def test_the_module_that_is_changed_is_the_apps_own(tmp_path: Path) -> None:
    names = ("setup.py", "tests/test_shop.py", ".venv/lib/flask.py", "shop/views.py")
    write_files(tmp_path, dict.fromkeys(names, "x = 1\n") | {"shop/__init__.py": ""})
    assert edits.a_module(Subject("shop", tmp_path)) == tmp_path / "shop/views.py"
