"""Mutants: every change of one thing in the files that people copy, made by a table of operators.

A mutant removes an instruction, option, variable or setting, or weakens it: a number becomes 0, 1 or sixty times as
much, a boolean its opposite, the exec form the shell form, ``USER`` root or a user without a group; a variable that is
read becomes the constant that is its default; two neighbours change places; something becomes what a colleague would
take for as good: another rounding, another mode, the number of another file that it has to differ from. Nothing here
needs an engine.
"""

import ast
import difflib
import json
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from library.dockerfile import Dockerfile
from library.tutorial import ROOT, Folder, load

EQUIVALENTS = ROOT / "tests/lab/equivalents.toml"
FILES = ("Dockerfile", "compose.yaml", "gunicorn.conf.py", "uwsgi.ini", ".dockerignore", "entrypoint.sh")

# Those in which only what a colleague would propose is tried (NEIGHBOURS, PAIRS).
MORE_FILES = (
    "Caddyfile", "stack.yaml", "compose.tls.yaml", "compose.release.yaml", "publish.sh", "sign.sh", "deploy.sh",
    "kubernetes/deployment.yaml", "kubernetes/migrate.yaml", "cloudrun.yaml", "fly.toml", "src/config/settings.py",
)  # fmt: skip

# What reads as well, and means something else.
NEIGHBOURS = (
    (r"\bceil\(", "int("),  # rounds down
    (r"\bmin\(", "max("),
    (r"(?<![\w-])checked-hash\b", "unchecked-hash"),
    (r"\bunless-stopped\b", "on-failure"),
    (r"\bservice_completed_successfully\b", "service_started"),
    (r"\bstart-first\b", "stop-first"),
    (r"(?<=failure_action: )rollback\b", "continue"),
    (r"\b0400\b", "0444"),
    (r"(?<= = )not DEVELOPMENT\b", "False"),
    (r"@sha256:\$DIGEST\b", ":latest"),  # a tag in the place of the digest
    (r"(?<=sleep: \{ seconds: )\d+", "0"),
)
# Numbers that have to differ from one in another file: each becomes the other one.
PATIENCE = ("gunicorn.conf.py", r'"GRACEFUL_TIMEOUT"\) or (\d+)')
PAIRS = {
    r"(?<=stop_grace_period: )\d+(?=s)": PATIENCE,
    r"(?<=terminationGracePeriodSeconds: )\d+": PATIENCE,
    r'(?<=kill_timeout = ")\d+(?=s)': PATIENCE,
    r"(?<=keepalive )\d+(?=s)": ("gunicorn.conf.py", r'"KEEP_ALIVE"\) or (\d+)'),
}

# What stands for less, where it is a word.
WEAKER = {
    "0.0.0.0": "127.0.0.1",  # noqa: S104  it is about what a container listens on
    "checked-hash": "timestamp",
    "unchecked-hash": "timestamp",
    "UNCHECKED_HASH": "TIMESTAMP",
    "service_healthy": "service_started",
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
}
# Options of commands that take the next word along, and those that say nothing about the image: what a program prints,
# and what it is to run.
TAKES_VALUE = {
    "-r", "-o", "-g", "-x", "-j", "--cache-dir", "--dest", "--find-links", "--invalidation-mode", "--only", "--output",
    "--python",
}  # fmt: skip
LEFT_ALONE = {"-c", "-m", "-q", "--quiet"}
# Functions that read a variable, and which of their arguments is the default.
READERS = {"get": 1, "setting": 1, "number": 1, "choice": 1}
# Functions that take any number of arguments, and how many other ones come first.
VARIADIC = {"min": 0, "max": 0, "choice": 1}
SHOWN = 110  # characters of a text in a mutant's name


@dataclass(frozen=True)
class Mutant:
    """A change of one thing in one file.

    Args:
        file: its name in the folder.
        part: where in the file: the stage, the path of the key, the function; may be empty.
        what: what is removed, or what becomes what.
        start: where the text begins that is replaced, in characters.
        old: that text.
        new: what stands there instead.
        number: tells mutants apart that read alike, from 1.
    """

    file: str
    part: str
    what: str
    start: int
    old: str
    new: str
    number: int = 1

    @property
    def id(self) -> str:
        """Its name, which says what is changed and not on which line: it outlives other changes of the file."""
        where = f"{self.file} ({self.part})" if self.part else self.file
        return f"{where}: {self.what}" + (f" [{self.number}]" if self.number > 1 else "")

    def apply(self, text: str) -> str:
        """The file with this change."""
        assert text[self.start :].startswith(self.old), self.id  # noqa: S101
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


