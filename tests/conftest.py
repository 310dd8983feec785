"""Options and the life cycle of a test session."""

from collections.abc import Iterator

import pytest

import engine
import tutorial
from practices import PRACTICES


def pytest_configure() -> None:
    """A mistake in tutorial.toml is one line, not a traceback from every module that reads it."""
    try:
        tutorial.load(PRACTICES)
    except tutorial.TutorialError as mistake:
        raise pytest.UsageError(f"tests/tutorial.toml: {mistake}") from None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--step", help="run only the tests of this folder")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen folder's tests; send one subject's tests to one worker, where its image and container are."""
    step = config.getoption("--step")
    for item in items[:]:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        subject = parameters.get("subject")
        if isinstance(subject, engine.Subject):
            item.add_marker(pytest.mark.xdist_group(subject.name))
        if step and not (isinstance(subject, engine.Subject) and subject.path.name == step):
            items.remove(item)
    # One subject after the other: its image is built and its shared container started once.
    items.sort(key=lambda item: next((mark.args[0] for mark in item.iter_markers("xdist_group")), ""))


@pytest.fixture(scope="session", autouse=True)
def _session() -> Iterator[None]:
    """Whatever this session starts is removed at its end, also when it is killed."""
    end = engine.start_reaper()
    yield
    end()
