"""Step 5's guestbook, as a browser uses it."""

import re

import httpx

from ..subject import Running
from . import Violation

BROWSER = {"Accept": "text/html"}


def form_on(browser: httpx.Client) -> dict[str, str]:
    """The hidden field of the page's form, as a browser has it that has opened the page."""
    return hidden_field(browser.get("/").text)


def hidden_field(page: str) -> dict[str, str]:
    """The field of a page's form that nobody fills in."""
    return dict(re.findall(r'name="(csrfmiddlewaretoken)" value="(\w+)"', page))


def sign(running: Running, text: str) -> httpx.Response:
    """Sign the guestbook as a browser does: load the page, fill in its form, send it."""
    with httpx.Client(base_url=running.url(), headers=BROWSER, timeout=10) as visitor:
        return visitor.post("/sign", data={**form_on(visitor), "name": "A tester", "text": text})


def entries(running: Running) -> list[str]:
    """The texts in the guestbook, the newest first."""
    if (answer := running.get("/")).status_code != 200:
        raise Violation(f"GET / says {answer.status_code}", "{curl} {url}", "docker compose logs {service}")
    return [entry["text"] for entry in answer.json()["entries"]]