Span = tuple[int, int]


@dataclass(frozen=True)
class _Edit:
    """A change of a text: what is replaced (from, to), by what, and the element around it that a name shows."""

    start: int
    end: int
    new: str = ""
    shown: Span | None = None
    part: str = ""
    says: str = ""

    def moved(self, by: int) -> "_Edit":
        shown = self.shown and (self.shown[0] + by, self.shown[1] + by)
        return replace(self, start=self.start + by, end=self.end + by, shown=shown)


@cache
def mutants(folder: Path) -> tuple[Mutant, ...]:
    """All mutants of a folder's files, file by file, in their order."""
    found: list[Mutant] = []
    dockerfile = folder / "Dockerfile"
    constants = _variables(Dockerfile(dockerfile.read_text())) if dockerfile.exists() else {}
    for name in (*FILES, *MORE_FILES):
        if (folder / name).exists():
            found += of_text(name, (folder / name).read_text(), constants, _others(folder))
    return tuple(found)


def _others(folder: Path) -> dict[str, str]:
    """The numbers that others have to differ from, by the regular expression of these."""
    others = {}
    for pattern, (name, other) in PAIRS.items():
        if (folder / name).exists() and (number := re.search(other, (folder / name).read_text())):
            others[pattern] = number[1]
    return others


@cache
def equivalents(folder: str) -> Mapping[str, str]:
    """The mutants of a folder that change nothing anybody could notice, by name, and the reason for each.

    What is said of a folder is said of those that build on it, too, where they have the same mutant.
    """
    folders = {found.name: found for found in load()}
    reasons: dict[str, str] = {}
    for base in folders[folder].builds_on:
        here = {mutant.id for mutant in mutants(folders[folder].path)}
        reasons |= {name: reason for name, reason in equivalents(base).items() if name in here}
    entries = tomllib.loads(EQUIVALENTS.read_text()).get("equivalent", [])
    return reasons | {name: e["reason"] for e in entries if folder in e["folders"] for name in e["mutants"]}


# What came of mutants: by folder, by the mutant's name, as `make mutate` writes it.
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]


def known(folder: Folder, results: Results) -> dict[str, Mapping[str, Any]]:
    """What came of a folder's mutants, by name, as far as they have been judged.

    A mutant of a file that is almost as it is in a folder which this one builds on is not asked about again, where both
    have it: it came to the same end here, if the practice that noticed it is promised here, too, or a test noticed it
    (``test_guestbook.py::test_…``). Nor is one of an instruction that only a container's start reads, HEALTHCHECK or
    CMD: nothing else in the file has a part in it. Such a result says ``in_folder``, the folder that was asked. One
    that survived there is asked about here.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for base in (base for base in load() if base.name in folder.builds_on):
        alike = {name for name in FILES if _alike(base.path / name, folder.path / name)}
        at_start = _of_the_start(folder.path) & _of_the_start(base.path)
        for name, entry in known(base, results).items():
            holds = entry["outcome"] == "refused" or entry["by"] in folder.holds or "::" in entry["by"]
            if (re.split("[: ]", name)[0] in alike or name in at_start) and holds:
                found[name] = {"in_folder": base.name, **entry}
    found |= results.get(folder.name, {})
    return {mutant.id: found[mutant.id] for mutant in mutants(folder.path) if mutant.id in found}


@cache
def _of_the_start(folder: Path) -> frozenset[str]:
    """The names of the mutants of those instructions of a Dockerfile that only a container's start reads."""
    spans = [
        (this.start, this.end)
        for this in _instructions((folder / "Dockerfile").read_text())
        if this.keyword in _READ_AT_START
    ]
    of_file = [mutant for mutant in mutants(folder) if mutant.file == "Dockerfile"]
    return frozenset(
        m.id for m in of_file if any(start <= m.start and m.start + len(m.old) <= end + 1 for start, end in spans)
    )


@cache
def _alike(file: Path, other: Path) -> bool:
    """Whether four fifths of the lines of two files are the same ones in the same order, comments aside."""
    if not (file.exists() and other.exists()):
        return False
    lines, others = (re.findall(r"^ *[^#\s].*$", each.read_text(), re.MULTILINE) for each in (file, other))
    return difflib.SequenceMatcher(None, lines, others, autojunk=False).ratio() >= 0.8


