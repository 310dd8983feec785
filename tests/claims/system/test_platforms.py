"""What extra 7's article says of its files besides its practices: schemas, and what a probe knows."""

import re
import socket
import subprocess
from collections import Counter
from dataclasses import replace

import httpx
import pytest
import yaml

from library import manifests
from library.engine import SCRATCH, wait_until
from library.manifests import Contract
from library.practices.contracts import FILES, as_contract, contracts, require_contracts
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-7-platforms")
FOLDER = Subject("extra-7-platforms", ROOT / "extra-7-platforms")


def validate(text: str) -> subprocess.CompletedProcess[str]:
    file = SCRATCH / "rendered.yaml"
    file.write_text(text)
    tool = str(manifests.KUBECTL.with_name("kubernetes-validate"))
    return subprocess.run([tool, "--strict", str(file)], capture_output=True, text=True, check=False)


def test_the_newest_kubernetes_accepts_every_manifest() -> None:
    command = [manifests.kubectl(), "kustomize", str(FOLDER.path / manifests.FOLDER)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    done = validate(rendered)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    assert re.findall(r"find schema for kind (\w+)", printed) == ["HTTPRoute"], printed  # tests/schemas has that one's
    kinds = Counter(manifest["kind"] for manifest in yaml.safe_load_all(rendered))
    assert printed.count(" passed for resource ") == kinds.total() - 1
    wrong = validate(rendered.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))
    assert wrong.returncode, "a mistyped name is accepted"


def test_a_tcp_probe_passes_before_the_app_is_there() -> None:
    """What Cloud Run asks by default: gunicorn listens before a worker has imported the app."""
    with FOLDER.copied("that is slow to import") as copy:
        main = copy.path / "hello/main.py"
        main.write_text(f"import time\n\ntime.sleep(8)\n{main.read_text()}")
        slow = as_contract(copy, FILES["cloudrun.yaml"](copy.path / "cloudrun.yaml"))
        with slow.started() as running:
            port = int(running.url().rpartition(":")[2])
            assert wait_until(lambda: "Listening at" in running.log, limit=6)
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                pass
            with pytest.raises(httpx.HTTPError):
                running.get("/health", timeout=1)
            running.wait_until_ready(path="/health")


def test_behind_every_proxy_the_app_redirects_to_https() -> None:
    """FastAPI sends /health/ to /health, with the scheme that it believes; by itself it believes no other machine."""

    def redirect(contract: Contract) -> str:
        with as_contract(FOLDER, contract).running() as running:
            asked = {"Host": "shop.test", "X-Forwarded-Proto": "https"}
            return httpx.get(f"{running.url()}/health/", headers=asked, trust_env=False).headers["Location"]

    assert {redirect(contract) for contract in contracts(FOLDER)} == {"https://shop.test/health"}
    assert redirect(replace(contracts(FOLDER)[0], environment={})) == "http://shop.test/health"


def test_the_app_takes_the_first_address_that_is_named_for_the_visitors() -> None:
    """So a visitor chooses it where a proxy only appends; without FORWARDED_ALLOW_IPS, nobody does."""
    contract = contracts(FOLDER)[0]

    def visitor(**environment: str) -> str:
        told = replace(contract, environment={"ACCESS_LOG": "-", **environment})
        with as_contract(FOLDER, told).running() as running:
            httpx.get(f"{running.url()}/items/7", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}, trust_env=False)
            logged = wait_until(lambda: re.search(r"^(\S+):\d+ - .GET /items/7 ", running.log, re.MULTILINE), limit=10)
        assert logged, running.log
        return str(logged[1])

    assert visitor(**contract.environment) == "192.0.2.1"
    assert not visitor().startswith("192.0.2.")


def test_without_a_startup_probe_over_http_the_practice_says_so() -> None:
    contract = FILES["cloudrun.yaml"](FOLDER.path / "cloudrun.yaml")
    with pytest.raises(Exception, match="no startup probe over HTTP"):
        require_contracts(FOLDER, replace(contract, probes=contract.probes[1:]))
