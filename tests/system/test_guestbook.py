"""The larger project: in a real browser, with bad input, and with its copy in extra 1."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.common.exceptions import NoSuchDriverException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element
from selenium.webdriver.support.wait import WebDriverWait

from library.engine import wait_until
from library.practices.data import entries, sign
from library.subject import Subject
from library.tutorial import ROOT

ORIGINAL, COPY = "step-5-larger", "extra-1-compiling"
OF_ITS_OWN = {"README.md", "Dockerfile", "slim.Dockerfile", "compose.yaml"}
# By default one of the two: that the other has the same code is a test of its own.
each_folder = pytest.mark.parametrize(
    "subject",
    [
        pytest.param(Subject(ORIGINAL, ROOT / ORIGINAL), id=ORIGINAL),
        pytest.param(Subject(COPY, ROOT / COPY), id=COPY, marks=pytest.mark.thorough),
    ],
)


def test_the_copy_in_extra_1_has_not_drifted() -> None:
    """Outside the files that the lesson is about, both folders are the same, byte for byte."""

    def files(name: str) -> dict[str, bytes]:
        paths = [path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        contents = {str(path.relative_to(ROOT / name)): path.read_bytes() for path in paths}
        return {file: content for file, content in contents.items() if file not in OF_ITS_OWN}

    original, copy = files(ORIGINAL), files(COPY)
    drifted = sorted(file for file in original.keys() | copy.keys() if original.get(file) != copy.get(file))
    assert not drifted, f"not the same in {ORIGINAL} and {COPY}: {', '.join(drifted)}; copy the one that is right"


@each_folder
def test_bad_input_is_refused_and_stores_nothing(subject: Subject) -> None:
    with subject.running() as running:
        assert sign(running, "before").status_code == 302
        for text, status in (("", 400), ("x" * 501, 400), ("x" * 10_000, 400), ("\0", 400), ("x" * 5_000_000, 400)):
            assert sign(running, text).status_code == status, f"{len(text)} characters"
        form = {"name": "A tester", "text": "without a token"}
        assert httpx.post(f"{running.url()}/sign", data=form).status_code == 403
        for method, path, status in (("GET", "/sign", 405), ("HEAD", "/sign", 405), ("DELETE", "/", 403)):
            assert httpx.request(method, running.url() + path).status_code == status, f"{method} {path}"
        assert httpx.get(running.url(), headers={"Host": "elsewhere.example"}).status_code == 400
        with pytest.raises(httpx.RemoteProtocolError):  # uWSGI closes the connection, and one line says why
            httpx.get(running.url(), headers={"Cookie": "x" * 20_000})
        assert running.log.count("invalid HTTP request size (max 16384)") == 1
        assert entries(running) == ["before"]
        assert "Traceback" not in running.log
        assert "DAMN" not in running.log, "a worker died"  # that is how uWSGI says it


@each_folder
@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"POSTGRES_PASSWORD": "wrong"}, "password authentication failed"),
        ({"POSTGRES_HOST": "nowhere.invalid", "DATABASE_WAIT": "2"}, "nowhere.invalid"),
        ({"POSTGRES_PORT": "1", "DATABASE_WAIT": "2"}, "Connection refused"),
    ],
    ids=["wrong-password", "wrong-host", "wrong-port"],
)
def test_without_its_database_it_ends_with_one_clear_line(
    subject: Subject, environment: dict[str, str], reason: str
) -> None:
    with subject.started(environment=environment) as running:
        wait_until(lambda: not running.is_up, limit=30)
        assert running.container.state.exit_code == 1
        errors = [line for line in running.log.splitlines() if line.startswith("CommandError: no database after")]
        assert len(errors) == 1
        assert reason in errors[0]
        assert "Traceback" not in running.log


@each_folder
def test_the_apps_own_tests_pass_on_postgresql(subject: Subject) -> None:
    with subject.copied("with its tests", service="test") as copy, copy.started() as running:
        wait_until(lambda: not running.is_up, limit=60)
        assert re.search(r"\d+ passed", running.log), running.log
        assert running.container.state.exit_code == 0


@pytest.fixture
def browser() -> Iterator[Chrome]:
    """A headless Chromium or Chrome: Debian's where it is installed, else the one that Selenium finds."""
    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        for argument in (
            "--headless=new",
            "--no-sandbox",  # root in a container has no user namespace to build one with
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if chromium := shutil.which("chromium"):
            options.binary_location = chromium
        try:
            driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
        except (NoSuchDriverException, WebDriverException) as error:
            message = (
                f"no Chromium or Chrome with its chromedriver: bootstrap/browser.sh says what to install ({error.msg})"
            )
            if "CI" in os.environ:
                pytest.fail(message)
            pytest.skip(message)
        yield driver
        driver.quit()


@each_folder
def test_sign_in_a_browser(subject: Subject, browser: Chrome, tmp_path: Path) -> None:
    """Sign on a phone and at a desk; with SCREENSHOTS=assets in the environment, keep what it looks like."""
    pictures = Path(os.environ.get("SCREENSHOTS", tmp_path))
    with subject.running() as running:
        sign(running, "Two containers, one page. It came up the first time.")
        for device, width, height in (("phone", 390, 844), ("desk", 1280, 800)):
            text = f"Greetings from my {device}: <b>1 & 2</b>"
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": device == "phone"},
            )
            browser.get(running.url())
            browser.find_element(By.NAME, "name").send_keys("Ada")
            browser.find_element(By.NAME, "text").send_keys(text)
            assert browser.find_element(By.ID, "left").text == f"{500 - len(text)} characters left"
            browser.find_element(By.TAG_NAME, "button").click()
            WebDriverWait(browser, 10).until(text_to_be_present_in_element((By.CSS_SELECTOR, ".entry"), text))
            assert browser.execute_script("return document.documentElement.scrollWidth") == width
            browser.save_screenshot(pictures / f"guestbook-{device}.png")
        assert not browser.get_log("browser"), "the console shows warnings or errors"
