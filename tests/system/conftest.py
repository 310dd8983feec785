"""The life cycle of a test session that starts containers."""

from collections.abc import Iterator

import pytest

from library import engine


@pytest.fixture(scope="session", autouse=True)
def _session(_isolated: None) -> Iterator[None]:
    """Whatever this session starts is removed at its end, also when it is killed."""
    with engine.session():
        yield
