"""The site, as `make site` builds it, in a real browser."""

import difflib
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element
from selenium.webdriver.support.wait import WebDriverWait

from library import repository
from library.engine import locked
from library.practices import PRACTICES, Answer
from library.subject import Subject
from library.tutorial import ROOT
from score.addresses import Source
from score.project import Prepared
from score.report import Result, as_html, taught_by
from website import site

pytestmark = [
    pytest.mark.xdist_group("site"),  # one process builds it, and visits every page once
    pytest.mark.filterwarnings("ignore:.*MystReferenceResolver"),  # MyST's own, 1,500 times
]

WHERE = Source("https://example.com/me/tutorial", "0123456789abcdef")
DESK, PHONE = (1280, 900), (390, 844)
# Of what every kind of page has on it; axe takes seconds for each.
ASKED_BY_AXE = {"index", "step-3-basic/index", "final/index", "compare", "search"}
AXE = ROOT / "tests/website/node_modules/axe-core/axe.min.js"

# What is asked of a page at the width of a desk.
ASK = """
return {
    ids: [...document.querySelectorAll("[id]")].map((one) => one.id),
    links: [...document.querySelectorAll("a[href], link[href]")].map((one) => one.href)
        .concat([...document.querySelectorAll("img[src], script[src]")].map((one) => one.src)),
    drawings: document.querySelectorAll("pre.mermaid").length,
    drawn: [...document.querySelectorAll("pre.mermaid svg")].map((svg) => svg.querySelectorAll(".node").length),
    files: document.querySelectorAll(".file").length,
    switches: document.querySelectorAll(".file > .switch").length,
};
"""
# And at the width of a phone: what is cut off or has to be scrolled sideways, but for tables of many columns.
ASK_PHONE = """
const wide = [...document.querySelectorAll("article *")].filter((one) => {
    const scrolls = one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible";
    const cut = one.getBoundingClientRect().right > innerWidth + 1;
    return one.clientWidth && (scrolls || cut) && !one.querySelector(".many-columns") && !one.closest(".many-columns");
});
return {
    width: document.documentElement.scrollWidth,
    scrolled: wide.map((one) => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 60)}`),
};
"""
ASK_AXE = """
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(found.violations.map((one) =>
    `${one.impact}: ${one.id}: ${one.nodes[0].html.slice(0, 200)} ${one.nodes[0].failureSummary}`)));
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with locked("site"):
        subprocess.run(["make", "tests/website/node_modules/ready"], cwd=ROOT, check=True)
    out = tmp_path_factory.mktemp("site")
    site.build(out, WHERE, site.texts_of_pages())
    with site.server(out, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@dataclass(frozen=True)
class Visit:
    """What a page is like: at a desk, on a phone, to axe, and what it asked for and said."""

    desk: dict[str, Any]
    phone: dict[str, Any]
    axe: list[str]
    requests: list[str]
    console: list[str]


def resize(browser: Chrome, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def open_page(browser: Chrome, page: str) -> None:
    browser.get(page)
    WebDriverWait(browser, 20, poll_frequency=0.05).until(
        lambda browser: browser.execute_script("return document.documentElement.dataset.ready")
    )


def requests_of(browser: Chrome) -> list[str]:
    """The addresses that the browser has asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def serious(browser: Chrome) -> list[str]:
    """What axe finds on the page that is open, and calls serious or critical."""
    browser.execute_script(AXE.read_text())
    return [one for one in browser.execute_async_script(ASK_AXE) if one.startswith(("serious", "critical"))]


def visit(browser: Chrome, address: str, docname: str) -> Visit:
    resize(browser, *DESK)
    open_page(browser, f"{address}{docname}.html")
    desk = browser.execute_script(ASK)
    axe = serious(browser) if docname in ASKED_BY_AXE else []
    resize(browser, *PHONE)
    phone = browser.execute_script(ASK_PHONE)
    console = [f"{entry['level']}: {entry['message']}" for entry in browser.get_log("browser")]
    return Visit(desk, phone, axe, requests_of(browser), console)


@pytest.fixture(scope="module")
def visits(address: str, shared_browser: Chrome) -> dict[str, Visit]:
    """All pages of the site, by address."""
    docnames = [*map(site.docname, site.PAGES), "compare", "search"]
    return {f"{address}{name}.html": visit(shared_browser, address, name) for name in docnames}


def problems(visits: dict[str, Visit], of: Callable[[Visit], list[str]]) -> str:
    """What is wrong, page by page, in a text."""
    return "\n".join(f"{urlsplit(page).path}: {problem}" for page, found in visits.items() for problem in of(found))


