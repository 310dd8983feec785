"""A Dockerfile as objects: its stages, and their instructions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

# An image of Python's own, with the tag that it has.
OF_PYTHON = re.compile(r"(?:docker\.io/)?(?:library/)?python:")


@dataclass(frozen=True)
class Stage:
    """One stage: what it starts from (an image or an earlier stage), its name or "", and its instructions."""

    base: str
    name: str
    instructions: tuple[str, ...]


@dataclass(frozen=True)
class Dockerfile:
    """A file with its instructions, and what a build is told."""

    text: str
    target: str = ""  # the stage that is built; by default the last one
    arguments: Mapping[str, str] = field(default_factory=dict)  # values of those that stand before the first stage

    @cached_property
    def instructions(self) -> list[str]:
        """The instructions, one a line, without comments; the lines of a here-document follow theirs."""
        text = re.sub(r"^\s*#.*\n", "", self.text, flags=re.MULTILINE)
        return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages in the order of the file; of what stands before them, they know the arguments' defaults."""
        stages: list[tuple[str, str, list[str]]] = []
        arguments: dict[str, str] = {}
        end = ""  # of the here-document that a line is in
        for line in self.instructions:
            if end:
                end = "" if line.strip() == end else end
                stages[-1][2].append(line)
            elif line.upper().startswith("FROM "):
                words = [word for word in line.split()[1:] if not word.startswith("--")] or [""]
                stages.append((_expanded(words[0], arguments), words[2] if len(words) > 2 else "", []))
            elif stages:
                stages[-1][2].append(line)
                opened = re.search(r"<<-?[\"']?(\w+)", line)
                end = opened[1] if opened else ""
            elif line.upper().startswith("ARG "):
                for name, default in re.findall(r"(\w+)(?:=[\"']?([^\s\"']*)[\"']?)?", line[4:]):
                    arguments[name] = self.arguments.get(name, _expanded(default, arguments))
        return [Stage(base, name, tuple(lines)) for base, name, lines in stages]

    @cached_property
    def stage_names(self) -> set[str]:
        return {stage.name for stage in self.stages if stage.name}

    @cached_property
    def images(self) -> list[str]:
        """The images that stages start from, then those that files come from; no earlier stage, no `scratch`."""
        named = [stage.base for stage in self.stages]
        for line in self.instructions:
            if options := re.match(r"(?:COPY|RUN)(?:\s+--\S+)+", line, re.IGNORECASE):
                named += re.findall(r"[-,=]from=([^\s,]+)", options[0])
        return [name for name in named if name not in {*self.stage_names, "scratch"} and not name.isdecimal()]

    @cached_property
    def last_stages(self) -> list[Stage]:
        """The stage that is built and, before it, those that it starts from: what ends up in the image."""
        by_name = {stage.name: stage for stage in self.stages if stage.name}
        chain = [by_name[self.target] if self.target in by_name else self.stages[-1]]
        while chain[0].base in by_name:
            chain.insert(0, by_name[chain[0].base])
        return chain

    @property
    def base_image(self) -> str:
        """The image that the last stage starts from, earlier stages followed."""
        return self.last_stages[0].base


def _expanded(text: str, arguments: dict[str, str]) -> str:
    """A text with its $NAME, ${NAME} and ${NAME:-default}, as `FROM` may have them."""
    return re.sub(
        r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})",
        lambda match: arguments.get(match[1] or match[2]) or match[3] or "",
        text,
    )
