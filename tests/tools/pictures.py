"""Pictures of a terminal, for the articles: the commands that a test ran, and what they printed."""

import io
import re
from pathlib import Path

from rich.console import CONSOLE_SVG_FORMAT, Console  # type: ignore[attr-defined]
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text

WIDTH = 80  # characters
THEMES = {"": DEFAULT_TERMINAL_THEME, "-dark": SVG_EXPORT_THEME}
# Rich's own template loads a font from elsewhere, which the pages of a repository do not allow.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
FORMAT = FORMAT.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace").replace(
    "arial", "sans-serif"
)


def draw(file: Path, title: str, steps: list[tuple[str, str]]) -> None:
    """Write ``FILE.svg`` for light pages and ``FILE-dark.svg`` for dark ones.

    Args:
        file: where, without the suffix.
        title: what stands above the terminal.
        steps: each command with its output.
    """
    for suffix, theme in THEMES.items():
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        for command, output in steps:
            console.print(Text.assemble(("$ ", "green"), (command, "bold")))
            if output:
                console.print(Text(output))
        svg = console.export_svg(title=title, theme=theme, code_format=FORMAT, unique_id="terminal")
        file.with_name(f"{file.name}{suffix}.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE))
