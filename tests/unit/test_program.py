"""Programs for containers: each stands for itself, and an old Python can read it."""

import ast
import builtins
import subprocess
import symtable
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from library import practices, program, subject
from library.engine import docker
from library.program import Program, in_container, look


def names_from_elsewhere(table: symtable.SymbolTable) -> set[str]:
    """The names in a piece of source that it neither defines nor has as its own."""
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return names.union(*map(names_from_elsewhere, table.get_children())) - set(dir(builtins))


def misses(one: Program[Any]) -> set[str]:
    """The names that a program would look for in vain where it runs."""
    table = symtable.symtable(one.source(), one.function.__name__, "exec")
    defined = (symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported())
    return names_from_elsewhere(table) - {*defined}


def programs() -> Iterator[Any]:
    modules = [module for name, module in sys.modules.items() if name.startswith(("library.", practices.__name__))]
    there = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Program)}
    return (pytest.param(one, id=one.function.__name__) for one in there.values())


@pytest.mark.parametrize("one", list(programs()))
def test_a_program_names_what_it_calls_and_can_be_read_by_python_3_8(one: Program[Any]) -> None:
    ast.parse(one.source(), feature_version=(3, 8))
    assert not misses(one), "import it in the function, or name it: @in_container(...)"


@in_container()
def twice(numbers: list[int]) -> dict[str, tuple[int, ...]]:
    print("said by somebody else")
    return {"twicé": tuple(2 * number for number in numbers)}


@in_container()
def calls_what_it_does_not_name() -> object:
    return [twice([number]) for number in (1, sys.maxsize)]


@in_container(twice)
def newer() -> object:
    match twice([]):
        case _:
            return None


def run(command: list[str]) -> str:
    return subprocess.run([sys.executable, *command[1:]], capture_output=True, text=True, check=True).stdout


def test_what_a_program_returns_comes_back_as_it_was() -> None:
    assert twice.ask(run, [1, 2]) == twice([1, 2]) == {"twicé": (2, 4)}


def test_a_program_that_needs_more_is_noticed() -> None:
    assert misses(calls_what_it_does_not_name) == {"twice", "sys"}
    assert not misses(newer)
    with pytest.raises(SyntaxError):
        ast.parse(newer.source(), feature_version=(3, 8))


def test_looks_are_run_at_once_and_one_that_fails_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    looks: list[Program[Any]] = []

    def execute(_: str, command: list[str], **options: None) -> str:
        assert options == {"user": None}
        commands.append(command)
        return run(command)

    monkeypatch.setattr(docker, "execute", execute)
    for module in (program, subject):
        monkeypatch.setattr(module, "LOOKS", looks)

    @look()
    def fails() -> int:
        return 1 // 0

    @look(twice)
    def works() -> object:
        return twice([3])

    running = subject.Running(docker, "web", ())
    running.__dict__["container"] = "a container"
    assert running.look(works) == {"twicé": (6,)}
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        running.look(fails)
    assert len(commands) == 1
