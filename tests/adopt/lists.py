"""The lists of a project's packages: what they are made from, the commands that make them, and where these run."""

import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name

from library.engine import SESSION, build_recipe, last_line
from library.locks import own_name
from library.tutorial import FINAL_FILES, ROOT
from score.composing import Unusable

from . import guess, hooks
from .guess import PDM, PIPENV, POETRY, USUAL_INDEX, Manager

COMPILE = (
    "uv pip compile --quiet --python-version {version} --universal --generate-hashes {source} --output-file {target}"
)
APT = "apt-get update && apt-get install --yes --no-install-recommends"


class NotExported(Unusable):
    """The list of packages cannot be made: besides the end of the log, the whole."""

    def __init__(self, line: str, log: str) -> None:
        super().__init__(line, log)
        self.whole = log


def name_of(requirement: str) -> str:
    """The normalized name of the package in a line of a list."""
    return canonicalize_name(re.split(r"[<>=!~\[; ]", requirement.strip())[0])


def with_index(commands: str) -> str:
    """Let commands of uv's write down where packages come from, as those of Poetry's always do.

    Not always: it is what holds on this machine, `UV_DEFAULT_INDEX` with a password in it, say.
    """
    return re.sub(r"--(no-header|generate-hashes)\b", r"\g<0> --emit-index-url", commands)


def with_wheels(commands: str, folders: Sequence[str]) -> str:
    """Let commands of uv's add the hashes of wheels in folders, which its lock does not have."""
    links = " ".join(f"--find-links {name}" for name in folders)
    more = f"uv pip compile --quiet --universal --no-header --generate-hashes --emit-find-links {links}"
    export = r"uv export .*?--output-file (\S+?\.txt)"
    return re.sub(export, rf"\g<0> && {more} \1 --output-file \1", commands, flags=re.DOTALL)


def exporting(project: Path, manager: Manager | None, version: str, until: str = "") -> list[str]:
    """The commands that make requirements.txt and requirements-dev.txt; a list without hashes becomes a .in file."""
    emit = with_index if guess.names_index(project) else str
    if not manager:
        options = "".join(f" --no-emit-package {name}" for name in local_names(project))
        if until:  # what serves the app is final's, and of today
            servers = ("gunicorn", "uvicorn-worker", "httptools", "uvicorn")
            options += f" --exclude-newer {until}"
            options += "".join(f" --exclude-newer-package {name}=false" for name in servers)
        tests = make_dev_source(project)
        lists = [one for one in (make_source(project), tests) if one.exists()]
        commands = [COMPILE.format(version=version, source=one.name, target=f"{one.stem}.txt") for one in lists]
        # The tests get the versions of production, which are known by then.
        if tests.exists() and "-r requirements.txt" not in guess.text_of(tests):
            commands[-1] = commands[-1].replace("--generate-hashes", "--constraint requirements.txt --generate-hashes")
        return [emit(command.replace(" --output-file", f"{options} --output-file")) for command in commands]
    commands = [emit(command) for command in manager.export]
    if folders := guess.folders_of_wheels(project):
        commands = [with_wheels(command, folders) for command in commands]
    unwanted = []
    if guess.local_packages(project) and manager in (POETRY, PDM, PIPENV):
        unwanted += ["/^-e /d", "/@ file:/d", r"/^\.\.*\//d"]  # their code is copied
    sources = [source.get("name") for source in guess.read_toml(project / "Pipfile").get("source", ())]
    if manager is PIPENV and sources == ["pypi"]:
        unwanted += ["/^-i /d"]  # it is the usual one, for which a machine may have another address
    if unwanted:
        commands.append(f"sed -i '{'; '.join(unwanted)}' requirements.txt requirements-dev.txt")
    return commands


def local_names(project: Path) -> list[str]:
    """The names of the packages that are folders of the project, if a list or a table names them so."""
    names = []
    for folder in guess.local_packages(project):
        name = own_name(folder)
        for file in (folder / "setup.cfg", folder / "setup.py"):
            if not name and file.exists() and (line := re.search(r"\bname *= *[\"']?([\w.-]+)", guess.text_of(file))):
                name = line[1]
        names += [name] if name else []
    return names


