"""The practices: what the articles claim, as checks of the real thing.

A practice is a function of a :class:`~engine.Subject`. Its docstring is the sentence that the scoreboard shows, its
name (with hyphens) the practice's id. It returns when the practice holds and raises :class:`Violation` when it is seen
not to.
"""

from collections.abc import Callable
from dataclasses import dataclass

from engine import Subject

PRACTICES: dict[str, "Practice"] = {}


class Violation(Exception):
    """A practice was seen not to hold.

    Args:
        seen: what was seen instead.
        by_hand: the commands that show it, run in the folder.
    """

    def __init__(self, seen: str, *by_hand: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.by_hand = by_hand


@dataclass(frozen=True)
class Practice:
    """A check with its id, the family (module) it belongs to, and the sentence that it proves."""

    id: str
    family: str
    sentence: str
    check: Callable[[Subject], None]


def practice(check: Callable[[Subject], None]) -> Callable[[Subject], None]:
    """Register a function as a practice."""
    id_ = check.__name__.replace("_", "-")
    sentence = " ".join((check.__doc__ or "").split())
    PRACTICES[id_] = Practice(id_, check.__module__.rpartition(".")[2], sentence, check)
    return check


from . import build, commit, data, runtime, security  # noqa: E402, F401  they register themselves
