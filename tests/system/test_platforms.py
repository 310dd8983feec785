"""What extra 7's article says of its files besides its practices: schemas, and what a probe knows."""

import http.client
import re
import socket
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
import yaml

from library import manifests
from library.engine import SCRATCH, wait_until
from library.manifests import Contract
from library.practices.contracts import FILES, as_contract, require_contracts
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-7-platforms")
FOLDER = Subject("extra-7-platforms", ROOT / "extra-7-platforms")


@pytest.fixture(scope="module")
def rendered() -> str:
    subprocess.run(["make", "--silent", ".venv-kubernetes/ready"], cwd=ROOT, check=True, capture_output=True)
    command = [manifests.kubectl(), "kustomize", str(FOLDER.path / manifests.FOLDER)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def validate(text: str) -> subprocess.CompletedProcess[str]:
    file = SCRATCH / "rendered.yaml"
    file.write_text(text)
    tool = str(manifests.KUBECTL.with_name("kubernetes-validate"))
    return subprocess.run([tool, "--strict", str(file)], capture_output=True, text=True, check=False)


def test_the_newest_kubernetes_accepts_every_manifest(rendered: str) -> None:
    done = validate(rendered)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.findall(r"find schema for kind (\w+)", said) == ["HTTPRoute"], said  # tests/schemas has that one's
    kinds = Counter(manifest["kind"] for manifest in yaml.safe_load_all(rendered))
    assert said.count(" passed for resource ") == kinds.total() - 1
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


def failures_until_an_answer(url: str, probe: dict[str, Any]) -> tuple[int, float]:
    """Ask as the kubelet does until there is an answer, or it gives up: the failures, and the seconds that it took."""
    start, failures = time.monotonic(), 0
    while failures < probe["failureThreshold"]:
        asked = time.monotonic()
        try:
            httpx.get(url + probe["httpGet"]["path"], timeout=probe["timeoutSeconds"], trust_env=False)
        except httpx.HTTPError:
            failures += 1
        else:
            break
        time.sleep(max(0, asked + probe["periodSeconds"] - time.monotonic()))
    return failures, time.monotonic() - start


@pytest.mark.thorough
def test_the_startup_probe_waits_for_an_app_that_imports_for_45_seconds_and_the_liveness_probe_would_not() -> None:
    said = manifests.rendered(FOLDER.path / manifests.FOLDER)
    [deployment] = manifests.of_kind(said, "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    probes = [container["startupProbe"], container["livenessProbe"]]
    with FOLDER.copied("that imports for 45 seconds") as copy:
        main = copy.path / "hello/main.py"
        main.write_text(f"import time\n\ntime.sleep(45)\n{main.read_text()}")
        with as_contract(copy, manifests.kubernetes(said)).started() as running, ThreadPoolExecutor() as pool:
            url = running.url()
            assert wait_until(lambda: "Listening at" in running.log, limit=30)
            (waited, took), (gave_up, after) = pool.map(partial(failures_until_an_answer, url), probes)
            print(f"ready after {took:.0f} s and {waited} failures; the liveness probe gave up after {after:.0f} s")
            assert waited < container["startupProbe"]["failureThreshold"]
            assert gave_up == container["livenessProbe"]["failureThreshold"]
            assert after < took
            assert "WORKER TIMEOUT" not in running.log, "gunicorn does not wait for it"


def contracts() -> list[Contract]:
    """What all four platforms say."""
    return [
        manifests.kubernetes(manifests.rendered(FOLDER.path / manifests.FOLDER)),
        *(read(FOLDER.path / name) for name, read in FILES.items()),
    ]


def test_behind_every_proxy_the_app_redirects_to_https() -> None:
    """FastAPI sends /health/ to /health, with the scheme that it believes; by itself it believes no other machine."""

    def redirect(contract: Contract) -> str:
        with as_contract(FOLDER, contract).running() as running:
            asked = {"Host": "shop.test", "X-Forwarded-Proto": "https"}
            return httpx.get(f"{running.url()}/health/", headers=asked, trust_env=False).headers["Location"]

    assert {redirect(contract) for contract in contracts()} == {"https://shop.test/health"}
    assert redirect(replace(contracts()[0], environment={})) == "http://shop.test/health"


def test_the_app_takes_the_first_address_that_is_named_for_the_visitors() -> None:
    """So a visitor chooses it where a proxy only appends; without FORWARDED_ALLOW_IPS, nobody does."""
    contract = contracts()[0]

    def visitor(**environment: str) -> str:
        told = replace(contract, environment={"ACCESS_LOG": "-", **environment})
        with as_contract(FOLDER, told).running() as running:
            httpx.get(f"{running.url()}/items/7", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}, trust_env=False)
            logged = wait_until(lambda: re.search(r"^(\S+):\d+ - .GET /items/7 ", running.log, re.MULTILINE), limit=10)
        assert logged, running.log
        return str(logged[1])

    assert visitor(**contract.environment) == "192.0.2.1"
    assert not visitor().startswith("192.0.2.")


@pytest.mark.thorough
def test_a_connection_that_idles_for_a_minute_is_still_there() -> None:
    """As a proxy keeps it: who sends on it must not meet a server that closes it. Without KEEP_ALIVE, it is gone."""
    said = contracts()
    with ExitStack() as stack:
        kept: list[http.client.HTTPConnection] = []
        for contract in (*said, replace(said[0], environment={})):
            running = stack.enter_context(as_contract(FOLDER, contract).running())
            kept.append(http.client.HTTPConnection(running.url().removeprefix("http://"), timeout=10))
            stack.callback(kept[-1].close)
            kept[-1].request("GET", "/health")
            assert kept[-1].getresponse().read()
        time.sleep(61)
        answered = []
        for connection in kept:
            status = 0
            with suppress(OSError):
                connection.request("GET", "/health")
                status = connection.getresponse().status
            answered.append(status == 200)
        assert answered == [*(True for _ in said), False]


def test_without_a_startup_probe_over_http_the_practice_says_so() -> None:
    contract = FILES["cloudrun.yaml"](FOLDER.path / "cloudrun.yaml")
    with pytest.raises(Exception, match="no startup probe over HTTP"):
        require_contracts(FOLDER, replace(contract, probes=contract.probes[1:]))


@pytest.mark.thorough
def test_on_cloud_run_gunicorn_ends_what_takes_too_long_by_itself() -> None:
    """With the file's GRACEFUL_TIMEOUT it ends before it is killed; with its own default of 30 seconds it is killed."""
    contract = FILES["cloudrun.yaml"](FOLDER.path / "cloudrun.yaml")
    codes = []
    for environment in (contract.environment, {"PORT": contract.environment["PORT"]}):
        platform = as_contract(FOLDER, replace(contract, environment=environment))
        with platform.running() as running:
            with socket.create_connection(("127.0.0.1", int(running.url().rpartition(":")[2]))) as waiting:
                waiting.sendall(b"GET /slow?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert wait_until(lambda: "answering in 30.0" in running.log, limit=10)
                running.stop()
            codes.append(running.exit_code)
    assert codes == [0, 137]


@pytest.mark.thorough
def test_on_sigint_the_stop_takes_all_of_gunicorns_patience() -> None:
    """Uvicorn's worker goes on until gunicorn kills it; here that is after five seconds."""
    fly = FILES["fly.toml"](FOLDER.path / "fly.toml")
    contract = replace(fly, stop_signal="SIGINT", environment={"GRACEFUL_TIMEOUT": "5"})
    with as_contract(FOLDER, contract).running() as running:
        running.stop()
        assert "was sent SIGKILL" in running.log
