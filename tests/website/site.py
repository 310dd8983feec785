"""The articles as a site, with search, and with what changed between any two folders: ``make site``.

Sphinx builds it, with MyST, which reads Markdown with markdown-it-py: every list and table is what GitHub makes of it,
within ``<details>``, too. (Zensical 0.0.73 was tried: 21 of the 29 items of final's lists are no list there.)
Each page is made from the page that GitHub shows; nothing is written twice. What is added is the place on the road, a
switch above each file, and the address of files that are no pages: in the repository, at this version.
"""

import argparse
import functools
import hashlib
import html
import io
import json
import posixpath
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish
from sphinx.util.docutils import docutils_namespace

from library import repository
from library.practices import PRACTICES
from library.tutorial import ROOT, load, short_name
from score.addresses import Source, source
from score.report import marked, taught_by

OUT = ROOT / "_site"
HERE = Path(__file__).parent
MUTANTS = ROOT / "tests/lab/mutants.md"
NAME = "Dockerizing Python, step by step"
FOLDERS = {folder.name: folder for folder in load()}
LOOK_UP = "To look things up"
FIRST = ("Dockerfile", "compose.yaml", ".dockerignore")  # of a folder's files
# What is made from other files: whether it differs is said, and not how. The articles are compared by reading.
MADE = re.compile(r"(^|/)(poetry\.lock|package-lock\.json|requirements[\w-]*\.txt)$")

GENERATED = re.compile(r"<!-- \[\[\[cog(?P<code>.*?)\]\]\] -->\n(?P<text>.*?)<!-- \[\[\[end\]\]\] -->\n", re.DOTALL)
FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")


class Words(SearchEnglish):
    """What search finds: words, and names of several words, such as the practices have, in whole and in parts."""

    js_splitter_code = r"var splitQuery = (query) => query.match(/[\p{L}\p{N}_]+(-[\p{L}\p{N}_]+)*/gu) || [];"

    def split(self, input: str) -> list[str]:  # noqa: A002  as Sphinx calls it
        words = []
        for word in re.findall(r"\w+(?:-\w+)*", input):
            parts = word.split("-")
            ends = range(1, len(parts) + 1)
            words += ["-".join(parts[start:end]) for end in ends for start in range(end)]
        return words


class Unbuildable(Exception):
    """The site cannot be built or shown; the message says why."""


def version() -> str:
    """The version of the final files: the newest section of the change log."""
    return (ROOT / "CHANGELOG.md").read_text().partition("\n## ")[2].split()[0]


def navigation() -> dict[str, list[str]]:
    """The pages in reading order, as paths in the repository, by the heading above them."""
    names = list(FOLDERS)
    final = names.index("final") + 1
    road = [name for name in names if name.startswith("step-")]
    references = [folder.reference.name for folder in FOLDERS.values() if folder.reference]

    lab = [f"tests/lab/{page}.md" for page in ("README", "mutants", "hadolint")]

    def readme(*folders: str) -> list[str]:
        return [f"{folder}/README.md" for folder in folders]

    return {
        "The main road": readme(*road),
        "On to final": readme(*names[len(road) : final]),
        "From final on": readme(*names[final:]),
        LOOK_UP: readme(*references),
        "How it is proven": [*readme("tests"), *lab, *readme("assets", "bootstrap")],
        "The project": ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
    }


PAGES = ("README.md", *(page for pages in navigation().values() for page in pages))


def staged(page: str, text: str, where: Source) -> str:
    """A page as the generator reads it.

    Args:
        page: its path in the repository.
        text: what is in it, for GitHub.
        where: where links to other files lead.
    """
    shown: set[str] = set()
    text = GENERATED.sub(lambda part: _generated(part["code"], part["text"], shown), text)
    parts = FENCED.split(text)
    prose = [LINK.sub(lambda link: _link(page, link, where), part) for part in parts[::2]]
    parts[::2] = prose
    parts[1::2] = [_drawing(part) if part.startswith("```mermaid\n") else part for part in parts[1::2]]
    text = "".join(parts)
    folder = page.removesuffix("/README.md")
    if folder in FOLDERS:
        text = re.sub(r"^# .*\n", lambda title: f"{title[0]}\n{_place(folder)}\n", text, count=1, flags=re.MULTILINE)
    return text


