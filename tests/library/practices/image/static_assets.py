"""Stylesheet and script are built, have a hash of their content in their names, and may be kept for a year."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .. import Sabotage, Subject, Violation, practice
from ..installed import programs


@practice("cost", needs="page")
def check(subject: Subject) -> None:
    page = subject.shared_container().get("/", accept="text/html")
    for path in re.findall(r'(?:href|src)="(/[^"]+)"', page.text) or ["none in the page"]:
        by_hand = f"{{curl}} --head {{address}}{path}"
        if not re.search(r"\.[0-9a-f]{8,}\.(css|js)$", path):
            raise Violation(f"no hash in the name: {path}", "{curl} --header 'Accept: text/html' {url}")
        answer = subject.shared_container().get(path)
        if answer.status_code != 200 or not re.match("text/(css|javascript)", answer.headers.get("content-type", "")):
            seen = f"{path}: {answer.status_code}, {answer.headers.get('content-type', 'no content type')}"
            raise Violation(seen, by_hand)
        kept = parsedate_to_datetime(answer.headers.get("expires", "Thu, 01 Jan 1970 00:00:00 GMT")) - datetime.now(UTC)
        if kept.days < 360:
            raise Violation(f"{path} expires in {kept.days} days", by_hand)
        if max(map(len, answer.text.splitlines())) < 300:
            raise Violation(f"{path} is not minified", by_hand)
    if tools := programs(subject, "node", "npm"):
        raise Violation(f"in the image: {tools}", "docker compose run --rm {service} node --version")


TURNS_RED = [
    Sabotage(
        "static files without hashes",
        "step-5-larger/src/config/settings.py",
        "Manifest",
        "",
        symptom="After a release, visitors see the new page in the old colours until they empty their browser's cache.",
    )
]
