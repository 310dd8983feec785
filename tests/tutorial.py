"""The tutorial as typed objects, read from ``tutorial.toml``."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class TutorialError(Exception):
    """A mistake in ``tutorial.toml``; the message names the folder and the mistake."""


@dataclass(frozen=True)
class Wrong:
    """A Dockerfile that a folder is compared with: what it adds must be seen to fail there, too."""

    dockerfile: str
    reachable_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """Another Dockerfile of a folder, which must hold the same practices, and the compose service that it builds."""

    dockerfile: str
    service: str


@dataclass(frozen=True)
class Folder:
    """One lesson.

    ``gives_up`` and ``not_applicable`` map a practice to the reason. ``holds`` is derived: the practices that
    must be seen to hold in this folder.
    """

    name: str
    title: str
    promise: str
    builds_on: tuple[str, ...]
    adds: tuple[str, ...]
    gives_up: Mapping[str, str]
    not_applicable: Mapping[str, str]
    starts_with: tuple[str, ...]
    wrong: Wrong | None
    variants: tuple[Variant, ...]
    holds: frozenset[str]

    @property
    def path(self) -> Path:
        return ROOT / self.name


def short_name(name: str) -> str:
    """What tables and charts call a folder: its first two words."""
    return " ".join(name.split("-")[:2])


def load(
    known_practices: Collection[str], file: Path = ROOT / "tests/tutorial.toml", root: Path = ROOT
) -> list[Folder]:
    """Read and check the tutorial.

    Args:
        known_practices: the ids of all practices that have a check.
        file: the TOML file.
        root: where the folders are.

    Returns:
        The folders in reading order.

    Raises:
        TutorialError: the file contradicts itself, the folders or the practices.
    """
    folders: dict[str, Folder] = {}
    tables = tomllib.loads(file.read_text())
    entries = tables["folder"]
    names = [entry["name"] for entry in entries]
    for group in tables.get("not_applicable", ()):
        if unknown := set(group["folders"]) - set(names):
            raise TutorialError(f"not_applicable: unknown folder {', '.join(sorted(unknown))}")
        for entry in entries:
            if entry["name"] in group["folders"]:
                entry.setdefault("not_applicable", {}).update(dict.fromkeys(group["practices"], group["reason"]))
    for entry in entries:
        folder = _folder(entry, folders, names)
        _check(folder, folders, set(known_practices), root)
        folders[folder.name] = folder
    unused = set(known_practices) - {p for f in folders.values() for p in (*f.adds, *f.starts_with)}
    if unused:
        raise TutorialError(f"{file.name}: no folder adds {', '.join(sorted(unused))}")
    return list(folders.values())


def _folder(entry: dict[str, Any], earlier: Mapping[str, Folder], names: list[str]) -> Folder:
    name = entry["name"]
    if names.count(name) > 1:
        raise TutorialError(f"{name}: listed twice")
    unknown_keys = entry.keys() - Folder.__dataclass_fields__.keys()
    if unknown_keys:
        raise TutorialError(f"{name}: unknown key {', '.join(sorted(unknown_keys))}")
    for key in ("title", "promise", "builds_on", "adds"):
        if key not in entry:
            raise TutorialError(f"{name}: {key} is missing")
    for parent in entry["builds_on"]:
        if parent not in names:
            raise TutorialError(f"{name}: builds on {parent}, which is not listed")
        if parent not in earlier:
            raise TutorialError(f"{name}: builds on {parent}, which comes later or builds on {name} itself (a cycle)")
    adds = tuple(entry["adds"])
    gives_up = entry.get("gives_up", {})
    starts_with = tuple(entry.get("starts_with", ()))
    inherited = {p for parent in entry["builds_on"] for p in earlier[parent].holds}
    return Folder(
        name=name,
        title=entry["title"],
        promise=entry["promise"],
        builds_on=tuple(entry["builds_on"]),
        adds=adds,
        gives_up=gives_up,
        not_applicable=entry.get("not_applicable", {}),
        starts_with=starts_with,
        wrong=Wrong(**entry["wrong"]) if "wrong" in entry else None,
        variants=tuple(Variant(**variant) for variant in entry.get("variants", ())),
        holds=frozenset((inherited | set(starts_with) | set(adds)) - gives_up.keys()),
    )


def _check(folder: Folder, earlier: Mapping[str, Folder], known: set[str], root: Path) -> None:
    if not (root / folder.name).is_dir():
        raise TutorialError(f"{folder.name}: no such folder")
    named = [*folder.adds, *folder.gives_up, *folder.not_applicable, *folder.starts_with]
    for practice in named:
        if practice not in known:
            raise TutorialError(f"{folder.name}: unknown practice {practice}")
        if named.count(practice) > 1:
            raise TutorialError(f"{folder.name}: {practice} is named twice")
    if not (folder.builds_on or folder.wrong):
        raise TutorialError(f"{folder.name}: needs builds_on or a wrong Dockerfile to be compared with")
    for parent in map(earlier.__getitem__, folder.builds_on):
        for practice in folder.adds:
            if practice in parent.holds:
                raise TutorialError(f"{folder.name}: adds {practice} twice, {parent.name} holds it already")
    for practice in folder.gives_up:
        if not any(practice in earlier[parent].holds for parent in folder.builds_on):
            raise TutorialError(f"{folder.name}: gives up {practice}, which it never had")
    for practice in folder.not_applicable:
        if practice in folder.holds:
            raise TutorialError(f"{folder.name}: {practice} is not applicable, but inherited: give it up instead")
