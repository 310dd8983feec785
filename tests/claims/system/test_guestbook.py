"""The larger project: in a real browser, with bad input, and with its copy in extra 1."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import text_to_be_present_in_element
from selenium.webdriver.support.wait import WebDriverWait

from library.edits import change
from library.engine import BuildFailed, docker, inspect, one_build_at_a_time, wait_until
from library.practices.guestbook import BROWSER, entries, form_on, hidden_field, sign
from library.practices.startup import first_running
from library.repository import files
from library.subject import Running, Subject
from library.tutorial import ROOT

ORIGINAL, COPY = "step-5-larger", "extra-1-compiling"
STEP_5 = Subject(ORIGINAL, ROOT / ORIGINAL)
OF_ITS_OWN = {"README.md", "Dockerfile", "slim.Dockerfile", "compose.yaml"}
# By default one of the two: that the other has the same code is a test of its own.
each_folder = pytest.mark.parametrize(
    "subject",
    [pytest.param(STEP_5, id=ORIGINAL), pytest.param(Subject(COPY, ROOT / COPY), id=COPY, marks=pytest.mark.thorough)],
)

of_step_5 = pytest.mark.about(ORIGINAL)


def test_the_copy_in_extra_1_has_not_drifted() -> None:
    """Outside the files that the lesson is about, both folders are the same, byte for byte."""
    original, copy = (
        {str(file): (ROOT / name / file).read_bytes() for file in files(ROOT / name)} for name in (ORIGINAL, COPY)
    )
    both = (original.keys() | copy.keys()) - OF_ITS_OWN
    drifted = sorted(file for file in both if original.get(file) != copy.get(file))
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
        running.ends(30)
        assert running.exit_code == 1
        errors = [line for line in running.log.splitlines() if line.startswith("CommandError: no database after")]
        assert len(errors) == 1
        assert reason in errors[0]
        assert "Traceback" not in running.log


@each_folder
def test_production_takes_its_secrets_and_its_hosts_from_the_environment(subject: Subject) -> None:
    """With the article's variables, both services start: a default would be refused, another password, too."""
    given = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_hex(32),
        "POSTGRES_PASSWORD": secrets.token_hex(8),
        "ALLOWED_HOSTS": "guestbook.example.com,localhost,127.0.0.1",
    }
    with patch.dict(os.environ, given), subject.copied("in production") as copy, copy.started() as running:
        running.wait_until_ready()
        for host, status in (("guestbook.example.com", 200), ("elsewhere.example", 400)):
            assert httpx.get(running.url(), headers={"Host": host}).status_code == status
        for name, value in given.items():
            assert running.python(f"import os; print(os.environ[{name!r}])") == value
        _require_safe_cookies(running)


def _require_safe_cookies(running: Running) -> None:
    """The form's cookie goes over TLS alone, and its page may be sent from there; the rest of TLS is the proxy's."""
    visitor = httpx.Client(base_url=running.url(), headers={"Host": "guestbook.example.com", **BROWSER})
    page = visitor.get("/")
    (cookie,) = page.headers.get_list("set-cookie")
    assert "; Secure" in cookie
    form = {**hidden_field(page.text), "name": "Ada", "text": "Hello"}
    sent = {"Cookie": cookie.partition(";")[0], "Origin": "https://guestbook.example.com"}
    assert visitor.post("/sign", data=form, headers=sent).status_code == 302
    command = ["python", "src/manage.py", "check", "--deploy"]
    # The image's `dev` sets DEBUG; in production, it counts for nothing.
    run = ["docker", "exec", "--env=DEBUG=1", running.container.id, *command]
    checked = subprocess.run(run, capture_output=True, text=True)
    # W004 is HSTS, W008 the redirect from HTTP.
    assert set(re.findall(r"security\.(\w+)", checked.stdout + checked.stderr)) == {"W004", "W008"}


@of_step_5
def test_the_database_is_ready_when_it_says_so_and_is_asked_often_only_at_its_start() -> None:
    with STEP_5.copied("with its database") as copy, copy.started() as running:
        running.wait_until_ready()
        (database,) = running.project.compose.ps(["db"])
        check = inspect(database.id, "Config.Healthcheck")
        seconds = {name: check.get(name, 0) / 1e9 for name in ("Interval", "StartPeriod", "StartInterval")}
        # The app starts as soon as the first check passes; later ones start a process each, as long as it runs.
        assert 0.1 <= seconds["StartInterval"] <= 1
        assert 10 <= seconds["StartPeriod"] <= 600, "the second start may have to repair what a crash has left"
        assert seconds["Interval"] == 0 or 5 <= seconds["Interval"] <= 60  # 0 stands for Docker's own 30
        # It may be asked while it starts, which is what a check is for, and says so.
        fatal = re.findall("FATAL.*", str(docker.container.logs(database)))
        assert set(fatal) <= {"FATAL:  the database system is starting up"}
        assert "waiting for the database" not in running.log