def figures(folder: Folder, results: Results) -> Counter[str]:
    """How many of a folder's mutants came to which end: killed, refused, survives; equivalent; missing.

    ``elsewhere`` are those of the killed and the refused that an earlier folder was asked about.
    """
    reasons, judged = equivalents(folder.name), known(folder, results)
    ends = Counter[str]()
    for mutant in mutants(folder.path):
        entry = judged.get(mutant.id, {"outcome": "missing"})
        ends["equivalent" if mutant.id in reasons else str(entry["outcome"])] += 1
        ends["elsewhere"] += mutant.id not in reasons and "in_folder" in entry
    return ends


def share(count: Mapping[str, int]) -> float:
    """The share of the killed among those that the engine starts and that are not equivalent; 0 to 1."""
    return count["killed"] / max(1, count["killed"] + count["survives"])


def survivors(folder: Folder, results: Results) -> list[str]:
    """The names of a folder's mutants that turned nothing red, and that are not equivalent."""
    reasons = equivalents(folder.name)
    return [name for name, e in known(folder, results).items() if e["outcome"] == "survives" and name not in reasons]


def summary(folder: Folder, results: Results) -> str:
    """The figures of a folder in words, and below them what survives."""
    count = figures(folder, results)
    said = (
        f"{folder.name}: {count['killed']} of {count['killed'] + count['survives']} killed ({share(count):.1%}),"
        f" {count['refused']} refused, {count['equivalent']} equivalent, {count['missing']} not judged yet"
    )
    return "\n  survives: ".join([said, *survivors(folder, results)])


def by_line(file: Path) -> dict[str, list[Mutant]]:
    """The lines of a folder's file that have mutants, and these: first those that take something of this line away."""
    text = file.read_text()
    found: dict[tuple[int, str], list[Mutant]] = {}
    for mutant in mutants(file.parent):
        if mutant.file == file.name:
            # What is removed may begin at the end of the line before: with what joins the two.
            joint = len(mutant.old) - len(mutant.old.lstrip(" \n\\&"))
            number = text.count("\n", 0, mutant.start + joint)
            line = text.splitlines()[number].strip().removesuffix("\\").strip().removesuffix("&&").strip()
            found.setdefault((number, line if len(line) <= SHOWN else f"{line[:SHOWN]}…"), []).append(mutant)
    for those in found.values():
        those.sort(key=lambda mutant: ("removed" not in mutant.what, len(mutant.old)))
    lines = Counter(line for _, line in found)
    return {line if lines[line] == 1 else f"{line} ({those[0].part})": those for (_, line), those in found.items()}


def of_text(
    file: str, text: str, constants: Mapping[str, str] | None = None, others: Mapping[str, str] | None = None
) -> list[Mutant]:
    """All mutants of one file.

    Args:
        file: its name, which says what language it is in.
        text: what is in it.
        constants: for variables that the image sets, their values.
        others: for regular expressions of numbers, the number that they have to differ from.
    """
    constants = constants or {}
    operators = {
        "Dockerfile": _of_dockerfile,
        "compose.yaml": _of_compose,
        "gunicorn.conf.py": _of_python,
        "uwsgi.ini": lambda text: _of_ini(text, constants),
        ".dockerignore": _of_dockerignore,
        "entrypoint.sh": _of_shell,
    }
    edits = [*_of_meaning(text, others or {})]
    if file in operators:
        edits += operators[file](text)
    found, seen = [], Counter[str]()
    done = {text}
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        changed = text[: edit.start] + edit.new + text[edit.end :]
        if changed in done:
            continue  # two operators had the same idea
        done.add(changed)
        mutant = Mutant(file, edit.part, _says(text, edit), edit.start, text[edit.start : edit.end], edit.new)
        seen[mutant.id] += 1
        found.append(replace(mutant, number=seen[mutant.id]))
    return found


def _says(text: str, edit: _Edit) -> str:
    """What an edit does, in a line."""
    if edit.says:
        return edit.says
    start, end = edit.shown or (edit.start, edit.end)
    before = _short(text[start:end])
    after = _short(text[start : edit.start] + edit.new + text[edit.end : end])
    return f"{before} → {after}" if after else f"{before} removed"


def _short(text: str) -> str:
    """A text on one line, without comments and continuations, the middle of a long one left out."""
    text = re.sub(r"^[ \t]*#(?!!).*$", "", text, flags=re.MULTILINE)
    text = " ".join(re.sub(r"\\\n", " ", text).split()).strip("& ")
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} … {text[-SHOWN // 2 :]}"


def _weakened(value: str) -> list[str]:
    """A value made weaker: a number with or without a unit, a boolean, a word of the table."""
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]*)", value):
        number, unit = found.groups()
        more = format(float(number) * 60, "g") if "." in number else str(int(number) * 60)
        return [new for new in (f"0{unit}", f"1{unit}", f"{more}{unit}") if new != value]
    return [WEAKER[value]] if value in WEAKER else []


