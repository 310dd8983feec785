"""A browser for the tests of pages."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.common.exceptions import NoSuchDriverException, WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from .engine import locked
from .tutorial import ROOT


class NoBrowser(Exception):
    """There is none; the message says what to install."""


@contextmanager
def opened() -> Iterator[Chrome]:
    """A headless Chromium or Chrome: Debian's where it can be installed, else the one that Selenium finds.

    Raises:
        NoBrowser: there is none.
    """
    with locked("browser"):
        subprocess.run(["bootstrap/browser.sh"], cwd=ROOT, capture_output=True, check=True)
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
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if chromium := shutil.which("chromium"):
            options.binary_location = chromium
        try:
            driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
        except (NoSuchDriverException, WebDriverException) as error:
            message = "no Chromium or Chrome with its chromedriver: bootstrap/browser.sh says what to install"
            raise NoBrowser(f"{message} ({error.msg})") from error
        yield driver
        driver.quit()