# Ends the connections of others, and prints a line for each.
END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = USER AND pid <> pg_backend_pid()"
)


@of_step_5
def test_a_connection_is_kept_and_one_that_the_database_has_ended_costs_no_visitor_an_error() -> None:
    with STEP_5.running(environment={"WORKERS": "1", "THREADS": "1"}) as running:
        assert running.get("/").status_code == 200
        (database,) = running.project.compose.ps(["db"])
        ask = ["psql", "--username=guestbook", "--tuples-only", "--no-align", f"--command={END_CONNECTIONS}"]
        assert "t" in str(docker.execute(database, ask)).split()
        assert running.get("/").status_code == 200


# Run inside the container: the number of threads of each of uWSGI's workers.
THREADS_OF_WORKERS = """
import os
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        if "uWSGIWorker" in open(f"/proc/{process}/comm").read():
            print(len(os.listdir(f"/proc/{process}/task")), end=" ")
    except (FileNotFoundError, ProcessLookupError):
        continue  # it has just ended
"""


@each_folder
@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "4 4"), ({"WORKERS": "3", "THREADS": "5"}, "5 5 5")],
    ids=["as-it-ships", "as-the-environment-says"],
)
def test_workers_and_threads_are_what_was_said(subject: Subject, environment: dict[str, str], expected: str) -> None:
    with subject.started(environment=environment) as running:
        running.wait_until_ready()
        assert wait_until(lambda: running.python(THREADS_OF_WORKERS).strip() == expected, limit=10)


@each_folder
def test_the_development_server_serves_the_styles_and_says_what_went_wrong(subject: Subject) -> None:
    with subject.running(command=["dev"]) as running:
        files = re.findall(r'"(/static/[^"]+)"', httpx.get(running.url(), headers={"Accept": "text/html"}).text)
        assert files
        assert all(running.get(file).status_code == 200 for file in files)
        assert "DEBUG = True" in running.get("/nowhere").text


@of_step_5
@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("uwsgi.ini", "need-app = true", "need-app = true\nmisspelt = true", "misspelt"),
        ("src/config/wsgi.py", "get_wsgi_application()", "nobody_knows_this()", "NameError"),
    ],
    ids=["a-misspelt-option", "an-app-that-cannot-be-loaded"],
)
def test_a_server_that_could_not_serve_does_not_start(file: str, old: str, new: str, says: str) -> None:
    with STEP_5.copied("with a mistake") as copy:
        change(copy.path / file, old, new)
        with copy.started(restart="no") as running:
            assert running.ends(60)
            assert running.exit_code
            assert says in running.log


@of_step_5
@pytest.mark.thorough  # it takes that minute
def test_a_worker_whose_every_thread_hangs_is_ended_after_a_minute_and_another_answers() -> None:
    """While one of its threads still answers, uWSGI counts anew with each request."""
    with STEP_5.copied("with a view that hangs") as copy, ThreadPoolExecutor() as pool:
        change(copy.path / "src/guestbook/views.py", "time.sleep(seconds)", "time.sleep(3600)")
        with copy.running(environment={"WORKERS": "1", "THREADS": "2"}) as running:
            start = time.monotonic()
            hanging = [pool.submit(running.get, "/slow?seconds=1", timeout=150) for _ in range(2)]
            for request in hanging:
                with pytest.raises(httpx.RemoteProtocolError):
                    request.result()
            assert 55 <= time.monotonic() - start <= 100
            assert wait_until(lambda: running.answers("/health"), limit=20)
            assert "HARAKIRI" in running.log


@of_step_5
def test_a_slow_upload_is_no_request_that_hangs() -> None:
    """Alone in its worker, and beside requests that end meanwhile (https://github.com/unbit/uwsgi/issues/2706)."""
    with STEP_5.copied("with less patience") as copy:
        change(copy.path / "uwsgi.ini", "harakiri:60", "harakiri:2")
        with copy.running(environment={"WORKERS": "1", "THREADS": "2"}) as running:
            for others in (False, True):
                assert _sign_slowly(running, others).status_code == 302
            assert "HARAKIRI" not in running.log