def _weaker(text: str, start: int, end: int, shown: Span | None = None) -> Iterator[_Edit]:
    """The value that stands there made weaker."""
    return (_Edit(start, end, new, shown) for new in _weakened(text[start:end]))


def _without(pattern: str, text: str) -> Iterator[_Edit]:
    """The text without each thing that looks so."""
    return (_Edit(*found.span()) for found in re.finditer(pattern, text))


def _of_meaning(text: str, others: Mapping[str, str]) -> Iterator[_Edit]:
    """What a colleague would propose; comments are left alone."""
    for pattern, new in (*NEIGHBOURS, *others.items()):
        for found in re.finditer(pattern, text):
            start = text.rfind("\n", 0, found.start()) + 1
            end = (text.find("\n", found.end()) + 1 or len(text) + 1) - 1
            if not text[start:end].lstrip().startswith("#"):
                yield _Edit(*found.span(), new, (start, end))


def _words_weakened(text: str, start: int = 0) -> Iterator[_Edit]:
    """Edits for the words of a text that mean less when they are another one."""
    words = "|".join(sorted(map(re.escape, WEAKER), key=len, reverse=True))
    for word in re.finditer(rf"(?<![\w.-])(?:{words})(?![\w-]|\.\w)", text):
        yield _Edit(start + word.start(), start + word.end(), WEAKER[word[0]], (start, start + len(text)))


# Dockerfile


@dataclass(frozen=True)
class _Instruction:
    """An instruction of a Dockerfile as it stands there: its keyword, its place, and its stage or that one's number."""

    keyword: str
    start: int
    end: int
    text: str
    stage: str

    @property
    def masked(self) -> str:
        """The text with its positions; quoted text and groups in braces are one word, comments are none."""
        text = re.sub(r"^[ \t]*#.*$", lambda line: " " * len(line[0]), self.text, flags=re.MULTILINE)
        text = text.replace("\\\n", "  ").replace("\n", " ")
        text = re.sub(r"\"[^\"]*\"|'[^']*'", lambda quoted: "\0" * len(quoted[0]), text)
        return re.sub(r"\{ .*?; \}", lambda group: "\0" * len(group[0]), text)


def _instructions(text: str) -> list[_Instruction]:
    """The instructions of a Dockerfile (without here-documents, which no folder has)."""
    found: list[_Instruction] = []
    stage, number = "", 0
    for match in re.finditer(r"^(?!\s*#)([A-Za-z]+)[ \t](?:.*\\\n(?:[ \t]*#.*\n)*)*.*$", text, re.MULTILINE):
        keyword = match[1].upper()
        if keyword == "FROM":
            number += 1
            named = re.search(r" AS (\S+)", match[0], re.IGNORECASE)
            stage = named[1] if named else f"stage {number}"
        found.append(_Instruction(keyword, match.start(), match.end(), match[0], stage))
    # Another stage before it is no other name for the last one.
    return [replace(this, stage="last stage") if this.stage == f"stage {number}" else this for this in found]


def _variables(dockerfile: Dockerfile) -> dict[str, str]:
    """What the stages that end up in the image set with ENV."""
    lines = [line for stage in dockerfile.last_stages for line in stage.instructions if line.startswith("ENV ")]
    return {name: value for line in lines for name, value in re.findall(r"(\w+)=(\S+)", line)}


# Instructions that change files or run something, and those that only the container's start reads: between the others
# and these, or among themselves, the order makes no difference.
_WORKS = {"RUN", "COPY", "ADD"}
_READ_AT_START = {"CMD", "ENTRYPOINT", "HEALTHCHECK", "LABEL"}


def _of_dockerfile(text: str) -> Iterator[_Edit]:
    instructions = _instructions(text)
    stages = list(dict.fromkeys(instruction.stage for instruction in instructions))
    for index, this in enumerate(instructions):
        edits: list[_Edit] = []
        if this.keyword == "FROM":
            edits += _of_from(this, stages[: stages.index(this.stage)])
        else:
            edits.append(_Edit(0, len(this.text) + 1))
            edits += _OF_INSTRUCTION.get(this.keyword, lambda _: ())(this)
        for edit in edits:
            shown = edit.shown or (0, len(this.text))
            yield replace(edit, shown=shown, part=this.stage).moved(this.start)
        after = instructions[index + 1] if index + 1 < len(instructions) else None
        if after and "FROM" not in (this.keyword, after.keyword) and _order_may_matter(this, after):
            between = text[this.end : after.start]
            says = f"{_short(this.text.splitlines()[0])} ↔ {_short(after.text.splitlines()[0])}"
            yield _Edit(this.start, after.end, after.text + between + this.text, part=this.stage, says=says)


