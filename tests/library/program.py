"""Programs that run in a container, by the Python that is there: functions of ours, of which the source is sent.

So such a function imports what it needs itself, names the others that it calls, and has to do with Python 3.8, as some
images have it. What it returns is what Python can write down and read again: numbers, texts, lists and the like.
"""

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Every image of Python's has this name; whoever looks around leaves no bytecode behind.
PYTHON = ("python3", "-B", "-c")


@dataclass(frozen=True)
class Program(Generic[T_co]):
    """A function, and its source after that of the programs that it calls."""

    function: Callable[..., T_co]
    definition: str

    def __call__(self, *arguments: Any) -> T_co:
        return self.function(*arguments)

    def source(self, *arguments: Any, use: str = "{}") -> str:
        """The source of a call, and what is done with what it returns."""
        call = f"{self.function.__name__}({', '.join(map(repr, arguments))})"
        return f"from __future__ import annotations\n{self.definition}\n{use.format(call)}\n"

    def command(self, *arguments: Any) -> list[str]:
        """A command that runs it, and prints only what it prints itself."""
        return [*PYTHON, self.source(*arguments)]

    def ask(self, run: Callable[[list[str]], str], *arguments: Any) -> T_co:
        """Let somebody run a command, which prints what the function returns after whatever is printed otherwise."""
        printed = run([*PYTHON, self.source(*arguments, use="print(ascii({}))")])
        returned: T_co = ast.literal_eval(printed.rstrip().rpartition("\n")[2])
        return returned


def in_container(*calls: Program[Any]) -> Callable[[Callable[..., T]], Program[T]]:
    """Make a function a program; it may call these others."""

    def of(function: Callable[..., T]) -> Program[T]:
        source = inspect.getsource(function)  # at once: somebody may edit the file while tests run
        definitions = [*(program.definition for program in calls), source[source.index("def ") :]]
        return Program(function, "\n".join(definitions))

    return of


LOOKS: list[Program[Any]] = []


def look(*calls: Program[Any]) -> Callable[[Callable[..., T]], Program[T]]:
    """Make a function without parameters a program that changes nothing: `Running.look` runs all of them at once."""

    def of(function: Callable[..., T]) -> Program[T]:
        LOOKS.append(program := in_container(*calls)(function))
        return program

    return of


@in_container()
def run_all(sources: list[str]) -> list[tuple[object, str]]:
    """Run sources that call something `returned`: what that is, or the traceback of what went wrong instead."""
    import traceback

    outcomes: list[tuple[object, str]] = []
    for source in sources:
        names: dict[str, object] = {}
        try:
            exec(source, names)  # noqa: S102  it is a program of ours
        except Exception:
            outcomes.append((None, traceback.format_exc()))
        else:
            outcomes.append((names["returned"], ""))
    return outcomes
