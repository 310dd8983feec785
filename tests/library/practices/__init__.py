"""The practices: what the articles claim, as checks of the real thing.

A practice is a file in the folder of its family. The file's name (with hyphens) is the practice's id, its docstring the
sentence that the scoreboard shows. Its function ``check`` returns when the practice holds of a
:class:`~library.subject.Subject`, raises :class:`Violation` when it is seen not to, and :class:`NotAsked` when the
subject lacks what it takes to see that. Its list ``TURNS_RED`` has the changes of a folder that it must notice.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from subprocess import CalledProcessError
from typing import Literal

from python_on_whales.exceptions import DockerException

from ..engine import BuildFailed, NotReady, last_line
from ..engine import NotAsked as NotAsked
from ..subject import Subject as Subject  # each practice needs it

Check = Callable[[Subject], None]
# What a folder may lack, and why practices that are about it are then not asked: nobody could see them fail.
NEEDS = {
    "compose": "no compose file says how the app is started",
    "database": "it is about step 5's guestbook and its database",
    "debug-file": "it starts extra 4's own `compose.debug.yaml`",
    "export": "there is no requirements.txt beside a poetry.lock, from which it is exported",
    "healthcheck": "neither the image nor the compose file has a health check",
    "manifests": "it compares the image with the manifests in `kubernetes/`, as extra 7 has them",
    "modes": "it tries the three words of step 5's own entrypoint",
    "page": "it looks at what the page of step 5's guestbook links to",
    "published": "no compose file publishes a port of the app",
    "release": "it publishes and deploys with extra 5's own `publish.sh` and `deploy.sh`",
    "stack": "it deploys extra 6's own `stack.yaml` and `compose.tls.yaml`",
    "test-service": "it runs the service `test` that the tutorial's compose files have",
    "test-stage": "no stage of the Dockerfile runs the tests while it is built",
    "vendors": "it compares the image with extra 7's files for Cloud Run, Fly.io and Azure Container Apps",
    "version": "it asks for what step 5 answers to GET /version",
    "watch": "no service of a compose file watches your files (`develop: watch:`)",
}

Weight = Literal["loss", "access", "unnoticed", "cost", "taste", "ours"]
# Why it matters where a practice does not hold, the worst first. The last one is about names and conventions of the
# tutorial's own: nobody else is asked. The one before is no fault in every project: a remark.
WEIGHTS: dict[Weight, str] = {
    "loss": "requests or data may be lost",
    "access": "somebody may get in, or get further",
    "unnoticed": "nobody would notice in time",
    "cost": "it costs time or space",
    "taste": "a matter of taste, or of some platforms",
    "ours": "the tutorial's own conventions",
}


class Violation(Exception):
    """A practice was seen not to hold.

    Args:
        seen: what was seen instead.
        by_hand: the commands that show it, run in the folder.
        weight: why this matters, where that is less than what the practice is about.
    """

    def __init__(self, seen: str, *by_hand: str, weight: Weight | None = None) -> None:
        super().__init__(seen)
        self.seen, self.by_hand, self.weight = seen, by_hand, weight


@dataclass(frozen=True)
class Sabotage:
    """A change of one file of a folder, which the practice must notice in whose file it stands."""

    what: str
    path: str  # the file, below its folder
    old: str  # a regular expression that matches what is replaced, once
    new: str
    also: Collection[str] = ()  # the ids of other practices that must notice it, too
    reachable_with: Mapping[str, str] = field(default_factory=dict)  # lets the other practices reach the app
    symptom: str = ""  # what a user or an operator of the app would report; it makes this an exercise
    practice: str = ""  # the id of the practice, which needs no mention in its own file

    @property
    def folder(self) -> str:
        return self.path.partition("/")[0]

    @property
    def file(self) -> str:
        return self.path.partition("/")[2]

    @property
    def breaks(self) -> set[str]:
        """The ids of all practices that must notice it."""
        return {self.practice, *self.also}


@dataclass(frozen=True)
class Practice:
    """A check with its id, the family (folder) that it belongs to, and the sentence that it proves."""

    id: str
    family: str
    sentence: str
    check: Check
    weight: Weight  # why it matters where it does not hold
    slow: bool  # it builds again or starts containers of its own: half a minute, where others take a second
    slow_to_fail: bool  # it takes a minute or so to be seen *not* to hold
    builds: bool  # it reads the Dockerfile, or builds something: that the image is the same says nothing of it
    needs: str | None  # what it is about, if a folder may lack that: a key of ``NEEDS``, in ``has`` of tutorial.toml
    # The changes of a folder that it must notice. Compared, nobody could put a practice into a set.
    turns_red: tuple[Sabotage, ...] = field(default=(), compare=False)

    def applies_to(self, has: frozenset[str]) -> bool:
        """Whether it is asked of what has these things."""
        return self.needs is None or self.needs in has

    def concerns_everybody(self, has: frozenset[str]) -> bool:
        """Whether somebody else's project that has these things is asked, too."""
        return self.weight != "ours" and self.applies_to(has)