def _order_may_matter(one: _Instruction, other: _Instruction) -> bool:
    if _WORKS & {one.keyword, other.keyword}:
        return not _READ_AT_START & {one.keyword, other.keyword}
    sets = re.findall(r"(\w+)=", one.text)
    return one.keyword in ("ARG", "ENV") and any(re.search(rf"\$\{{?{name}\b", other.text) for name in sets)


def _of_from(this: _Instruction, earlier: list[str]) -> Iterator[_Edit]:
    """Another base: an earlier stage for this one, or a tag that says less. And the stage without its name."""
    base = this.text.split()[1]
    at = this.text.index(base)
    if base in earlier:
        yield from (_Edit(at, at + len(base), other) for other in earlier)
    else:
        less = (*_without(r":[^/@]+", base), *_without(r"-\w+(?=[^/]*$)", base))
        yield from (edit.moved(at) for edit in less)
    yield from _without(r" AS \S+", this.text)


def _of_run(this: _Instruction) -> Iterator[_Edit]:
    """RUN without one of its mounts, commands, options, pins or variables, or with a weaker word."""
    masked = this.masked
    begin = 4
    while option := re.compile(r"\s*(--\S+)\s+").match(masked, begin):
        yield _Edit(option.start(1), option.end(), "", option.span(1))
        begin = option.end()
    commands = [_trimmed(masked, *span) for span in _split(masked, " && ", begin)]
    yield from _without_one(commands)
    for start, end in commands:
        for edit in _of_command(masked[start:end], this.text[start:end]):
            yield replace(edit.moved(start), shown=(start, end))


def _of_command(masked: str, text: str) -> Iterator[_Edit]:
    """A command of a shell without an option, a pin, a variable, its plan for a failure, or with a weaker word."""
    for option in re.finditer(r" (-{1,2}[A-Za-z][^\s=\0]*)(?:=\S+)?", masked):
        if option[1] in LEFT_ALONE:
            continue
        value = re.compile(r" +[^\s;]+").match(masked, option.end()) if option[1] in TAKES_VALUE else None
        yield _Edit(option.start(), value.end() if value else option.end())
    yield from _without(r"(?<=\w)==[\w.]+|^[A-Z_]+=\S+ | \|\| [^;]+", masked)
    if listed := re.search(r"\binstall((?: +-\S+)*)((?: +[a-z][\w.+-]*==[\w.]+| +[a-z][\w.+-]*)+)$", masked):
        words = [edit.moved(listed.start(2)) for edit in _without(r" +\S+", listed[2])]
        yield from words if len(words) > 1 else ()
    if loop := re.match(r"for \w+ in ([^;]+);", masked):
        yield from (edit.moved(loop.start(1)) for edit in _without(r"\S+ ?", loop[1]))
    yield from _words_weakened(masked)
    yield from _of_program(text)


def _of_program(text: str) -> Iterator[_Edit]:
    """Changes of the Python that follows ``-c``, in shell form or in exec form."""
    if code := re.search(r'-c"?,? "([^"]*)"', text):
        for edit in _of_python(code[1]):
            yield replace(edit.moved(code.start(1)), part="")


def _split(text: str, separator: str, start: int) -> list[Span]:
    """The spans between separators, from a place on."""
    found = []
    while (end := text.find(separator, start)) >= 0:
        found.append((start, end))
        start = end + len(separator)
    return [*found, (start, len(text))]


def _trimmed(text: str, start: int, end: int) -> Span:
    """A span without the white space at its ends."""
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())


def _without_one(spans: Sequence[Span]) -> Iterator[_Edit]:
    """One of several things less, and what joins it to the next one, or the last one to that before."""
    for index, (start, end) in enumerate(spans if len(spans) > 1 else ()):
        if end == spans[-1][1]:
            yield _Edit(spans[index - 1][1], end, "", (start, end))
        else:
            yield _Edit(start, spans[index + 1][0], "", (start, end))


