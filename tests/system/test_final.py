"""What final's files promise to whoever takes a # away."""

import httpx
import pytest

from library.edits import change, uncomment
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("final")
FINAL = Subject("final", ROOT / "final")


def redirected(subject: Subject) -> str:
    """Where the app sends a visitor of /health/ whose proxy says that he came over https."""
    with subject.running() as running:
        headers = {"Host": "shop.test", "X-Forwarded-Proto": "https"}
        return httpx.get(f"{running.url()}/health/", headers=headers).headers["Location"]


def test_a_redirect_keeps_https_behind_a_proxy_that_is_believed() -> None:
    assert redirected(FINAL) == "http://shop.test/health"
    with FINAL.copied("behind a proxy") as copy:
        change(copy.path / "compose.yaml", "  #   DATABASE_URL: ${DATABASE_URL:?}\n", "")
        uncomment(copy.path / "compose.yaml", ["  # environment:"])
        assert redirected(copy) == "https://shop.test/health"
