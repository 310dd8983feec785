"""What the stand-in for Python's image finds out about the package index, with indexes of several kinds."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from library.tutorial import ROOT

PAGE, VERSION = "/simple/pip/", "/pypi/pip/1.2/json"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"
JSON, HTML = json.dumps({"files": [], "urls": []}), "<!DOCTYPE html><a href=pip-1.2.tar.gz>pip</a>"


@contextmanager
def index(answers: dict[str, str]) -> Iterator[str]:
    """An index that answers for some paths and says 404 for the others; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path, "")
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", JSON_TYPE if answer == JSON else "text/html")
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class calls it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # It looks every 10 ms whether it shall end; half a second otherwise.
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def finished(folder: Path, address: str, **environment: str) -> str:
    """The lines that the recipe adds where this is the default index."""
    package = folder / "pip/_internal/models"
    package.mkdir(parents=True)
    for path in (package, *package.parents[:2]):
        (path / "__init__.py").write_text('__version__ = "1.2"\n')
    addresses = f'    simple_url, pypi_url = "{address}/simple", "{address}/pypi"\n'
    (package / "index.py").write_text(f"class PyPI:\n{addresses}")
    script = ROOT / "bootstrap/recipes/python.finish.sh"
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **environment}
    return subprocess.run(["sh", script], env=given, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("answers", "needed"),
    [
        ({PAGE: JSON, VERSION: JSON}, False),
        ({PAGE: HTML}, True),
        ({PAGE: HTML, VERSION: JSON}, True),
        ({PAGE: JSON}, True),
    ],
    ids=["as-pypi", "html-alone", "html-and-versions", "no-versions"],
)
def test_poetry_gets_its_plugin_where_the_index_does_not_answer_it(
    answers: dict[str, str], needed: bool, tmp_path: Path
) -> None:
    with index(answers) as address:
        lines = finished(tmp_path, address)
        assert (f"ENV POETRY_PYPI_MIRROR_URL={address}/simple/\n" in lines) == needed
        assert ("poetry-plugin-pypi-mirror" in lines) == needed


def test_another_index_than_the_default_one_is_the_plugins(tmp_path: Path) -> None:
    with index({PAGE: JSON, VERSION: JSON}) as address:
        lines = finished(tmp_path, address, PIP_INDEX_URL="http://elsewhere.invalid/simple")
        assert "ENV POETRY_PYPI_MIRROR_URL=http://elsewhere.invalid/simple/\n" in lines


def test_without_an_index_nothing_is_installed(tmp_path: Path) -> None:
    with index({}) as address:
        pass
    assert "plugin" not in finished(tmp_path, address)


def test_a_digest_is_no_part_of_a_stand_ins_name(tmp_path: Path) -> None:
    digest = "sha256:" + 64 * "0"
    images = f"  a: {{}}\n    image: ghcr.io/shop/a:v1.2@{digest}\n    image: shop/b@{digest}\n"
    (tmp_path / "compose.yaml").write_text(f"services:\n{images}")
    command = [str(ROOT / "bootstrap/bases.sh"), "--list", str(tmp_path)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["ghcr.io/shop/a:v1.2", f"shop/b@{digest}"]
