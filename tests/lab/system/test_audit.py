"""`make audit` finds what the service knows, and never takes silence for safety.

The service here answers as OSV's does, with one advisory. Not tried where this was written: PyPI's and OSV's own.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.audit import KNOWN, Pin
from library import locks
from library.tutorial import ROOT

pytestmark = pytest.mark.xdist_group("audit")  # one environment of the tool, made once


@contextmanager
def service(*vulnerable: Pin) -> Iterator[str]:
    """The address of an advisory service that knows one vulnerability of each of these versions."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, version = asked["package"]["name"], asked["version"]
            affected = {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
                "versions": [version],
            }
            known = {"id": "PYSEC-0000-1", "aliases": ["CVE-0000-1"], "summary": "bad", "affected": [affected]}
            answer = json.dumps({"vulns": [known]} if (name, version) in vulnerable else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.fixture(scope="module", autouse=True)
def _tool() -> None:
    subprocess.run(["make", "--silent", ".venv-audit/ready"], cwd=ROOT, check=True)


def audit(url: str) -> tuple[int, str, str]:
    """Run it; return the exit code and what it printed."""
    command = [sys.executable, "-m", "lab.audit", "--osv-url", url]
    ran = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def test_a_vulnerable_version_is_named_with_its_files() -> None:
    pin = "click", locks.versions(ROOT / "final")["click"]
    with service(KNOWN, pin) as url:
        code, printed, _ = audit(url)
    assert code == 1
    (line,) = (line for line in printed.splitlines() if line.startswith("click=="))
    assert "PYSEC-0000-1, CVE-0000-1; repaired in 99.1; in " in line
    named = {Path(file) for file in line.partition("; in ")[2].split(", ")}
    assert {Path("final/poetry.lock"), Path("final/requirements.txt")} <= named


@pytest.mark.thorough
def test_nothing_known_is_said_of_every_lock() -> None:
    with service(KNOWN) as url:
        code, printed, errors = audit(url)
    assert (code, errors) == (0, "")
    files = [file for file in (*ROOT.glob("*/poetry.lock"), ROOT / "poetry.lock") if ".venv" not in str(file)]
    assert len(files) >= 9
    assert int(printed.split(" in ")[1].split()[0]) > len(files)
    assert printed.endswith(" files: 0 with a known vulnerability\n")


@pytest.mark.thorough
def test_a_service_that_knows_nothing_is_not_believed() -> None:
    with service() as url:
        code, printed, errors = audit(url)
    assert (code, printed) == (2, "")
    assert errors == "audit: the advisory service knows nothing about jinja2==2.10, which has vulnerabilities\n"


def test_a_service_that_cannot_be_reached_is_one_line() -> None:
    with service() as gone:
        pass
    ran = subprocess.run(["make", "audit", f"OSV_URL={gone}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    ours = [line for line in ran.stderr.splitlines() if not line.startswith("make")]
    assert len(ours) == 1
    assert ours[0].startswith("audit: the advisory service cannot be reached: ")