def _of_pairs(this: _Instruction) -> Iterator[_Edit]:
    """ENV, ARG and LABEL without one of their names, or with less in its value."""
    spans = [pair.span() for pair in re.compile(r"[\w.]+=?\S*").finditer(this.masked, len(this.keyword))]
    yield from _without_one(spans)
    for start, end in spans:
        name, equals, value = this.text[start:end].partition("=")
        at = start + len(name) + 1
        for new in ["0"] if value == "1" else _weakened(value):  # 1 means yes
            yield _Edit(at, end, new, (start, end))
        if this.keyword == "ARG" and equals:
            yield _Edit(at - 1, end, "", (start, end))
        elif value.startswith("$"):
            yield _Edit(at, end, "constant", (start, end))
        elif ":" in value:
            for part_start, part_end in _split(value, ":", 0):
                others = [value[a:b] for a, b in _split(value, ":", 0) if (a, b) != (part_start, part_end)]
                yield _Edit(at, end, ":".join(others), (start, end))


def _of_user(this: _Instruction) -> Iterator[_Edit]:
    """USER as root, or without the group."""
    if this.text != "USER 0":
        yield _Edit(5, len(this.text), "0")
    yield from _without(":.*", this.text)


def _of_copy(this: _Instruction) -> Iterator[_Edit]:
    """COPY without one of its options or sources."""
    words = list(re.finditer(r"\S+", this.masked))[1:-1]
    sources = [word for word in words if not word[0].startswith("--")]
    for word in words:
        if word not in sources:
            yield _Edit(word.start(), word.end() + 1)
        elif len(sources) > 1:
            yield _Edit(word.start(), word.end() + 1, "", word.span())


def _of_healthcheck(this: _Instruction) -> Iterator[_Edit]:
    """HEALTHCHECK without an option, with a weaker value, or with a check that looks at less."""
    for option in re.finditer(r"--[\w-]+=(\S+)\s+", this.masked):
        shown = (option.start(), option.end(1))
        yield _Edit(*option.span(), "", shown)
        yield from _weaker(this.text, *option.span(1), shown)
    yield from _of_exec_form(this)
    yield from _of_program(this.text)


def _of_exec_form(this: _Instruction) -> Iterator[_Edit]:
    """CMD, ENTRYPOINT and a check in shell form, and without an argument."""
    if form := re.search(r"\[.*\]$", this.text):
        words = json.loads(form[0])
        yield _Edit(*form.span(), shlex.join(words), form.span())
        for index in range(1, len(words)) if this.keyword != "HEALTHCHECK" else ():
            yield _Edit(*form.span(), json.dumps(words[:index] + words[index + 1 :]), form.span())


_OF_INSTRUCTION = {
    "RUN": _of_run, "ENV": _of_pairs, "ARG": _of_pairs, "LABEL": _of_pairs, "USER": _of_user, "COPY": _of_copy,
    "HEALTHCHECK": _of_healthcheck, "CMD": _of_exec_form, "ENTRYPOINT": _of_exec_form,
}  # fmt: skip


# compose.yaml: mappings and lists by indentation, and lists in brackets


class _Entry(NamedTuple):
    """A key or a list's item: what it belongs to, its path, where it begins and ends, and what its first line says."""

    above: str
    path: str
    start: int
    end: int
    value: Span


def _entries(text: str) -> list[_Entry]:
    found_lines = re.finditer(r"^( *)(- )?(?:([\w.<-]+):(?: |$))?(.*)$\n?", text, re.MULTILINE)
    lines = [line for line in found_lines if line[0].strip() and not line[0].lstrip().startswith("#")]
    found: list[_Entry] = []
    names: dict[int, str] = {}  # of what a line belongs to, by its indentation
    for index, line in enumerate(lines):
        indent = len(line[1])
        names = {depth: name for depth, name in names.items() if depth < indent}
        above = ".".join(names.values())
        names[indent] = str(1 + sum(entry.above == above for entry in found)) if line[2] else line[3]
        path = ".".join(names.values())
        if line[2] and line[3]:
            names[indent + 2] = line[3]
        end = next((n for n in range(index + 1, len(lines)) if len(lines[n][1]) <= indent), len(lines))
        value = (line.end(2) if line[2] else line.start(4), line.end(4))
        found.append(_Entry(path.rpartition(".")[0], path, line.start(), lines[end - 1].end(), value))
    return found


