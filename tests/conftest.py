"""Options, the choice of tests, and what isolates them from whoever runs them."""

import locale
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TypeVar

import pytest
from selenium.webdriver import Chrome

from library import engine, tutorial
from library.browser import NoBrowser, opened
from library.environment import isolated
from library.matrix import DAILY_TESTS
from library.practices import PRACTICES, Practice
from library.subject import Subject
from library.tutorial import ROOT

T = TypeVar("T")

# Seconds of a free CPU, roughly: of each test of a module, of a slow practice, and of a change that must be noticed.
SECONDS = {"test_adopt": 40, "test_articles": 60, "test_guestbook": 30, "test_projects": 20, "test_score": 20}
SECONDS_OF_SLOW = 4
SECONDS_OF_SABOTAGE = 10
SECONDS_OF_NEEDS = {"release": 15, "stack": 45}  # what a practice needs that publishes or deploys
# Modules that build folders of the tutorial and copies of them, whose base images come with the build.
NEED_NO_BASES = {"test_contract", "test_practices", "test_sabotage", "test_site"}
SHARE_A_CONTAINER = {"test_contract", "test_practices", "test_security"}  # modules whose tests look at a subject's


def pytest_configure() -> None:
    """A mistake in tutorial.toml is one line, not a traceback from every module that reads it."""
    if locale.getpreferredencoding(False).lower() != "utf-8":
        raise pytest.UsageError("the pages are UTF-8 and your locale is not: run make test, or set PYTHONUTF8=1")
    try:
        tutorial.check_practices(tutorial.load(), {id_: practice.needs for id_, practice in PRACTICES.items()})
    except tutorial.TutorialError as mistake:
        raise pytest.UsageError(f"tests/tutorial.toml: {mistake}") from None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--step", help="run only the tests of this folder")
    parser.addoption("--thorough", action="store_true", help="run all tests, those that take minutes among them")


def _parameter(item: pytest.Item, name: str, kind: type[T]) -> T | None:
    """What a test is parametrized with by this name, if that is of this kind."""
    value = item.callspec.params.get(name) if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    return value if isinstance(value, kind) else None


def _folder_of(item: pytest.Item) -> str | None:
    """The folder that a test is about."""
    if mark := item.get_closest_marker("about"):
        return str(mark.args[0])
    subject = _parameter(item, "subject", Subject)
    return subject.folder if subject else None


# pytest-xdist reads the groups in this hook, too: they have to be there first.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose tests, send those that share a container to one worker, which starts it once, and sort them."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:  # all of them are here
        names = [_name_in_room(item) for item in items]
        if gone := [test for test in DAILY_TESTS if not any(name.startswith(test) for name in names)]:
            raise pytest.UsageError(f"DAILY_TESTS of tests/library/matrix.py: there is no {', '.join(gone)}")
    wanted = {item for item in items if _is_wanted(item, config)}
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = [item for item in items if item in wanted]
    for item in items:
        if item.path.stem in SHARE_A_CONTAINER and (subject := _parameter(item, "subject", Subject)):
            item.add_marker(pytest.mark.xdist_group(subject.name))
    # One process builds a subject's image, starts its shared container, and asks it everything: the subjects with the
    # most work come first, so that no process is busy with one when the others have ended. The unit tests come last.
    work = Counter[str]()
    for item in items:
        work[_group(item)] += _seconds(item)
    items.sort(key=lambda item: ("system" not in item.path.parts, -work[_group(item)], _group(item), _is_slow(item)))


def _is_wanted(item: pytest.Item, config: pytest.Config) -> bool:
    """Whether a test is to run.

    By default the unit tests and those that are daily; of a folder (``--step``) or of what somebody names (``-k``) all
    but what is marked as thorough.
    """
    step, mark = config.getoption("--step"), item.get_closest_marker("thorough")
    if step and not _is_about(item, step):
        return False
    if config.getoption("--thorough"):
        return True
    if step or config.getoption("keyword"):
        return not mark or _is_daily(item) or bool(step and mark.kwargs.get("or_its_step"))
    return _is_daily(item) and not mark


def _is_about(item: pytest.Item, step: str) -> bool:
    """Whether a test is about this folder, or sees that what it adds does not hold one step earlier."""
    folder, practice = _folder_of(item), _parameter(item, "practice", Practice)
    later = [each for each in tutorial.load() if each.name == step and folder in each.builds_on[-1:]]
    return folder == step or any(practice and practice.id in each.adds for each in later)


def _is_daily(item: pytest.Item) -> bool:
    """Whether `make test` runs it: unit tests, what the matrix names, and the cells and sabotages that it marks."""
    is_unit = not {"system", "lab"} & set(item.path.parts)
    return is_unit or bool(item.get_closest_marker("daily")) or _name_in_room(item).startswith(DAILY_TESTS)


def _name_in_room(item: pytest.Item) -> str:
    """The name of a system test as the matrix has it: the module, and what follows."""
    return item.nodeid.rpartition("/system/")[2]


def _group(item: pytest.Item) -> str:
    """The tests that one process runs, one after the other: those of a subject, say, or this one alone."""
    return str(next((mark.args[0] for mark in item.iter_markers("xdist_group")), item.nodeid))


def _seconds(item: pytest.Item) -> int:
    """What a test takes of a free CPU, as far as it is known before."""
    seconds = SECONDS.get(item.path.stem, 0) or SECONDS_OF_SLOW * _is_slow(item)
    seconds += SECONDS_OF_SABOTAGE * len(_parameter(item, "sabotages", list) or ())
    practice = _parameter(item, "practice", Practice)
    return seconds + SECONDS_OF_NEEDS.get((practice and practice.needs) or "", 0)


def _is_slow(item: pytest.Item) -> bool:
    """Whether it is a practice that builds again or starts containers of its own."""
    practice = _parameter(item, "practice", Practice)
    return practice is not None and practice.slow


@pytest.fixture(scope="session", autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of the user's own changes what a test sees."""
    with isolated(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session", autouse=True)
def _session(_isolated: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever this session starts is removed at its end, also when it is killed.

    `make test` and `make test-all` have brought the base images; a folder or a name that is given may need others.
    """
    modules = {item.path.stem for item in request.session.items if "system" in item.path.parts}
    named = request.config.getoption("--step") or request.config.getoption("keyword")
    if named and modules - NEED_NO_BASES:
        subprocess.run(["bootstrap/bases.sh"], cwd=ROOT, check=True)
    with engine.session() if modules else nullcontext():
        yield


def _browser() -> Iterator[Chrome]:
    try:
        with opened() as driver:
            yield driver
    except NoBrowser as reason:
        (pytest.fail if "CI" in os.environ else pytest.skip)(str(reason))


browser = pytest.fixture(_browser, name="browser")
shared_browser = pytest.fixture(_browser, scope="module", name="shared_browser")  # for all tests of a module


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Without an engine, everything else fails too: one line says so, instead of hundreds of tests."""
    if not report.failed or "/system/" not in report.nodeid or "PYTEST_XDIST_WORKER" in os.environ:
        return
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.exit("the engine does not answer any more; bootstrap/engine.sh starts it again", returncode=3)