def docname(page: str) -> str:
    """What the generator calls a page: a folder's README.md is its index."""
    return re.sub(r"(^|/)README\.md$", r"\1index.md", page).removesuffix(".md")


def _link(page: str, link: re.Match[str], where: Source) -> str:
    """A link or picture of a page: to another page, to a file in the repository, or as it is."""
    path, _, anchor = link["target"].partition("#")
    if link["image"] or not path or re.match(r"[a-z]+:", path):
        return link[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if f"{target}/README.md" in PAGES:
        target += "/README.md"
    if not (ROOT / target).exists():
        raise Unbuildable(f"{page}: there is no {link['target']}")
    if target in PAGES:
        address = posixpath.relpath(f"{docname(target)}.md", posixpath.dirname(page) or ".")
    elif where.page:
        address = where.link(target, folder=(ROOT / target).is_dir())
    else:
        return link["text"]
    return f"[{link['text']}]({address}{f'#{anchor}' if anchor else ''})"


def _generated(code: str, text: str, shown: set[str]) -> str:
    """A generated part of a page: the navigation is made anew, a file gets its switch where the page first shows it."""
    if "pages.navigation(" in code:
        return ""
    call = re.search(r'pages\.(diff|file|part)\("([^"]+)"(?:, "([^"]+)")?', code)
    if not call:
        return text
    kind, name, more = call.groups()
    path = f"{name}/{more or 'Dockerfile'}" if kind == "diff" else name
    views = _views(path) if path.partition("/")[0] in FOLDERS else ""
    if path in shown or not views:
        return text
    shown.add(path)
    first = {"diff": "changed", "file": "whole", "part": "here"}[kind]
    before = _before(path) if "changed" in views else ""
    head = f'<div class="file" data-file="{path}" data-shows="{first}" data-before="{before}" data-views="{views}">'
    return f"{head}\n\n{text}\n\n</div>\n"


def _views(path: str) -> str:
    """The views of a file that there are beside its text."""
    views = ["changed"] * (_before(path) != "") + ["whole"] + ["matters"] * bool(reasons(ROOT / path))
    return " ".join(views) if len(views) > 1 else ""


def _before(path: str) -> str:
    """The file that a folder's file is compared with, or nothing, where it is new."""
    folder, _, file = path.partition("/")
    if not FOLDERS[folder].builds_on and file != "Dockerfile":
        return ""
    before = FOLDERS[folder].before(file)
    return str(before.relative_to(ROOT)) if before.is_file() else ""


def _drawing(fence: str) -> str:
    """A drawing, which the browser draws."""
    text = fence.removeprefix("```mermaid\n").removesuffix("```")
    return f'<pre class="mermaid">\n{html.escape(text, quote=False)}</pre>'


def _place(name: str) -> str:
    """Where a folder is on the road: what it builds on, and what builds on it."""

    def links(names: list[str]) -> str:
        return ", ".join(f'<a href="../{other}/index.html">{short_name(other)}</a>' for other in names)

    before = list(FOLDERS[name].builds_on)
    after = [folder.name for folder in FOLDERS.values() if name in folder.builds_on]
    parts = [f"Builds on {links(before)}." if before else "The first folder."]
    if after:
        parts.append(f"Leads to {links(after)}.")
    parts += [
        f'<a href="../compare.html#{other}..{name}">All that changed since {short_name(other)}</a>.' for other in before
    ]
    return f'<p class="road">{" ".join(parts)}</p>\n'


@functools.cache
def reasons(file: Path) -> dict[int, list[str]]:
    """Why the lines of a folder's file are there, as HTML, by number from 0.

    A reason is the comment above a line, and what turned red without the line.
    """
    lines = file.read_text().splitlines()
    by_line: dict[int, list[str]] = {}
    comment: list[str] = []
    for number, line in enumerate(lines):
        if re.match(r"\s*#(?!!)", line):
            comment.append(line.strip().lstrip("# "))
            continue
        if comment and line.strip():
            by_line[number] = [marked(" ".join(comment))]
        comment = []
    defences = _defences(file.relative_to(ROOT).parts[0])
    for number, line in enumerate(lines):
        if defence := defences.get((file.name, line.strip().removesuffix("\\").strip())):
            by_line.setdefault(number, []).append(f"Without it, or with less: {marked(defence)}")
    return dict(sorted(by_line.items()))


@functools.cache
def _defences(folder: str) -> dict[tuple[str, str], str]:
    """What fails without a line, as the lab's page says it, by file and line; also of what the folder builds on."""
    defences = {key: text for base in FOLDERS[folder].builds_on for key, text in _defences(base).items()}
    section = MUTANTS.read_text().partition(f"### {folder}\n")[2].partition("\n### ")[0]
    for file, rows in re.findall(r"^`([^`]+)`$(.*?)(?=^`|\Z)", section, re.DOTALL | re.MULTILINE):
        for line, defence in re.findall(r"^\| `(.+?)(?: \([\w ]+\))?` \| (?!nothing)(.+) \|$", rows, re.MULTILINE):
            defences[file, line.replace("\\|", "|")] = html.unescape(defence.replace("\\|", "|"))
    return defences


def compared() -> dict[str, Any]:
    """What ``compare.html`` and the switches show: the folders with their files, and the practices."""
    folders = {}
    for folder in FOLDERS.values():
        names = sorted(map(str, repository.files(folder.path)))
        names = [*(name for name in FIRST if name in names), *(name for name in names if name not in FIRST)]
        folders[folder.name] = {
            "short": short_name(folder.name),
            "title": folder.title,
            "practices": {
                practice.id: "yes" if practice.id in folder.holds else "no"
                for practice in PRACTICES.values()
                if practice.applies_to(folder.has)
            },
            "gives_up": _given_up(folder.name),
            "files": {name: _file(folder.path / name) for name in names if name != "README.md"},
        }
    practices = {
        practice.id: {"sentence": marked(practice.sentence), "folder": taught_by(practice.id)}
        for practice in PRACTICES.values()
    }
    return {"folders": folders, "practices": practices}


def _given_up(name: str) -> dict[str, str]:
    """The practices that a folder, or one that it builds on, gives up, and the reasons as HTML."""
    folder = FOLDERS[name]
    inherited = {id_: reason for base in folder.builds_on for id_, reason in _given_up(base).items()}
    own = {id_: marked(reason) for id_, reason in folder.gives_up.items()}
    return {id_: reason for id_, reason in {**inherited, **own}.items() if id_ not in folder.holds}


def _file(path: Path) -> dict[str, Any]:
    """A file: its lines as HTML with the reasons of some, or what tells it from another one."""
    text = path.read_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if MADE.search(str(path)):
        return {"digest": digest}
    try:
        lexer = get_lexer_for_filename(path.name, text)
    except ClassNotFound:
        lexer = TextLexer()
    lines = highlight(text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n") if text.strip() else []
    return {"digest": digest, "lines": lines, "reasons": reasons(path)}


def _titles(pages: list[str], texts: Mapping[str, str]) -> Iterator[str]:
    """Entries of a table of contents; a folder that does not build on the one before it says on which it does."""
    names = list(FOLDERS)
    for page in pages:
        title = re.findall(r"^# (.*)$", texts[page], re.MULTILINE)[0]
        name = page.removesuffix("/README.md")
        if name in FOLDERS and names.index(name) and FOLDERS[name].builds_on != (names[names.index(name) - 1],):
            title += f" (after {' and '.join(map(short_name, FOLDERS[name].builds_on))})"
        yield f"{title} </{docname(page)}>"


def texts_of_pages() -> dict[str, str]:
    return {page: (ROOT / page).read_text() for page in PAGES}


def _stage(folder: Path, where: Source, texts: Mapping[str, str]) -> None:
    """Write the pages, and what they show, for the generator."""
    for page, text in texts.items():
        file = folder / f"{docname(page)}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(staged(page, text, where))
    with (folder / "index.md").open("a") as index:
        for heading, pages in navigation().items():
            entries = [*["Compare two folders </compare>"] * (heading == LOOK_UP), *_titles(pages, texts)]
            index.write("\n".join(["\n```{toctree}", ":hidden:", f":caption: {heading}", "", *entries, "```\n"]))
    shutil.copy(HERE / "compare.md", folder)
    shutil.copytree(
        ROOT / "assets", folder / "assets", ignore=shutil.ignore_patterns("*.md", "*.json"), dirs_exist_ok=True
    )
    static = folder / "_static"
    static.mkdir()
    (static / "files.js").write_text(f"window.FILES = {json.dumps(compared(), ensure_ascii=False)};\n")
    for file in (HERE / "site.css", HERE / "site.js", HERE / "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"):
        shutil.copy(file, static)


def build(out: Path, where: Source, texts: Mapping[str, str]) -> None:
    """Build the site.

    Args:
        out: the folder to write; what is in it is replaced.
        where: where links to files lead.
        texts: the pages, by their path in the repository.

    Raises:
        Unbuildable: a page has a dead link, or something else that the generator does not understand.
    """
    with tempfile.TemporaryDirectory() as temporary:
        pages, html_folder, warnings = Path(temporary, "pages"), Path(temporary, "html"), io.StringIO()
        pages.mkdir()
        _stage(pages, where, texts)
        settings = {
            "project": NAME,
            "html_title": NAME,
            "release": version(),
            "root_doc": "index",
            "extensions": ["myst_parser"],
            "myst_heading_anchors": 6,
            "html_theme": "furo",
            "html_static_path": ["_static"],
            "html_css_files": ["site.css"],
            "html_js_files": [("site.js", {"defer": "defer"})],
            "html_context": {
                "source": where.page and f"{where.page}/tree/{where.commit}",
                "source_name": f"commit {where.commit[:7]}",
            },
            "templates_path": [str(HERE / "templates")],
            "html_show_copyright": False,
            "html_copy_source": False,
            "html_use_index": False,
            "smartquotes": False,  # GitHub leaves quotation marks and -- as they are
            "suppress_warnings": ["misc.highlighting_failure"],  # no lexer knows a Caddyfile
        }
        doctrees = Path(temporary, "doctrees")
        with docutils_namespace():  # two in one process, as in a test, would be in each other's way
            app = Sphinx(pages, None, html_folder, doctrees, "html", settings, status=None, warning=warnings)
            app.add_search_language(Words)
            app.build()
        if complaints := warnings.getvalue().replace(f"{pages}/", "").strip():
            raise Unbuildable(re.sub(r"\x1b\[[\d;]*m", "", complaints))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(html_folder, out, ignore=shutil.ignore_patterns(".buildinfo*", "objects.inv", "_sources"))


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """What shows a folder on this machine alone.

    Raises:
        Unbuildable: the port is taken, or none.
    """

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    try:
        return ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=str(folder)))
    except (OSError, OverflowError) as reason:
        raise Unbuildable(f"port {port}: {reason}; PORT=9000 names another one") from None


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the articles as a site.")
    parser.add_argument("--serve", help="show it on this port")
    port = parser.parse_args().serve
    try:
        if not (port is None or port.isdecimal()):
            raise Unbuildable(f"PORT={port} is no port")
        shown = server(OUT, int(port)) if port else None
        where = source()
        build(OUT, where, texts_of_pages())
        print(f"site: {OUT / 'index.html'}")
        if not where.page:
            print("site: no address of a repository is known (git remote origin): files that are no pages have no link")
        if shown:
            print(f"site: http://127.0.0.1:{shown.server_port}/ (Ctrl-C ends it)", flush=True)
            shown.serve_forever()
    except Unbuildable as reason:
        print(f"site: {reason}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
