"""A test that fails says so once."""

import ast

from library.tutorial import ROOT


def test_no_failure_is_told_during_the_handling_of_another_one() -> None:
    """``pytest.fail`` in an ``except`` block shows both: ``raise pytest.fail.Exception(...) from None`` shows one."""
    twice = [
        f"{module.relative_to(ROOT)}:{call.lineno}"
        for module in (ROOT / "tests").glob("**/test_*.py")
        for handler in ast.walk(ast.parse(module.read_text()))
        if isinstance(handler, ast.ExceptHandler)
        for call in ast.walk(handler)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.fail"
    ]
    assert not twice