def test_every_link_and_every_anchor_leads_somewhere(address: str, visits: dict[str, Visit]) -> None:
    tracked = {str(file) for file in repository.files()}
    folders = {str(parent) for file in tracked for parent in Path(file).parents}
    ids = {page: set(found.desk["ids"]) for page, found in visits.items()}
    asked_for = {urldefrag(request).url for found in visits.values() for request in found.requests}
    dead = []
    for page, found in visits.items():
        for link in found.desk["links"]:
            target, anchor = urldefrag(urljoin(page, link))
            target = f"{target}index.html" if target.endswith("/") else target
            if target.startswith(f"{WHERE.page}/"):
                kind, _, path = target.removeprefix(f"{WHERE.page}/").partition(f"/{WHERE.commit}")
                if unquote(path.lstrip("/") or ".") not in {"blob": tracked, "tree": folders}[kind]:
                    dead.append(f"{page}: {link}")
            elif target.startswith(address):
                known = target in ids or target in asked_for
                if not known or (
                    anchor and target in ids and unquote(anchor) not in ids[target] and ".." not in anchor
                ):
                    dead.append(f"{page}: {link}")
    assert not dead, "\n".join(dead)


def test_nothing_is_asked_of_anybody_else(address: str, visits: dict[str, Visit]) -> None:
    own = (address, "data:", "chrome:")  # the last one is the page that the browser opens with
    assert not problems(visits, lambda found: [one for one in found.requests if not one.startswith(own)])
    assert any(one.endswith("mermaid.tiny.js") for found in visits.values() for one in found.requests)


def test_nothing_is_on_the_console(visits: dict[str, Visit]) -> None:
    assert not problems(visits, lambda found: found.console)


def test_a_phone_shows_all_text(visits: dict[str, Visit]) -> None:
    width = PHONE[0]
    assert not problems(visits, lambda found: [f"{found.phone['width']} px"] * (found.phone["width"] > width))
    assert not problems(visits, lambda found: found.phone["scrolled"])


def test_axe_finds_nothing_serious(visits: dict[str, Visit]) -> None:
    assert not problems(visits, lambda found: found.axe)


def test_every_drawing_is_drawn_and_every_file_has_its_switch(visits: dict[str, Visit]) -> None:
    pages = [found.desk for found in visits.values()]
    assert sum(page["drawings"] for page in pages) == sum(
        text.count("\n```mermaid\n") for text in site.texts_of_pages().values()
    )
    assert all(len(page["drawn"]) == page["drawings"] and all(page["drawn"]) for page in pages)
    assert all(page["files"] == page["switches"] for page in pages)
    assert sum(page["files"] for page in pages) > 20


def test_search_finds_a_practice_and_the_article_that_teaches_it(address: str, shared_browser: Chrome) -> None:
    browser = shared_browser
    resize(browser, *DESK)
    open_page(browser, f"{address}index.html")
    browser.find_element(By.NAME, "q").send_keys("read-only", Keys.ENTER)
    summary = (By.CLASS_NAME, "search-summary")
    WebDriverWait(browser, 20).until(text_to_be_present_in_element(summary, "found"))
    results = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")]
    assert f"{address}final/index.html" in results
    assert f"{address}extra-1-compiling/index.html" not in results, "that is about what is already there"


def test_copy_takes_the_commands_alone(address: str, shared_browser: Chrome) -> None:
    browser = shared_browser
    permissions = {"origin": address.rstrip("/"), "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)

    def copied(page: str, block: str) -> str:
        open_page(browser, address + page)
        button = browser.find_element(By.CSS_SELECTOR, f"{block} .copy")
        browser.execute_script("arguments[0].focus()", button)
        button.send_keys(Keys.ENTER)
        WebDriverWait(browser, 10).until(lambda _: button.text == "Copied")
        return str(browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])"))

    block = (ROOT / "step-3-basic/README.md").read_text().partition("```console\n")[2].partition("```")[0]
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert copied("step-3-basic/index.html", ".highlight-console") == "\n".join(commands)
    assert "PASSWORD=1234" not in commands
    # A command may go on in the next line.
    removal = copied("bootstrap/index.html", "#how-to-be-rid-of-them .highlight-console")
    assert "$ " not in removal
    assert re.search(r"\\\n +\S", removal)


def shown_lines(browser: Chrome, box: str) -> list[str]:
    return [line.text for line in browser.find_elements(By.CSS_SELECTOR, f"{box} .lines > span")]


def choose(browser: Chrome, box: str, view: str) -> None:
    radio = browser.find_element(By.CSS_SELECTOR, f"{box} input[value={view}]")
    browser.execute_script("arguments[0].click()", radio)


def test_the_switch_shows_what_changed_the_whole_file_and_the_reasons(address: str, shared_browser: Chrome) -> None:
    browser = shared_browser
    resize(browser, *DESK)
    open_page(browser, f"{address}step-3-basic/index.html")
    box = '.file[data-file="step-3-basic/Dockerfile"]'
    before, after = ((ROOT / folder / "Dockerfile").read_text() for folder in ("step-2-poetry", "step-3-basic"))
    assert "+RUN pip install poetry==2.5.1" in browser.find_element(By.CSS_SELECTOR, box).text

    choose(browser, box, "whole")
    WebDriverWait(browser, 10).until(lambda browser: shown_lines(browser, box))
    assert [line.strip() for line in shown_lines(browser, box)] == after.splitlines()

    choose(browser, box, "matters")
    WebDriverWait(browser, 10).until(lambda browser: browser.find_elements(By.CSS_SELECTOR, f"{box} dl"))
    matters = browser.find_element(By.CSS_SELECTOR, f"{box} dl").text
    assert "COPY pyproject.toml poetry.lock ./\nWhat changes rarely comes first." in matters
    assert "WORKDIR" not in matters, "step 2 has it, too"
    resize(browser, *PHONE)
    assert browser.execute_script(ASK_PHONE) == {"width": PHONE[0], "scrolled": []}

    choose(browser, box, "changed")
    assert "+RUN pip install poetry==2.5.1" in browser.find_element(By.CSS_SELECTOR, box).text
    assert before != after


