"""Extra 7's times by the clock: how long probes, proxies and stops wait, and what gunicorn does meanwhile."""

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from library import manifests
from library.engine import wait_until
from library.practices.contracts import FILES, as_contract, contracts
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("extra-7-platforms"), pytest.mark.thorough]
FOLDER = Subject("extra-7-platforms", ROOT / "extra-7-platforms")


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


def test_a_connection_that_idles_for_a_minute_is_still_there() -> None:
    """As a proxy keeps it: who sends on it must not meet a server that closes it. Without KEEP_ALIVE, it is gone."""
    said = contracts(FOLDER)
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


def test_on_sigint_the_stop_takes_all_of_gunicorns_patience() -> None:
    """Uvicorn's worker goes on until gunicorn kills it; here that is after five seconds."""
    fly = FILES["fly.toml"](FOLDER.path / "fly.toml")
    contract = replace(fly, stop_signal="SIGINT", environment={"GRACEFUL_TIMEOUT": "5"})
    with as_contract(FOLDER, contract).running() as running:
        running.stop()
        assert "was sent SIGKILL" in running.log