def _of_compose(text: str) -> Iterator[_Edit]:
    entries = _entries(text)
    siblings = Counter(entry.above for entry in entries)
    for above, path, start, end, value in entries:
        if siblings[above] > 1:  # else the removal of what holds it
            yield _Edit(start, end, part=above, says=f"{_short(text[start:end]).removeprefix('- ')} removed")
        for edit in _of_value(text[slice(*value)], ports=".ports" in path):
            yield replace(edit.moved(value[0]), shown=value, part=path)


def _of_value(value: str, *, ports: bool) -> Iterator[_Edit]:
    """A value of a compose file: its items, its variables, its numbers and booleans."""
    if value.startswith("["):
        items = list(re.finditer(r"(\"[^\"]*\"|[^\s,\[\]]+)(?:, )?", value[1:-1]))
        for index, item in enumerate(items if len(items) > 1 else ()):
            start = 1 + item.start() - (2 if index and index + 1 == len(items) else 0)
            yield _Edit(start, 1 + item.end())
    for variable in re.finditer(r"\$\{\w+:-([^}]*)\}", value):
        yield _Edit(*variable.span(), variable[1])  # the default, whatever the variable says
        yield from () if ports else _weaker(value, *variable.span(1))
    if address := re.match(r'"(\$\{ADDRESS[^}]*\}:|[\d.]+:)\$', value):
        yield _Edit(*address.span(1))
    bare = value.strip('"')
    at = value.index(bare)
    yield from _weaker(value, at, at + len(bare)) if _weakened(bare) else _words_weakened(value)


# gunicorn.conf.py


def _of_python(source: str) -> Iterator[_Edit]:
    """Changes of Python source: statements removed, expressions weakened."""
    return _Python(source).of_body(ast.parse(source).body, "")


