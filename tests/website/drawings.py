"""Drawings of ideas, in Mermaid's language, which the page renders: generated, so they cannot drift from the files."""

import re
from collections.abc import Iterable, Iterator, Mapping

from library.dockerfile import Dockerfile, Stage
from library.tutorial import Folder, short_name


def folder_map(folders: Iterable[Folder]) -> str:
    """What builds on what: the main road with thick borders, and the extras."""
    ids = {folder.name: folder.name.replace("-", "_") for folder in folders}
    lines = [f'{ids[folder.name]}["{short_name(folder.name)}<br>{folder.title}"]' for folder in folders]
    lines += [f"{ids[before]} --> {ids[folder.name]}" for folder in folders for before in folder.builds_on]
    lines.append(f"class {','.join(ids[name] for name in ids if not name.startswith('extra'))} road")
    return _mermaid("flowchart TD", lines, {"road": "stroke-width:3px"})


def layers(dockerfiles: Mapping[str, str]) -> str:
    """What a change of the code invalidates: the instructions that change files, top to bottom, of each last stage.

    Args:
        dockerfiles: the text of each, by the name above it.
    """
    lines = []
    # Mermaid draws graphs that no arrow connects from right to left.
    for graph, (name, text) in reversed(list(enumerate(dockerfiles.items()))):
        stage = Dockerfile(text).stages[-1]
        lines.append(f'subgraph graph{graph}["{name}"]')
        again = False
        changing_files = [line for line in stage.instructions if re.match("WORKDIR|COPY|ADD|RUN", line)]
        for number, instruction in enumerate((f"FROM {stage.base}", *changing_files)):
            again = again or bool(re.match(r"COPY (?!--from)(.* )?\. ", instruction))
            kind, meaning = ("again", "runs again") if again else ("kept", "from the cache")
            lines.append(f'g{graph}_{number}["{_escaped(instruction)}<br>{meaning}"]:::{kind}')
            if number:
                lines.append(f"g{graph}_{number - 1} --> g{graph}_{number}")
        lines.append("end")
    return _mermaid("flowchart TB", lines, {"again": "stroke:#cf222e,stroke-width:3px", "kept": "stroke-dasharray:4 3"})


def stages(dockerfile: str) -> str:
    """The stages of a Dockerfile, what each begins with, and the files that leave one for another.

    Thick arrows lead to a stage from what it begins with; thin ones carry what `COPY --from` and mounts take.
    """
    all_stages = Dockerfile(dockerfile).stages
    ids: dict[str, str] = {}
    lines = []

    def known(name: str) -> str:
        """The name in the drawing of a stage or, where there is none of that name, of an image."""
        if name not in ids:
            ids[name] = f"image{len(ids)}"
            lines.append(f'{ids[name]}(["{name}"])')
        return ids[name]

    for number, stage in enumerate(all_stages):
        last = number == len(all_stages) - 1
        name = f"stage {stage.name}" if stage.name else "the last stage" if last else f"stage {number}"
        base, node = known(stage.base), f"stage{number}"
        lines.append(f'{node}["{name}{"<br>becomes the image" if last else ""}"]{":::image" if last else ""}')
        lines.append(f"{base} ==> {node}")
        taken: dict[str, list[str]] = {}
        for source, what in dict.fromkeys(_taken(stage)):
            taken.setdefault(source, []).append(_escaped(what))
        lines += [f'{known(source)} -- "{"<br>".join(paths)}" --> {node}' for source, paths in taken.items()]
        ids[stage.name or str(number)] = node
    return _mermaid("flowchart TD", lines, {"image": "stroke-width:3px"})


def _taken(stage: Stage) -> Iterator[tuple[str, str]]:
    """What a stage takes from other stages or images: their name, and the path there."""
    for instruction in stage.instructions:
        if copied := re.match(r"COPY (?:--\S+ )*--from=(\S+) (?:--\S+ )*(.+) \S+$", instruction):
            yield copied[1], copied[2]
        for mount in re.findall(r"--mount=(\S+)", instruction):
            options = dict(option.partition("=")[::2] for option in mount.split(","))
            if "from" in options:
                yield options["from"], options.get("source", "/")


def _escaped(text: str) -> str:
    return text.replace('"', "#quot;")


def _mermaid(kind: str, lines: Iterable[str], styles: Mapping[str, str]) -> str:
    """A drawing in the colours of the page that renders it: only the strokes are ours."""
    definitions = [f"classDef {name} {style}" for name, style in styles.items()]
    return "\n".join([kind, *(f"    {line}" for line in [*lines, *definitions])])