def test_any_two_folders_are_compared(address: str, shared_browser: Chrome) -> None:
    browser = shared_browser
    open_page(browser, f"{address}compare.html#step-4-nontrivial..extra-3-precommit")
    text = browser.find_element(By.ID, "comparison").text
    better, _, rest = text.partition("Got worse: ")
    assert "small-image" in better
    assert "no-tests-in-image" not in better
    # Both ways, file by file: what is shown as removed and added is what differs.
    old, new = (
        (ROOT / folder / "Dockerfile").read_text().splitlines() for folder in ("step-4-nontrivial", "extra-3-precommit")
    )
    lines = shown_lines(browser, '.file[data-file="Dockerfile"]')
    for sign, has, lacks in (("-", old, new), ("+", new, old)):
        changed = [line[1:].strip() for line in lines if line.startswith(sign)]
        assert set(changed) <= {line.strip() for line in has}
        assert {line.strip() for line in has} - {line.strip() for line in lacks} <= set(changed)
        assert len(changed) <= sum(line.startswith(f"{sign} ") for line in difflib.ndiff(old, new))
    assert "requirements.txt" in rest

    # What is given up has its reason.
    browser.execute_script("location.hash = '#step-3-basic..step-4-nontrivial'")
    WebDriverWait(browser, 10).until(lambda browser: "Got worse: 1" in browser.find_element(By.ID, "comparison").text)
    assert "Poetry needs a stage of its own" in browser.find_element(By.CSS_SELECTOR, ".worse").text
    chosen = browser.find_element(By.NAME, "before")
    assert chosen.get_attribute("value") == "step-3-basic"


def test_the_navigation_opens_with_the_keyboard(address: str, shared_browser: Chrome) -> None:
    browser = shared_browser
    resize(browser, *PHONE)
    open_page(browser, f"{address}final/index.html")
    link = browser.find_element(By.CSS_SELECTOR, ".sidebar-tree a")
    assert link.rect["x"] < 0
    browser.find_element(By.CLASS_NAME, "nav-overlay-icon").send_keys(Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: link.rect["x"] >= 0)


def test_the_footer_names_the_version_and_the_commit(address: str, shared_browser: Chrome) -> None:
    open_page(shared_browser, f"{address}final/index.html")
    footer = shared_browser.find_element(By.CLASS_NAME, "edition")
    assert f"version {site.version()}:" in footer.text
    assert WHERE.commit[:7] in footer.text
    assert footer.find_element(By.TAG_NAME, "a").get_attribute("href") == f"{address}CHANGELOG.html"


def test_the_page_of_a_score_is_one_that_anybody_can_read(shared_browser: Chrome, tmp_path: Path) -> None:
    answers = {
        "graceful-stop": Answer("violated", "exit code 137", ("docker compose stop",)),
        "healthcheck": Answer("holds"),
        "keeps-data": Answer("not asked", "<b>no</b> database"),
    }
    subject = Subject("shop", Path("/home/me/shop"))
    results = [Result(PRACTICES[name], answer, taught_by(name), answer.by_hand) for name, answer in answers.items()]
    page = tmp_path / "score.html"
    page.write_text(as_html(Prepared(subject, ("compose.yaml",), ()), results))
    requests_of(shared_browser)
    resize(shared_browser, *PHONE)
    shared_browser.get(page.as_uri())
    assert serious(shared_browser) == []
    assert shared_browser.execute_script(ASK_PHONE) == {"width": PHONE[0], "scrolled": []}
    assert [one for one in requests_of(shared_browser) if not one.startswith("data:")] == [page.as_uri()]
    assert "<b>no</b> database" in shared_browser.find_element(By.TAG_NAME, "article").text


def test_what_leads_nowhere_stops_the_build(address: str, tmp_path: Path) -> None:
    """Each mistake has its line; what was built before stays."""
    del address  # the packages have to be there
    planted = "[a](#no-heading), [b](../step-2-poetry/README.md#no-heading), ![c](no-picture.svg)"
    texts = dict.fromkeys(site.PAGES, "# Title\n") | {"step-1-kiss/README.md": f"# Title\n\n{planted}\n"}
    (tmp_path / "index.html").touch()
    with pytest.raises(site.Unbuildable) as stopped:
        site.build(tmp_path, WHERE, texts)
    lines = str(stopped.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("step-1-kiss/index.md:") for line in lines)
    assert (tmp_path / "index.html").exists()
