"""The tutorial as typed objects, read from ``tutorial.toml``. Nothing here needs an engine."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "tests/tutorial.toml"
# The files of `final` that are copied into other projects.
FINAL_FILES = ("Dockerfile", ".dockerignore", "gunicorn.conf.py", "compose.yaml", ".pre-commit-config.yaml")


class TutorialError(Exception):
    """A mistake in ``tutorial.toml``; the message names the folder and the mistake."""


@dataclass(frozen=True)
class Wrong:
    """A Dockerfile that a folder is compared with: what it adds must be seen to fail there, too."""

    dockerfile: str
    reachable_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Folder:
    """One lesson."""

    name: str
    title: str
    promise: str
    app: str  # that of the folder it builds on, unless it says another one: figures of different apps are not compared
    builds_on: tuple[str, ...]
    adds: tuple[str, ...]
    gives_up: Mapping[str, str]  # practices, and the reason
    starts_with: tuple[str, ...]
    has: frozenset[str]  # what practices may need (a database, a stage ``test``), that of what it builds on, too
    wrong: Wrong | None
    holds: frozenset[str]  # derived: the practices that must be seen to hold in this folder
    path: Path
    reference: Path | None  # the directory of a second page, with what is looked up rather than read

    @property
    def pages(self) -> tuple[Path, ...]:
        """The article, and the second page where there is one: the commands of both are run in this folder."""
        return tuple(place / "README.md" for place in (self.path, self.reference) if place)

    def before(self, file: str) -> Path:
        """What a file is compared with: that of the folder this one builds on; in step 1, what people write first."""
        if self.builds_on:
            return self.path.parent / self.builds_on[0] / file
        return self.path / str(self.wrong and self.wrong.dockerfile)


def short_name(name: str) -> str:
    """What tables and charts call a folder: its first two words."""
    return " ".join(name.split("-")[:2])


@cache
def load(file: Path = FILE, root: Path = ROOT) -> tuple[Folder, ...]:
    """The folders of a tutorial.toml, which lie in ``root``, in reading order.

    Raises:
        TutorialError: the file contradicts itself or the folders.
    """
    folders: dict[str, Folder] = {}
    tables = tomllib.loads(file.read_text())
    names = [entry["name"] for entry in tables["folder"]]
    for entry in tables["folder"]:
        folder = _folder(entry, folders, names, root)
        _check(folder, folders)
        folders[folder.name] = folder
    return tuple(folders.values())


def side_by_side(file: Path = FILE) -> dict[str, dict[str, str]]:
    """What the articles compare: for each comparison the subjects' names, and what tables and charts call them."""
    return dict(tomllib.loads(file.read_text())["side_by_side"])


def check_practices(folders: Iterable[Folder], needs: Mapping[str, str | None]) -> None:
    """See that the tutorial and the practices know each other: ``needs`` has the ids of all, and what each needs.

    Raises:
        TutorialError: a name that the other side does not know, or a practice where it cannot apply.
    """
    taught = set()
    for folder in folders:
        if unneeded := folder.has - {thing for thing in needs.values() if thing}:
            raise TutorialError(f"{folder.name}: no practice needs {', '.join(sorted(unneeded))}, which `has` names")
        for practice in (*folder.adds, *folder.gives_up, *folder.starts_with):
            _require(practice in needs, f"{folder.name}: unknown practice {practice}")
        for practice in folder.holds:
            if (thing := needs[practice]) and thing not in folder.has:
                raise TutorialError(f"{folder.name}: {practice} needs a {thing}, which `has` does not name")
        taught |= {*folder.adds, *folder.starts_with}
    if unused := sorted(needs.keys() - taught):
        hint = f"`make practice ONLY={unused[0]}` says where it belongs"
        raise TutorialError(f"no folder adds {', '.join(unused)}: {hint}")


def _require(right: bool, mistake: str) -> None:
    if not right:
        raise TutorialError(mistake)


def _folder(entry: dict[str, Any], earlier: Mapping[str, Folder], names: list[str], root: Path) -> Folder:
    name = entry["name"]
    _require(names.count(name) == 1, f"{name}: listed twice")
    unknown_keys = entry.keys() - (Folder.__dataclass_fields__.keys() - {"holds", "path"})
    _require(not unknown_keys, f"{name}: unknown key {', '.join(sorted(unknown_keys))}")
    for key in ("title", "promise", "builds_on", "adds"):
        _require(key in entry, f"{name}: {key} is missing")
    for parent in entry["builds_on"]:
        _require(parent in names, f"{name}: builds on {parent}, which is not listed")
        later = f"{name}: builds on {parent}, which comes later or builds on {name} itself (a cycle)"
        _require(parent in earlier, later)
    adds = tuple(entry["adds"])
    gives_up = entry.get("gives_up", {})
    starts_with = tuple(entry.get("starts_with", ()))
    parents = [earlier[parent] for parent in entry["builds_on"]]
    return Folder(
        name=name,
        title=entry["title"],
        promise=entry["promise"],
        app=entry.get("app") or next((parent.app for parent in parents), ""),
        builds_on=tuple(entry["builds_on"]),
        adds=adds,
        gives_up=gives_up,
        starts_with=starts_with,
        has=frozenset(entry.get("has", ())).union(*(parent.has for parent in parents)),
        wrong=Wrong(**entry["wrong"]) if "wrong" in entry else None,
        holds=frozenset({*adds, *starts_with}.union(*(parent.holds for parent in parents)) - gives_up.keys()),
        path=root / name,
        reference=root / entry["reference"] if "reference" in entry else None,
    )


def _check(folder: Folder, earlier: Mapping[str, Folder]) -> None:
    name, parents = folder.name, [earlier[parent] for parent in folder.builds_on]
    _require(folder.path.is_dir(), f"{name}: no such folder")
    if folder.reference:
        _require(folder.reference.is_dir(), f"{name}: there is no {folder.reference.name}")
    named = [*folder.adds, *folder.gives_up, *folder.starts_with]
    for practice in named:
        _require(named.count(practice) == 1, f"{name}: {practice} is named twice")
    _require(bool(parents or folder.wrong), f"{name}: needs builds_on or a wrong Dockerfile to be compared with")
    _require(bool(folder.app), f"{name}: app is missing, and it builds on no folder")
    for parent in parents:
        for practice in folder.adds:
            _require(practice not in parent.holds, f"{name}: adds {practice} twice, {parent.name} holds it already")
    for practice in folder.gives_up:
        had = any(practice in parent.holds for parent in parents)
        _require(had, f"{name}: gives up {practice}, which it never had")
