"""A browser for the tests of pages."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from .engine import locked
from .tutorial import ROOT


class NoBrowser(Exception):
    """There is none; the message says what to install."""


@contextmanager
def opened() -> Iterator[Chrome]:
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
            message = "no Chromium or Chrome with its chromedriver: bootstrap/browser.sh says what to install"
            raise NoBrowser(f"{message} ({error.msg})") from error
        yield driver
        driver.quit()