def _sign_slowly(running: Running, others: bool) -> httpx.Response:
    """Send the form in four pieces, for twice as long as a request may take; ``others`` are answered in between."""

    def in_pieces(body: bytes) -> Iterator[bytes]:
        size = len(body) // 4 + 1
        for start in range(0, len(body), size):
            if start:
                time.sleep(1.5)  # uWSGI gives up where nothing comes for four seconds
            if start and others:
                assert running.get("/health").is_success
                time.sleep(0.3)  # its thread has done with it
            yield body[start : start + size]

    with httpx.Client(base_url=running.url(), headers=BROWSER, timeout=10) as visitor:
        body = urlencode({**form_on(visitor), "name": "A tester", "text": "written slowly"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": f"{len(body)}"}
        return visitor.post("/sign", content=in_pieces(body), headers=headers)


@of_step_5
@pytest.mark.thorough  # it builds with two lists of packages that no cache knows
@pytest.mark.parametrize(("package", "others"), [("sqlparse", "prod.txt"), ("pytest", "(prod|main).txt")])
def test_another_version_in_one_list_compiles_no_other_list(package: str, others: str) -> None:
    with STEP_5.copied(f"with another {package}") as copy:
        test = replace(copy, target="test")
        test.build()
        lock = copy.path / "poetry.lock"  # one more hash, which no file has
        entry = f'{{file = "unique.zip", hash = "sha256:{secrets.token_hex(32)}"}},'
        text, changes = re.subn(rf'name = "{package}"\n[\s\S]*?files = \[\n', rf"\g<0>    {entry}\n", lock.read_text())
        assert changes == 1
        lock.write_text(text)
        ran = test.build().ran
    assert any("pip --python" in name for name in ran), ran
    assert not [name for name in ran if re.search(rf"pip --python .*{others}", name)]


@of_step_5
def test_a_lock_that_names_no_package_of_the_frontend_stops_the_build() -> None:
    with STEP_5.copied("with an empty package-lock.json", target="frontend") as copy:
        (copy.path / "package-lock.json").write_text("{}\n")
        with pytest.raises(BuildFailed) as stopped:
            copy.build()
    assert "package.json and package-lock.json or npm-shrinkwrap.json are in sync" in stopped.value.output


@each_folder
def test_the_environment_is_the_apps_and_holds_no_pip(subject: Subject) -> None:
    look = "import importlib.util, sys; print(sys.prefix, importlib.util.find_spec('pip'))"
    assert subject.shared_container().python(look) == "/venv None"


@each_folder
def test_stopped_while_it_waits_for_its_database_it_has_said_so_and_ends_at_once(subject: Subject) -> None:
    """A Python that collects what it prints says nothing until it ends."""
    nowhere = {"POSTGRES_HOST": "nowhere.invalid", "DATABASE_WAIT": "60"}
    with subject.started(environment=nowhere, restart="no") as running:
        assert wait_until(lambda: "waiting for the database" in running.log, limit=30)
        assert running.stop() < 3
        assert running.exit_code == 143  # 128 and SIGTERM's number


# Run first in every Python of the container, uWSGI's as well: registers a function for the end in both ways.
AT_THE_END = """
try:
    import uwsgi
except ImportError:
    pass
else:
    import atexit, os
    atexit.register(lambda: os.write(2, b"called by Python\\n"))
    uwsgi.atexit = lambda: os.write(2, b"called by uWSGI\\n")
"""


@each_folder
def test_at_the_end_of_its_workers_uwsgi_calls_its_own_functions_and_not_pythons(subject: Subject) -> None:
    with first_running(subject, AT_THE_END) as overrides, subject.running(**overrides) as running:
        running.stop()
        assert running.log.count("called by uWSGI\n") == 2, running.log
        assert "called by Python" not in running.log


@each_folder
def test_without_a_target_production_is_built(subject: Subject) -> None:
    """``docker build .`` makes the same as compose, which names its target."""
    name = f"{subject.image_name}-without-a-target"
    arguments = {"GIT_COMMIT": "unknown", "BUILD_TIME": "unknown"}  # as compose gives them
    with one_build_at_a_time():
        docker.build(subject.path, tags=name, load=True, progress=False, build_args=arguments)
    by_compose, by_docker = inspect(subject.built_image()), inspect(name)
    assert by_docker["RootFS"] == by_compose["RootFS"]
    assert {**by_docker["Config"], "Labels": None} == {**by_compose["Config"], "Labels": None}  # compose has its own


@of_step_5
def test_words_after_test_are_for_pytest() -> None:
    with (
        STEP_5.copied("with its tests", service="test") as copy,
        copy.started(command=["test", "--version"]) as running,
    ):
        assert running.ends(30)
        assert running.log.startswith("pytest ")


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
