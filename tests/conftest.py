"""Options and the life cycle of a test session."""

from collections.abc import Iterator

import pytest

import engine
import tutorial
from practices import PRACTICES

SHARING = {"test_contract", "test_practices"}  # the tests that look at one container of a subject


def pytest_configure() -> None:
    """A mistake in tutorial.toml is one line, not a traceback from every module that reads it."""
    try:
        tutorial.load(PRACTICES)
    except tutorial.TutorialError as mistake:
        raise pytest.UsageError(f"tests/tutorial.toml: {mistake}") from None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--step", help="run only the tests of this folder")
    parser.addoption(
        "--thorough",
        action="store_true",
        help="every practice, in every folder and about every sabotage (a quarter of an hour more)",
    )


# pytest-xdist reads the groups in this hook, too: they have to be there first.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen folder's tests; send those that share a container to one worker, which starts it once."""
    step = config.getoption("--step")
    for item in items[:]:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        subject = parameters.get("subject")
        if isinstance(subject, engine.Subject) and item.path.stem in SHARING:
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
