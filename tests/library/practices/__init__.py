"""The practices: what the articles claim, as checks of the real thing.

A practice is a function of a :class:`~library.subject.Subject`. Its docstring is the sentence that the scoreboard
shows, its name (with hyphens) the practice's id. It returns when the practice holds and raises :class:`Violation` when
it is seen not to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..subject import Subject

PRACTICES: dict[str, "Practice"] = {}

Check = Callable[[Subject], None]
Thing = Literal["database", "page"]


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
    """A check with its id, the family (module) it belongs to, and the sentence that it proves.

    Args:
        slow: it builds again or starts containers of its own: half a minute, where others take a second.
        slow_to_fail: it takes a minute or so to be seen *not* to hold.
        needs: a thing that an app must have for the practice to be asked; ``has`` in tutorial.toml names it.
    """

    id: str
    family: str
    sentence: str
    check: Check
    slow: bool
    slow_to_fail: bool
    needs: Thing | None

    def applies_to(self, has: frozenset[str]) -> bool:
        return self.needs is None or self.needs in has


def practice(*, slow: bool = False, slow_to_fail: bool = False, needs: Thing | None = None) -> Callable[[Check], Check]:
    """Register a function as a practice; :class:`Practice` says what the arguments mean."""

    def register(check: Check) -> Check:
        id_ = check.__name__.replace("_", "-")
        sentence = " ".join((check.__doc__ or "").split())
        family = check.__module__.rpartition(".")[2]
        PRACTICES[id_] = Practice(id_, family, sentence, check, slow, slow_to_fail, needs)
        return check

    return register


def needs() -> dict[str, str | None]:
    """The id of every practice, and the thing that it needs."""
    return {practice.id: practice.needs for practice in PRACTICES.values()}


from . import build, commit, data, image, runtime, security  # noqa: E402, F401  they register themselves
