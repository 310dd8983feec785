"""Changes of a copy of a folder, as somebody who works on it makes them."""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from . import locks
from .engine import NotAsked
from .subject import Subject


def change(file: Path, old: str, new: str) -> None:
    """Change one line of a file."""
    text = file.read_text()
    if text.count(old) != 1:
        raise ValueError(f"{old!r} is not in {file.name} once")
    file.write_text(text.replace(old, new))


def uncomment(file: Path, beginnings: Sequence[str]) -> None:
    """Take the # from the lines that begin so, and from what is indented below them."""
    lines = file.read_text().splitlines(keepends=True)
    for beginning in beginnings:
        (number,) = (n for n, line in enumerate(lines) if line.startswith(beginning))
        below = beginning.partition("#")[0] + "#   "
        lines[number] = lines[number].replace("# ", "", 1)
        while lines[number + 1 : number + 2] and lines[number + 1].startswith(below):
            number += 1
            lines[number] = lines[number].replace("# ", "", 1)
    file.write_text("".join(lines))


def change_code(subject: Subject) -> Path:
    """Change a module of the app as it never was before, so that no cache knows it, and return its path."""
    code = a_module(subject)
    code.write_text(f"{code.read_text()}\n# {secrets.token_hex()}\n")
    return code


def change_settings(subject: Subject) -> None:
    """Change the settings of what bundles the app's scripts and of its server, as far as there are some."""
    for pattern, comment in (("*.config.?js", "//"), ("uwsgi.ini", "#"), ("gunicorn.conf.py", "#")):
        for settings in subject.source.glob(pattern):
            settings.write_text(f"{settings.read_text()}\n{comment} {secrets.token_hex()}\n")


def a_module(subject: Subject) -> Path:
    """A module of the app that holds code."""
    for path in subject.modules():
        if not re.match("test_|conftest|setup", path.name) and path.stat().st_size:
            return path
    raise NotAsked("there is no module of the app to change")


# For one package of every lock file another version, with the hashes of its wheel and its sdist.
OTHER_VERSIONS = {
    "click": (
        "8.5.0",
        "255bc9599cf7748b4b1a446ccc735421bd08a2ae529a8b88597d3de5664ee360",
        "ba0d2089de75ea0310e2dde03160e6ca10009947fb95a182f9b54021bb272e34",
    ),
    "sqlparse": (
        "0.6.0",
        "b861c0288ce2fa56209a9a6412d2e066ac664b3873b89c26c9d8415e8e32996f",
        "113c35c75365ab9cc9c7231d68c6428fb11c085fc8e9eb1ad659b7ddbf6cd2b9",
    ),
}


def change_dependency(subject: Subject) -> str:
    """Lock one dependency at another version and return its name.

    The entry gets one more hash, which no file has: no layer cache knows the build that follows.
    """
    locked, lock_files = locks.versions(subject.source), locks.files(subject.source)
    changed = [file for file in lock_files if file.name in ("poetry.lock", "requirements.txt")]
    if not changed:
        raise NotAsked("it changes a poetry.lock or a requirements.txt, and there is neither")
    name = next((name for name in OTHER_VERSIONS if name in locked), "click")
    if name not in locked and any("sha256:" in file.read_text() for file in lock_files):
        raise NotAsked(f"it changes the version of {' or '.join(OTHER_VERSIONS)}, and none of them is locked")
    version, wheel, sdist = OTHER_VERSIONS[name]
    unique = secrets.token_hex(32)
    files = {f"{name}-{version}-py3-none-any.whl": wheel, f"{name}-{version}.tar.gz": sdist, "unique.zip": unique}
    for path in filter(Path.exists, (*changed, lock_files[0].with_name("pyproject.toml"))):
        text = path.read_text()
        if path.name == "poetry.lock":
            entries = "".join(f'    {{file = "{file}", hash = "sha256:{hash_}"}},\n' for file, hash_ in files.items())
            old = rf'(name = "{name}"\nversion = )".*"([\s\S]*?files = \[\n)[^]]*'
            text = re.sub(old, rf'\g<1>"{version}"\g<2>{entries}', text)
        elif "--hash=" in text:
            hashes = "".join(rf" \\\n    --hash=sha256:{hash_}" for hash_ in files.values())
            old = rf"^({name}==)[^\s;]+(.*?)(?: \\\n +--hash=\S+)+"
            text = re.sub(old, rf"\g<1>{version}\g<2>{hashes}", text, flags=re.MULTILINE)
        elif path.name == "requirements.txt":
            text, pinned = re.subn(rf"^{name}==[^\s;]+", f"{name}=={version}", text, flags=re.MULTILINE)
            if not pinned:  # step 1 names only what it imports itself
                text += f"{name}=={version}\n"
        path.write_text(f"{text}\n# {unique}\n")
    return name


def close_to_others(copy: Subject) -> None:
    """Take every right to the folder's files from its group and from others, as a clone under umask 077 does."""
    for path in filter(Path.exists, (copy.path, *copy.path.rglob("*"))):  # a link may lead nowhere
        path.chmod(path.stat().st_mode & 0o700)