def practice(
    weight: Weight, *, slow: bool = False, slow_to_fail: bool = False, builds: bool = False, needs: str | None = None
) -> Callable[[Check], Practice]:
    """Make a file's check a practice; :class:`Practice` says what the arguments mean."""

    def of(check: Check) -> Practice:
        *_, family, name = check.__module__.split(".")
        sentence = " ".join((sys.modules[check.__module__].__doc__ or "").split())
        return Practice(name.replace("_", "-"), family, sentence, check, weight, slow, slow_to_fail, builds, needs)

    return of


Outcome = Literal["holds", "violated", "not asked"]
MARKS = {"violated": "✘", "remark": "•", "not asked": "–", "holds": "✔"}  # a remark is a violation of taste


@dataclass(frozen=True)
class Answer:
    """What came of asking a practice."""

    outcome: Outcome
    reason: str = ""  # what was seen, or why it was not asked
    by_hand: tuple[str, ...] = ()  # commands to see it by
    weight: Weight | None = None  # that of what was seen, where it is not the practice's


def ask(practice: Practice, subject: Subject) -> Answer:
    """Ask a practice of any subject. Whatever goes wrong meanwhile is a reason for not having asked."""
    if practice.needs and not practice.applies_to(subject.has):
        return Answer("not asked", NEEDS[practice.needs])
    try:
        practice.check(subject)
    except Violation as violation:
        return Answer("violated", violation.seen, violation.by_hand, violation.weight)
    except NotAsked as reason:
        return Answer("not asked", str(reason))
    except (BuildFailed, NotReady) as error:
        return Answer("not asked", f"could not be asked: {error.brief}")
    except Exception as error:  # a project that nobody has seen may surprise any practice
        return Answer("not asked", f"could not be asked: {last_line_of(error)}")
    return Answer("holds")


def last_line_of(error: Exception) -> str:
    """An exception as one line: the last one of a command that failed says most."""
    if isinstance(error, DockerException):
        return last_line(error.stderr or "") or f"{' '.join(error.docker_command)[:100]}: exit code {error.return_code}"
    if isinstance(error, CalledProcessError) and error.stderr:
        return last_line(error.stderr)
    return f"{type(error).__name__}: {last_line(str(error))}"


def _load() -> Iterator[Practice]:
    """The practices of all files in the folders of families, in the order of their names."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        if not module.ispkg and module.name.rpartition(".")[0] != __name__:
            file = importlib.import_module(module.name)
            check: Practice = file.check
            changes = (replace(change, practice=check.id) for change in getattr(file, "TURNS_RED", ()))
            yield replace(check, turns_red=tuple(changes))


PRACTICES = {practice.id: practice for practice in _load()}


def known(name: str, option: str) -> Practice:
    """The practice that somebody names, as the value of an option; a ValueError says which is meant, perhaps."""
    if name in PRACTICES:
        return PRACTICES[name]
    near = get_close_matches(name, PRACTICES, 1)
    hint = f"did you mean {near[0]}?" if near else "tests/README.md lists them"
    raise ValueError(f"{option}: there is no practice {name}; {hint}")