def make_source(project: Path) -> Path:
    """The file that requirements.txt is made from; it is made where there is none, but for a list with hashes."""
    source, target = project / "requirements.in", project / "requirements.txt"
    if source.exists():
        return source
    if target.exists():
        text = guess.text_of(target)
        if "--hash=" in text:
            return source
        source.write_text(portable(text))
        target.unlink()
    elif named := guess.list_of(project):
        source.write_text(f"-r {named.relative_to(project)}\n")
    elif (project / "setup.py").exists():
        source.write_text("-e .\n")
    return source


def portable(text: str) -> str:
    """A list without what only the machine knows that has written it down: paths of its own, Ubuntu's pkg-resources.

    And without the usual index, as Pipenv writes it down, for which a machine may have another address.
    """
    text = re.sub(rf"^{USUAL_INDEX}\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^([\w.-]+(?:\[.*?\])?) @ file:///\S*", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^pkg[-_]resources==0\.0\.0.*\n?", "", text, flags=re.MULTILINE)


def make_dev_source(project: Path) -> Path:
    """The same for requirements-dev.txt."""
    source, target = project / "requirements-dev.in", project / "requirements-dev.txt"
    named = next((path for name in guess.DEV_LISTS if (path := project / name).is_file()), None)
    if source.exists() or not named:
        return source
    text = guess.text_of(named)
    # Production's list is the one with hashes now, and beside this one.
    renamed, includes = re.subn(r"^-r\s*(\.\./)?requirements\.txt", "-r requirements.txt", text, flags=re.MULTILINE)
    if named != target:
        source.write_text(renamed if includes else f"-r {named.relative_to(project)}\n")
    elif "--hash=" not in text:
        source.write_text(renamed)
        target.unlink()
    return source


def run_beside(folder: Path, base: str, commands: Sequence[str], debian: Sequence[str] = ()) -> str:
    """Run commands in a folder with the versions of Poetry and uv that final's files name, as on a laptop.

    Raises:
        NotExported: one fails.
    """
    try:
        laptop = exporter(base, tuple(debian), poetry="poetry" in " ".join(commands))
    except subprocess.CalledProcessError as error:
        line = f"Poetry and uv cannot be installed on {base}: {last_line(error.stderr)}"
        raise NotExported(line, error.stderr) from error
    # What root writes in the container belongs to whoever calls this.
    owner = f"{os.getuid()}:{os.getgid()}"
    script = f"{' && '.join(commands) or 'true'}; code=$?; chown -R {owner} /app; exit $code"
    run = ["docker", "run", "--rm", f"--name={SESSION}-export", "--workdir=/app", f"--volume={folder}:/app"]
    # The image's own Python, whatever .python-version says: uv would fetch another one.
    run += ["--env=UV_PYTHON=python3", "--env=UV_PYTHON_DOWNLOADS=never"]
    # What one command has looked up, the next one knows; it goes with the session.
    run += [f"--volume={SESSION}-cache:/root/.cache", laptop, "sh", "-c"]
    done = subprocess.run([*run, script], capture_output=True, text=True, check=False)
    if done.returncode:
        line = "the packages cannot be exported: the log above ends with the reason"
        raise NotExported(line, done.stdout + done.stderr)
    return done.stdout + done.stderr


@cache
def exporter(base: str, debian: tuple[str, ...], *, poetry: bool) -> str:
    """The name of an image with uv, made from this base image; its layers stay in the build cache.

    Poetry, which takes ten times as long to install, is there on demand, and so are these packages of Debian's: who
    lists a package that has no wheel may have to build it.

    Raises:
        CalledProcessError: it cannot be built; ``stderr`` says why.
    """
    texts = "".join((ROOT / "final" / name).read_text() for name in FINAL_FILES) + hooks.OF_UV
    tools = sorted(set(re.findall(r"\b(?:poetry|poetry-plugin-export|uv)==[\d.]+", texts)))
    if not poetry:
        tools = [tool for tool in tools if not tool.startswith("poetry")]
    recipe = f"FROM {base}\nRUN pip install --root-user-action ignore {' '.join(tools)}\n"
    if debian:
        recipe += f"RUN {APT} {' '.join(debian)}\n"
    name = f"{SESSION}-exporter-{re.sub('[^a-z0-9]+', '-', f'{base} {len(debian)} {len(tools)}'.lower())}"
    build_recipe(recipe, name)
    return name
