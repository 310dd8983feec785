"""A browser for the tests of pages."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from library.engine import locked
from library.tutorial import ROOT


@contextmanager
def _opened() -> Iterator[Chrome]:
    """A headless Chromium or Chrome: Debian's where it can be installed, else the one that Selenium finds."""
    with locked("browser"):
        subprocess.run(["bootstrap/browser.sh"], cwd=ROOT, capture_output=True, check=True)
    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        # Root in a container has no user namespace to build a sandbox with.
        arguments = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars"
        quiet = "--disable-background-networking --disable-component-update --disable-sync"
        for argument in (*arguments.split(), *quiet.split(), f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if chromium := shutil.which("chromium"):
            options.binary_location = chromium
        try:
            driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
        except WebDriverException as error:
            message = (
                f"no Chromium or Chrome with its chromedriver: bootstrap/browser.sh says what to install ({error.msg})"
            )
            if "CI" in os.environ:
                pytest.fail(message)
            pytest.skip(message)
        yield driver
        driver.quit()


@pytest.fixture
def browser() -> Iterator[Chrome]:
    """A browser for one test."""
    with _opened() as driver:
        yield driver


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Chrome]:
    """A browser for all tests of a module."""
    with _opened() as driver:
        yield driver
