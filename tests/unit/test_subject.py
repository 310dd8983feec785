"""A folder under test and its copies."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from library import subject
from library.subject import Subject
from library.tutorial import ROOT


def test_a_copy_is_built_from_a_folder_of_another_name_and_called_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder keeps what it is sent under the folder's name, and compares the next folder of that name to it."""
    monkeypatch.setattr(subject, "SCRATCH", tmp_path)
    (tmp_path / "shop").mkdir()
    shop = Subject("shop", tmp_path / "shop")
    with shop.copied("once") as once, shop.copied("twice") as twice, twice.copied("again") as again:
        assert len({each.source.name for each in (shop, once, twice, again)}) == 4
        assert {each.folder for each in (shop, once, twice, again)} == {"shop"}
        assert again.by_hand("docker compose build") == shop.by_hand("docker compose build")


def test_commands_by_hand_name_what_compose_and_curl_do_not_know() -> None:
    shop = Subject("shop", Path("/shop"), service="site", profile="", compose_file="deploy/prod.yml", published=9000)
    shop = replace(shop, page="/about", host="shop.example.org")
    curl = "curl --header 'Host: shop.example.org'"
    commands = ("docker compose exec {service} id", "{curl} {url}; {curl} {address}/health", "echo ${PORT}")
    assert shop.by_hand(*commands) == (
        "cd shop",
        "export COMPOSE_FILE=deploy/prod.yml",
        "docker compose exec site id",
        f"{curl} localhost:9000/about; {curl} localhost:9000/health",
        "echo ${PORT}",
    )


def texts(file: Path) -> Iterator[str]:
    """The texts in a practice but for its sabotages, with … where an f-string has a value."""
    module = ast.parse(file.read_text())
    module.body = [statement for statement in module.body if not ast.unparse(statement).startswith("TURNS_RED")]
    for node in ast.walk(module):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        if isinstance(node, ast.JoinedStr | ast.Constant):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


@pytest.mark.parametrize("file", sorted((ROOT / "tests/library/practices").rglob("*.py")), ids=lambda file: file.stem)
def test_practices_leave_open_what_another_subject_has_in_another_way(file: Path) -> None:
    for text in texts(file):
        if re.search(r"docker compose |curl", text):
            assert not re.search(r"[ =]web\b|localhost:8000|\bcurl -", text), "{service}, {url}, {curl}"
            assert set(re.findall(r"\{(\w+)\}", text)) <= {"service", "port", "url", "address", "curl"}, text