class _Python:
    """Finds the edits of one piece of source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)

    def span(self, node: ast.expr | ast.stmt) -> Span:
        assert node.end_lineno is not None  # noqa: S101
        assert node.end_col_offset is not None  # noqa: S101
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.expr) -> str:
        return self.source[slice(*self.span(node))]

    def _at(self, line: int, column: int) -> int:
        """A place in characters; the parser counts lines from 1, and bytes in a line."""
        in_line = self.lines[line - 1].encode()[:column].decode() if column else ""
        return sum(map(len, self.lines[: line - 1])) + len(in_line)

    def of_body(self, body: list[ast.stmt], part: str) -> Iterator[_Edit]:
        for statement in body:
            name = getattr(statement, "name", "")
            inner = ".".join(filter(None, (part, name)))
            if not isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Try):
                docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                if docstring:
                    continue
                start, end = self.span(statement)
                if not isinstance(statement, ast.Pass):
                    yield _Edit(start, end, "pass", part=part, says=f"{_short(self.source[start:end])} removed")
            for field in ("body", "orelse", "finalbody"):
                yield from self.of_body(getattr(statement, field, None) or [], inner)
            for handler in getattr(statement, "handlers", ()):
                yield from self.of_body(handler.body, inner)
            # A short statement is shown whole, of a longer one the first line.
            start, end = self.span(statement)
            shown = (start, min(end, (self.source.find("\n", start) + 1 or end + 1) - 1))
            for node in ast.iter_child_nodes(statement):
                if isinstance(node, ast.expr | ast.arguments | ast.keyword):
                    for edit in self.of_expression(node):
                        first, last = edit.shown or shown
                        yield replace(edit, shown=(min(first, edit.start), max(last, edit.end)), part=inner)

    def of_expression(self, top: ast.AST) -> Iterator[_Edit]:
        if isinstance(top, ast.JoinedStr):
            yield from self._of_f_string(top)
            return
        if isinstance(top, ast.BinOp) and isinstance(top.op, ast.Pow):
            return  # a unit, or a number that stands for endless
        if isinstance(top, ast.expr):
            yield from self._of_node(top)
        for node in ast.iter_child_nodes(top):
            yield from self.of_expression(node)

    def _of_f_string(self, node: ast.JoinedStr) -> Iterator[_Edit]:
        """What stands in braces; the parser knows its place only since Python 3.12."""
        start, end = self.span(node)
        for braces in re.finditer(r"\{([^{}!]+?)(?:![rsa])?\}", self.source[start:end]):
            inner = _Python(braces[1])
            expression = ast.parse(braces[1], mode="eval").body
            if not isinstance(expression, ast.Name):
                for edit in inner.of_expression(expression):
                    yield edit.moved(start + braces.start(1))

    def _of_node(self, node: ast.expr) -> Iterator[_Edit]:
        start, end = self.span(node)

        def instead(*others: ast.expr) -> Iterator[_Edit]:
            return (_Edit(start, end, self.text(other)) for other in others)

        match node:
            case ast.Constant(value=bool() | int() | float() | str()):
                literal = self.source[start:end]
                for new in _weakened(literal.replace("_", "").strip("'\"")):
                    quote = literal[0] if literal[0] in "'\"" else ""
                    if not quote or literal[1:-1] in WEAKER:
                        yield _Edit(start, end, f"{quote}{new}{quote}")
            case ast.BoolOp(values=values):
                for left_out in values:
                    rest = [self.text(value) for value in values if value is not left_out]
                    yield _Edit(start, end, (" or " if isinstance(node.op, ast.Or) else " and ").join(rest))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield from instead(operand)
            case ast.IfExp(body=body, orelse=orelse):
                yield from instead(body, orelse)
            case ast.Compare():
                for found in re.finditer(r"<=|>=|<|>", self.source[start:end]):
                    new = found[0][0] if len(found[0]) > 1 else f"{found[0]}="
                    yield _Edit(start + found.start(), start + found.end(), new)
            case ast.Call():
                yield from self._of_call(node, start, end)

    def _of_call(self, node: ast.Call, start: int, end: int) -> Iterator[_Edit]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in READERS and node.args and not any(isinstance(a, ast.Starred) for a in node.args):
            read = self.source[start:end]
            if name != "get" or "environ" in read or read.startswith("e("):
                default = node.args[READERS[name]] if len(node.args) > READERS[name] else None
                yield _Edit(start, end, self.text(default) if default else "None")
        arguments = [self.text(argument) for argument in node.args]
        for index in range(VARIADIC.get(name, len(arguments)), len(arguments)):
            rest = arguments[:index] + arguments[index + 1 :]
            alone = name in ("min", "max") and len(rest) == 1
            yield _Edit(start, end, rest[0] if alone else f"{name}({', '.join(rest)})")
        for keyword in filter(lambda keyword: keyword.arg, node.keywords):
            a, b = self.span(keyword.value)
            a -= len(f"{keyword.arg}=")
            separator = re.search(r",\s*$", self.source[start:a])
            yield _Edit(a - len(separator[0]) if separator else a, b)


# uwsgi.ini, .dockerignore, entrypoint.sh


def _lines(text: str) -> Iterable[re.Match[str]]:
    """The lines that say something."""
    return re.finditer(r"^(?![ \t]*(?:#(?!!)|$))(?P<indent>[ \t]*)(?P<said>.*)\n?", text, re.MULTILINE)


def _of_ini(text: str, constants: Mapping[str, str]) -> Iterator[_Edit]:
    for line in _lines(text):
        if line[0].startswith("["):
            continue
        yield _Edit(*line.span())
        value = line["said"].partition(" = ")[2]
        # The whole value, or a number at its end.
        number = re.search(r"(?<=[ :])\d+$", line["said"]) if not _weakened(value) else None
        at = number.start() if number else len(line["said"]) - len(value)
        yield from _weaker(text, line.start() + at, line.start() + len(line["said"]), line.span())
        for variable in re.finditer(r"\$\((\w+)\)", line["said"]):
            constant = constants.get(variable[1], "1")
            yield replace(_Edit(*variable.span(), constant).moved(line.start()), shown=line.span())


def _of_dockerignore(text: str) -> Iterator[_Edit]:
    for line in _lines(text):
        yield _Edit(*line.span())
        if line["said"].startswith("**/"):
            yield _Edit(line.start(), line.start() + 3, "", line.span())


def _of_shell(text: str) -> Iterator[_Edit]:
    """A script without a line, an arm of a case, an ``exec``, an option of ``set``, or what it is given."""
    yield from _without(r"(?m)^ +\S+\)\n(?:.*\n)*? +;;\n", text)
    for line in _lines(text):
        said, shown = line["said"], line.span("said")
        edits: list[_Edit] = []
        if re.match(r"#!|case |esac|;;|\S+\)$|\w+\(\) \{|\}$", said):
            edits += [_Edit(*default.span(), "$1") for default in re.finditer(r"\$\{1:-(\w+)\}", said)]
        else:
            edits.append(_Edit(0, len(said), ":", says=f"{said} removed"))
            edits += _without(r"^exec |(?<= )\"\$@\"| &$", said)
            if options := re.match(r"set -(\w\w+)$", said):
                edits += [_Edit(5, len(said), options[1].replace(letter, "")) for letter in options[1]]
        yield from (replace(edit.moved(shown[0]), shown=shown) for edit in edits)
