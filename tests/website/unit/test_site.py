"""What the site makes of a page and of the folders' files; system/test_site.py builds it and looks at it."""

import re
import socket

import pytest

from library.tutorial import ROOT
from score.addresses import Source, web_address
from website import links, site

WHERE = Source("https://example.com/me/tutorial", "0123abc")
NOWHERE = Source("", "")


def test_every_page_is_on_the_site_once() -> None:
    missing = {str(page.relative_to(ROOT)) for page in links.PAGES} - set(site.PAGES)
    assert not missing, "navigation() in website/site.py names no such page; a folder comes from tutorial.toml"
    assert len(site.PAGES) == len(set(site.PAGES))
    pages = site.PAGES[1 : 1 + len(site.FOLDERS)]
    assert list(site.FOLDERS) == [page.removesuffix("/README.md") for page in pages], "in reading order"


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("README.md", "[a](final/README.md#traps)", "[a](final/index.md#traps)"),
        ("final/README.md", "[a](../README.md) [b](../assets/README.md)", "[a](../index.md) [b](../assets/index.md)"),
        ("final/README.md", "[a `[b]`](Dockerfile)", "[a `[b]`](https://example.com/me/tutorial/blob/0123abc/final/Dockerfile)"),
        ("tests/README.md", "[a](library)", "[a](https://example.com/me/tutorial/tree/0123abc/tests/library)"),
        ("README.md", "[a](final)", "[a](final/index.md)"),
        ("README.md", "[a\nb](https://example.org) [c](#d)", "[a\nb](https://example.org) [c](#d)"),
        ("assets/README.md", "![a](sizes.svg)", "![a](sizes.svg)"),
        ("README.md", "```text\n[a](final)\n```\n", "```text\n[a](final)\n```\n"),
    ],
)  # fmt: skip
def test_a_link_leads_to_a_page_or_to_the_repository(page: str, text: str, expected: str) -> None:
    assert site.staged(page, text, WHERE) == expected


def test_without_a_repository_a_file_has_no_link_and_a_dead_link_is_named() -> None:
    assert site.staged("final/README.md", "[`Dockerfile`](Dockerfile)", NOWHERE) == "`Dockerfile`"
    with pytest.raises(site.Unbuildable, match=r"final/README.md: there is no nowhere.txt"):
        site.staged("final/README.md", "[a](nowhere.txt)", WHERE)


def generated(call: str, text: str = "```text\nx\n```") -> str:
    return f"<!-- [[[cog from website import pages; {call} ]]] -->\n{text}\n<!-- [[[end]]] -->\n"


def test_a_file_has_its_switch_where_a_page_first_shows_it() -> None:
    page = "# Title\n\n" + "".join(
        generated(call)
        for call in (
            'pages.navigation("step-3-basic")',
            'pages.diff("step-3-basic")',
            'pages.file("step-3-basic/Dockerfile", "dockerfile")',
            'pages.part("step-3-basic/.dockerignore", "text", "a", "b")',
            'pages.file("step-1-kiss/hello/main.py", "python")',
            'pages.adds("step-3-basic")',
        )
    )
    made = site.staged("step-3-basic/README.md", page, WHERE)
    assert "cog" not in made
    assert re.findall(r'data-file="([^"]*)" data-shows="(\w+)" data-before="([^"]*)" data-views="([^"]*)"', made) == [
        ("step-3-basic/Dockerfile", "changed", "step-2-poetry/Dockerfile", "changed whole matters"),
        ("step-3-basic/.dockerignore", "here", "", "whole matters"),
    ]
    assert made.count("```text") == 5, "the navigation is made anew"
    assert '# Title\n\n<p class="road">Builds on <a href="../step-2-poetry/index.html">step 2</a>.' in made
    assert '<a href="../compare.html#step-2-poetry..step-3-basic">' in made


def test_search_knows_a_practice_by_its_name_and_by_parts_of_it() -> None:
    words = site.Words({}).split("`read-only-rootfs` As compose -- starts")
    assert words == [
        "read", "read-only", "only", "read-only-rootfs", "only-rootfs", "rootfs", "As", "compose", "starts",
    ]  # fmt: skip


def test_a_drawing_is_left_to_the_browser() -> None:
    text = '```mermaid\nflowchart LR\na["b<br>c"] --> d\n```\n'
    expected = '<pre class="mermaid">\nflowchart LR\na["b&lt;br&gt;c"] --&gt; d\n</pre>\n'
    assert site.staged("README.md", text, WHERE) == expected


def test_a_reason_is_the_comment_above_or_what_turned_red_without_the_line() -> None:
    file = ROOT / "step-3-basic/Dockerfile"
    lines = file.read_text().splitlines()
    reasons = {lines[number]: why for number, why in site.reasons(file).items()}
    assert reasons["COPY pyproject.toml poetry.lock ./"][0].startswith("What changes rarely comes first.")
    assert reasons["FROM python:3.14-trixie"][1].startswith("Without it, or with less: <code>pinned-tools</code>: ")
    assert not any(line.startswith("#") or not line for line in reasons)
    assert site.reasons(ROOT / "step-1-kiss/requirements.txt") == {}


def test_what_two_folders_are_compared_by() -> None:
    data = site.compared()
    folders = data["folders"]
    assert list(folders) == list(site.FOLDERS)
    assert (folders["step-2-poetry"]["practices"]["cached-dependencies"], folders["final"]["short"]) == ("no", "final")
    assert "migrates-on-start" not in folders["final"]["practices"], "it has no database"
    assert folders["step-5-larger"]["gives_up"].keys() == {"single-stage"}, "given up in step 4"
    assert "single-stage" not in folders["extra-3-precommit"]["gives_up"], "it has the one stage again"
    assert data["practices"]["non-root"]["folder"] == "step-4-nontrivial"
    files = folders["step-2-poetry"]["files"]
    assert list(files)[:2] == ["Dockerfile", "compose.yaml"]
    assert files["poetry.lock"].keys() == {"digest"}
    assert "README.md" not in files
    assert len(files["Dockerfile"]["lines"]) == len((ROOT / "step-2-poetry/Dockerfile").read_text().splitlines())


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/me/tutorial.git", "https://github.com/me/tutorial"),
        ("https://me:token@github.com/me/tutorial", "https://github.com/me/tutorial"),
        ("git@github.com:me/tutorial.git", "https://github.com/me/tutorial"),
        ("ssh://git@git.example.org/me/tutorial/", "https://git.example.org/me/tutorial"),
        ("/srv/tutorial.git", ""),
        ("file:///srv/tutorial", ""),
        ("", ""),
    ],
)
def test_the_page_of_a_repository(remote: str, address: str) -> None:
    assert web_address(remote) == address


def test_a_port_that_is_taken_is_named_and_only_this_machine_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(site.Unbuildable, match=rf"^port {port}: .* in use; PORT=9000 names another one$"):
            site.server(ROOT, port)
    with site.server(ROOT, 0) as server:
        assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(site.Unbuildable, match="port 70000"):
        site.server(ROOT, 70000)
