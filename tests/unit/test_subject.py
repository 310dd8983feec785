"""A folder under test and its copies."""

from pathlib import Path

import pytest

from library import subject
from library.subject import Subject


def test_a_copy_is_built_from_a_folder_of_another_name_and_called_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder keeps what it is sent under the folder's name, and compares the next folder of that name to it."""
    monkeypatch.setattr(subject, "SCRATCH", tmp_path)
    (tmp_path / "shop").mkdir()
    shop = Subject("shop", tmp_path / "shop")
    with shop.copied("once") as once, shop.copied("twice") as twice, twice.copied("again") as again:
        assert len({found.source.name for found in (shop, once, twice, again)}) == 4
        assert {found.folder for found in (shop, once, twice, again)} == {"shop"}
        assert again.by_hand("docker compose build") == shop.by_hand("docker compose build")


def test_commands_by_hand_name_what_compose_and_curl_do_not_know() -> None:
    shop = Subject(
        "shop", Path("/shop"), service="site", profile="", compose_file="deploy/prod.yml", host="shop.example.org"
    )
    assert shop.by_hand("docker compose exec web id", "curl localhost:8000").split("\n  ") == [
        "cd shop",
        "export COMPOSE_FILE=deploy/prod.yml",
        "docker compose exec site id",
        "curl --header 'Host: shop.example.org' localhost:8000",
    ]
