"""A copy of a project on its way to final's files: they are put into it, and then fitted to it, a line at a time."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from packaging.utils import canonicalize_name

from library import engine
from library.edits import uncomment
from library.engine import last_line
from library.subject import Subject
from library.tutorial import FINAL_FILES, ROOT
from score.composing import Unusable, sample_of

from . import hooks, services
from .exporter import exporter
from .guess import (
    ASGI,
    PDM,
    PIPENV,
    POETRY,
    USUAL_INDEX,
    UV,
    App,
    Manager,
    dependencies,
    dev_list_of,
    django_command,
    folders_of_wheels,
    list_of,
    local_packages,
    names_index,
    read_pyproject,
    read_toml,
    roots,
    text_of,
    workspace,
)

FINAL = ROOT / "final"
COMPILE = (
    "uv pip compile --quiet --python-version {version} --universal --generate-hashes {source} --output-file {target}"
)
APT = "RUN apt-get update && apt-get install --yes --no-install-recommends"
UVICORN = "uvicorn_worker.UvicornWorker"  # in final's settings; the worker of apps that are no ASGI apps has threads
AIOHTTP = "aiohttp.GunicornWebWorker"
WORKER_CLASS = r'(?<=^worker_class = os.environ.get\("WORKER_CLASS"\) or ")[\w.]+'
LISTS = ("requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt")


@dataclass
class Draft:
    """A copy of a project, and what was decided about it."""

    project: Path  # the folder that is copied; it stays as it is
    folder: Path  # the copy
    manager: Manager | None  # who keeps the packages; None for a plain list
    app: App  # what is started
    versions: list[str]  # of Python, that may be tried; the first one is in the Dockerfile
    made_up: dict[str, str] = field(default_factory=dict)  # variables that compose.yaml demands: values for the trial
    samples: dict[str, str] = field(default_factory=dict)  # missing files with variables: what the trial takes instead
    given: set[str] = field(default_factory=set)  # variables that have a value from the project's old compose file
    host: str = ""  # the name by which the app was asked, where it answers to no address
    compilers: list[str] = field(default_factory=list)  # Debian's packages that compile what has no wheel
    debian: list[str] = field(default_factory=list)  # Debian's packages that production needs
    commands: list[str] = field(default_factory=list)  # run in the container before a page is asked for
    hoped: str = ""  # the one of them that may fail: the project's files name it, and its database may be elsewhere
    in_vain: dict[str, str] = field(
        default_factory=dict
    )  # what did not work, and did not stop the trial: why, by stage
    done: list[str] = field(default_factory=list)  # what was mended, a line each
    wanted: list[str] = field(default_factory=list)  # packages that are still to be added
    exported: str = ""  # what the lists were last made from
    universal: bool = True  # whether a plain list is made for every platform and every newer Python, too
    until: str = ""  # the day whose versions of the packages are taken; the newest ones without
    too_new: str = ""  # what a package said for which this Python is too new, or the code for which a package is
    without_image: list[str] = field(default_factory=list)  # versions of Python whose image cannot be had
    absent: dict[str, str] = field(default_factory=dict)  # images beside the app that cannot be had: what is taken
    lost: str = ""  # a database in /tmp
    node: str = ""  # the image in which the project's own Dockerfile builds what browsers get
    looked_for_wheels: bool = False  # whether somebody has looked which versions of Python have wheels for the list

    @property
    def version(self) -> str:
        return self.versions[0]

    @property
    def base(self) -> str:
        """The image that the Dockerfile starts from."""
        return Subject("adopted", self.folder).parsed.base_image

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def find(self, name: str, pattern: str) -> str:
        """What a pattern matches first in a file, or nothing."""
        match = re.search(pattern, self.read(name), re.MULTILINE)
        return match[0] if match else ""

    def set(self, name: str, old: str, new: str) -> None:
        """Replace what a pattern matches first in a file."""
        set_line(self.folder / name, old, new)

    def replace(self, name: str, old: str, new: str) -> bool:
        """Replace a text in a file, and say whether it was there."""
        text = self.read(name)
        (self.folder / name).write_text(text.replace(old, new))
        return old in text

    def append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def uncomment(self, name: str, beginning: str) -> bool:
        """Take the # from the line that begins so, if it has one."""
        if not any(line.startswith(beginning) for line in self.read(name).splitlines()):
            return False
        uncomment(self.folder / name, [beginning])
        return True

    def state(self) -> str:
        """What tells this draft from what it was before a remedy."""
        names = (*FINAL_FILES, *LISTS, *(self.manager.locks if self.manager else ()))
        texts = [self.read(name) for name in names if (self.folder / name).is_file()]
        decided = (self.versions, self.made_up, self.compilers, self.debian, self.commands, self.app)
        return repr((texts, decided, self.until, self.universal))

    def set_version(self, version: str) -> None:
        """Let the image have another Python, and let the list be made for it."""
        self.versions = [version, *(other for other in self.versions if other != version)]
        self.set("Dockerfile", r"(?<=^FROM python:)\d+\.\d+", version)

    def set_app(self, app: App) -> None:
        """Say what is started, with which worker, and from where."""
        self.app = app
        put_app(self.folder, app)

    def install_compiler(self, packages: Sequence[str]) -> bool:
        """Let the line that installs a compiler install these, too."""
        if not (missing := [name for name in packages if name not in self.compilers]):
            return False
        self.compilers += missing
        self.uncomment("Dockerfile", f"# {APT} build-essential")
        names = [name for name in self.compilers if name != "build-essential"]
        self.set("Dockerfile", r"(?<=--no-install-recommends build-essential).*", "".join(f" {name}" for name in names))
        return True

    def install(self, packages: Sequence[str]) -> bool:
        """Let the line that installs Debian's packages in production install these, too."""
        if not (missing := [name for name in packages if name not in self.debian]):
            return False
        self.debian += missing
        self.uncomment("Dockerfile", f"# {APT} libpq5")
        line = r"(?<=--no-install-recommends )(?!build-essential).*(?= && rm -rf /var/lib/apt/lists/\*$)"
        self.set("Dockerfile", line, " ".join(self.debian))
        return True

    def demand(self, name: str, value: str) -> bool:
        """Let the compose file demand a variable, with a made-up value for the trial."""
        text = self.read("compose.yaml")
        changed = self.made_up.get(name) != value
        self.made_up[name] = value
        if f"\n    {name}: ${{{name}:?}}\n" in text:
            return changed
        self.give(name, f"${{{name}:?}}")
        return True

    def give(self, name: str, value: str) -> None:
        """Write a variable into the compose file."""
        line = f"    {name}: {value}"
        if self.find("compose.yaml", rf"^    {name}: "):
            self.set("compose.yaml", rf"^    {name}: .*", line)
        elif self.replace("compose.yaml", "  # environment:\n", "  environment:\n"):
            # What stands there is an example of such a line.
            self.set("compose.yaml", r"^  #   DATABASE_URL: .*", line)
        else:
            self.set("compose.yaml", r"^  environment:$", f"  environment:\n{line}")

    def bring_services(self, names: Iterable[str]) -> None:
        """Take what the app needs beside it from the project's old compose file, if that has such services.

        Args:
            names: the variables that the app's code reads.
        """
        kept, variables, files, worker = services.beside(self.project)
        named = {*files, *(name for service in kept.values() for name in service.get("env_file", ()))}
        mounted = {volume.partition(":")[0] for one in kept.values() for volume in one.get("volumes", ())}
        for name in sorted(
            name for name in named | mounted if name.startswith("..")
        ):  # the copy has what is above, too
            source, target = self.project / name, self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.is_file():
                shutil.copy2(source, target)
        for name in sorted(name for name in named if not (self.folder / name).is_file()):
            if sample := sample_of(self.project / name):
                shutil.copy2(sample, self.folder / name)
                self.samples[name] = os.path.relpath(sample, self.project)
            elif kept:
                values = services.made_up(kept, names)
                (self.folder / name).write_text("".join(f"{key}={value}\n" for key, value in values.items()))
                self.samples[name] = "made-up values"
        files = [name for name in files if (self.folder / name).is_file()]
        lines = [line for name in files for line in text_of(self.folder / name).splitlines()]
        values = {name.strip(): value.strip("\"' ") for name, _, value in (line.partition("=") for line in lines)}
        self.given = {*variables, *(name.removeprefix("export ") for name in values)}
        # `$DB_NAME` came from a file beside the old compose file, which this one may not have.
        for name in services.plain_variables(repr((kept, variables))):
            self.made_up[name] = values.get(name) or "app"
        for name, value in variables.items():
            self.give(name, json.dumps(services.demanding(value)))
        if files:
            self.set("compose.yaml", r"^(?=  (?:# )?environment:$)", f"  env_file: {json.dumps(files)}\n")
        if kept:
            states = {
                name: "service_healthy" if "healthcheck" in service else "service_started"
                for name, service in kept.items()
            }
            conditions = json.dumps({name: {"condition": state} for name, state in states.items()})
            self.set("compose.yaml", r"^(?=  (?:# )?environment:$)", f"  depends_on: {conditions}\n")
            self.set("compose.yaml", r"^(?=\n# volumes: )", f"\n{services.as_yaml(services.demanding(kept))}")
        if worker:
            self.uncomment("compose.yaml", "  # worker:")
            self.set("compose.yaml", r"^    command: celery .*", f"    command: {worker}")
        if names := services.volumes_of(kept):
            listed = ", ".join(f"{name}: " for name in names)
            self.set("compose.yaml", r"^# volumes: \{ data: \}", f"volumes: {{ {listed}}}")

    def keep(self, directory: str) -> bool:
        """Give the app a directory to write to, on a volume."""
        compose = self.read("compose.yaml")
        if f':{directory}"' in compose.partition("\nservices:")[0] and "  # volumes:" not in compose:
            return False
        if self.uncomment("compose.yaml", "  # volumes: ["):
            if not self.uncomment("compose.yaml", "# volumes: { data: }"):
                self.set("compose.yaml", r"(?<=^volumes: \{)", " data: ,")
            self.set("compose.yaml", r'(?<=^  volumes: \["data:)/data', directory)
            self.set("Dockerfile", r"(?<=install -d -o 10001) /data$", f" {directory}")
        else:
            name = re.sub(r"[^a-z0-9]+", "-", directory.lower()).strip("-").removeprefix("app-")
            name = "files" if name == "data" else name  # that is the first one's
            self.set("compose.yaml", r"(?<=^  volumes: \[)", f'"{name}:{directory}", ')
            self.set("compose.yaml", r"(?<=^volumes: \{)", f" {name}: ,")
            self.set("Dockerfile", r"(?<=install -d -o 10001)", f" {directory}")
        inside = directory.removeprefix("/app/")
        if (self.folder / inside).is_dir():  # the code's own copy of it would go before what has just been made
            self.before_compiling(f"RUN chown -R 10001 {inside}")
        return True

    def keep_file(self, path: str) -> bool:
        """Let a file that lies in the middle of the code lie on the volume, where it can be written."""
        inside = path.removeprefix("/app/")
        line = f"RUN ln -sf /data/{Path(path).name} {inside}"
        if line in self.read("Dockerfile"):
            return False
        self.keep("/data")
        self.before_compiling(line)
        if (self.folder / inside).is_file() and not self.ignores(inside):
            # The volume begins with what the project brings along.
            self.set("Dockerfile", r"^(?=ENV HOME=)", f"COPY --chown=10001 {inside} /data/\n")
        return True

    def ignores(self, name: str) -> bool:
        """Whether .dockerignore leaves a file out."""
        patterns = [line for line in self.read(".dockerignore").splitlines() if line and not line.startswith("#")]
        kept = any(pattern == f"!{name}" for pattern in patterns)
        path = Path(name)
        return not kept and any(
            path.match(pattern.removeprefix("**/")) or any(str(parent) == pattern for parent in path.parents)
            for pattern in patterns
        )

    def after_copy(self, line: str) -> None:
        """Put an instruction behind the one that copies the code."""
        self.set("Dockerfile", r"^COPY \. \.$", f"COPY . .\n{line}")

    def before_compiling(self, line: str) -> None:
        """Put an instruction behind those that run the code, which may make a file as root."""
        self.set("Dockerfile", r"^(?=RUN python -m compileall -q --inv)", f"{line}\n")

    def add_packages(self, packages: Sequence[str]) -> None:
        """Add packages by who keeps the others.

        Raises:
            Unusable: it refuses.
        """
        if self.manager is POETRY:  # it takes the newest of what is asked for without a version, whatever that needs
            packages = [name if re.search("[<>=]", name) else f"{name}>=0" for name in packages]
        if self.manager:
            names = " ".join(f"'{name}'" for name in packages)
            if self.manager is UV and (member := self.member()):
                names = f"--package {member} {names}"
            run_beside(self.folder, self.base, [self.manager.add.format(names)], self.compilers)
            return
        source = make_source(self.folder)
        if not source.exists():  # a list with hashes that nobody has the source of
            text = text_of(self.folder / "requirements.txt")
            source.write_text(re.sub(r" *\\\n *--hash=\S+| +--hash=\S+", "", text))
        replaced = {name_of(line) for line in packages}
        kept = [line for line in source.read_text().splitlines() if name_of(line) not in replaced]
        source.write_text("\n".join([*kept, *packages, ""]))

    def member(self) -> str:
        """The package of a workspace whose code the app is, where the root is none itself."""
        if "project" in read_pyproject(self.folder):
            return ""
        tail = Path(*self.app.module.split("."))
        for folder in workspace(self.folder):
            modules = [root / tail for root in (folder, folder / "src")]
            if any(module.with_suffix(".py").exists() or module.is_dir() for module in modules):
                return str(read_pyproject(folder)["project"]["name"])
        return ""

    def export(self) -> bool:
        """Write the lists anew, where what they are made from has changed; say whether it has.

        Raises:
            NotExported: the packages cannot be resolved.
        """
        if self.wanted:
            self.add_packages(self.wanted)
            self.wanted = []
        if self.exported == self._sources():
            return False
        for name in () if self.manager else ("requirements.txt", "requirements-dev.txt"):
            # What was made for another Python is no preference; what the project brings along is one.
            source, target = (self.folder / name).with_suffix(".in"), self.folder / name
            if target.exists() and source.exists():
                target.unlink()
                if (self.project / name).with_suffix(".in").exists() and (self.project / name).exists():
                    target.write_text(text_of(self.project / name))
        commands = exporting(self.folder, self.manager, self.version, self.until)
        if not self.universal:
            commands = [command.replace(" --universal", "") for command in commands]
        run_beside(self.folder, self.base, commands, self.compilers)
        self.exported = self._sources()
        return True

    def _sources(self) -> str:
        names = self.manager.locks if self.manager else ("requirements.in", "requirements-dev.in")
        texts = [self.read(name) for name in names if (self.folder / name).is_file()]
        return repr((self.version, self.until, self.universal, texts))

    def leave_out_tests(self) -> None:
        """Take away the stages and the service for tests, where there is no list or no folder for them."""
        if (self.folder / "requirements-dev.txt").exists() and (self.folder / "tests").is_dir():
            return
        stages = re.split(r"\n(?=FROM )", self.read("Dockerfile"))
        first = next(number for number, stage in enumerate(stages) if "requirements-dev.txt" in stage)
        (self.folder / "Dockerfile").write_text("\n".join(stages[:first]).rstrip("\n") + "\n")
        compose = re.sub(r"\n  # [^\n]*\n  test:\n(?:    .*\n)+", "\n", self.read("compose.yaml"))
        (self.folder / "compose.yaml").write_text(re.sub(r"\n{3,}", "\n\n", compose))


def is_here(image: str) -> bool:
    return not subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode


@cache
def bring(image: str) -> str:
    """Pull an image, or make a stand-in of it where no registry answers; nothing, or why it cannot be had."""
    place = engine.SCRATCH / "image"
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text(f"FROM {image}\n")
    with engine.one_build_at_a_time(shares=False):
        command = [ROOT / "bootstrap/bases.sh", place]
        brought = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{image} cannot be had: {last_line(brought.stderr)}" if brought.returncode else ""


def name_of(requirement: str) -> str:
    """The normalized name of the package in a line of a list."""
    return canonicalize_name(re.split(r"[<>=!~\[; ]", requirement.strip())[0])


class NotExported(Unusable):
    """The list of packages cannot be made: besides the end of the log, the whole."""

    def __init__(self, line: str, log: str) -> None:
        super().__init__(line, log)
        self.whole = log


def with_index(commands: str) -> str:
    """Let commands of uv's write down where packages come from, as those of Poetry's always do.

    Not always: it is what holds on this machine, `UV_DEFAULT_INDEX` with a password in it, say.
    """
    return re.sub(r"--(no-header|generate-hashes)\b", r"\g<0> --emit-index-url", commands)


def with_wheels(commands: str, folders: Sequence[str]) -> str:
    """Let commands of uv's add the hashes of wheels in folders, which its lock does not have."""
    links = " ".join(f"--find-links {name}" for name in folders)
    more = f"uv pip compile --quiet --universal --no-header --generate-hashes --emit-find-links {links}"
    return re.sub(
        r"uv export .*?--output-file (\S+?\.txt)", rf"\g<0> && {more} \1 --output-file \1", commands, flags=re.DOTALL
    )


def exporting(project: Path, manager: Manager | None, version: str, until: str = "") -> list[str]:
    """The commands that make requirements.txt and requirements-dev.txt; a list without hashes becomes a .in file."""
    emit = with_index if names_index(project) else str
    if not manager:
        options = "".join(f" --no-emit-package {name}" for name in local_names(project))
        if until:  # what serves the app is final's, and of today
            servers = ("gunicorn", "uvicorn-worker", "httptools", "uvicorn")
            options += f" --exclude-newer {until}" + "".join(
                f" --exclude-newer-package {name}=false" for name in servers
            )
        tests = make_dev_source(project)
        lists = {make_source(project): "requirements.txt", tests: "requirements-dev.txt"}
        commands = [
            COMPILE.format(version=version, source=source.name, target=target)
            for source, target in lists.items()
            if source.exists()
        ]
        # The tests get the versions of production, which are known by then.
        if tests.exists() and "-r requirements.txt" not in text_of(tests):
            commands[-1] = commands[-1].replace("--generate-hashes", "--constraint requirements.txt --generate-hashes")
        return [emit(command.replace(" --output-file", f"{options} --output-file")) for command in commands]
    commands = [emit(command) for command in (*manager.export, *manager.export_dev)]
    if folders := folders_of_wheels(project):
        commands = [with_wheels(command, folders) for command in commands]
    unwanted = []
    if local_packages(project) and manager in (POETRY, PDM, PIPENV):
        unwanted += ["/^-e /d", "/@ file:/d", r"/^\.\.*\//d"]  # their code is copied
    sources = [source.get("name") for source in read_toml(project / "Pipfile").get("source", ())]
    if manager is PIPENV and sources == ["pypi"]:
        unwanted += ["/^-i /d"]  # it is the usual one, for which a machine may have another address
    if unwanted:
        commands.append(f"sed -i '{'; '.join(unwanted)}' requirements.txt requirements-dev.txt")
    return commands


def local_names(project: Path) -> list[str]:
    """The names of the packages that are folders of the project, if a list or a table names them so."""
    names = []
    for folder in local_packages(project):
        table = read_toml(folder / "pyproject.toml")
        name = table.get("project", {}).get("name") or table.get("tool", {}).get("poetry", {}).get("name")
        for file in (folder / "setup.cfg", folder / "setup.py"):
            if not name and file.exists() and (line := re.search(r"\bname *= *[\"']?([\w.-]+)", text_of(file))):
                name = line[1]
        names += [str(name)] if name else []
    return names


def make_source(project: Path) -> Path:
    """The file that requirements.txt is made from; it is made where there is none, but for a list with hashes."""
    source, target = project / "requirements.in", project / "requirements.txt"
    if source.exists():
        return source
    if target.exists():
        text = text_of(target)
        if "--hash=" in text:
            return source
        source.write_text(portable(text))
        target.unlink()
    elif named := list_of(project):
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
    named = target if target.exists() else dev_list_of(project)
    if source.exists() or not named:
        return source
    text = text_of(named)
    # Production's list is the one with hashes now, and beside this one.
    renamed, includes = re.subn(r"^-r\s*(\.\./)?requirements\.txt", "-r requirements.txt", text, flags=re.MULTILINE)
    if named != target:
        source.write_text(renamed if includes else f"-r {named.relative_to(project)}\n")
    elif "--hash=" not in text:
        source.write_text(renamed)
        target.unlink()
    return source


def run_beside(folder: Path, base: str, commands: Sequence[str], debian: Sequence[str] = ()) -> str:
    """Run commands in a folder with the versions of Poetry and uv that final's files name.

    Raises:
        Unusable: one fails.
    """
    try:
        laptop = exporter(base, tuple(debian), poetry="poetry" in " ".join(commands))
    except subprocess.CalledProcessError as error:
        line = f"Poetry and uv cannot be installed on {base}: {last_line(error.stderr)}"
        raise NotExported(line, error.stderr) from error
    # What root writes in the container belongs to whoever calls this.
    owner = f"{os.getuid()}:{os.getgid()}"
    script = f"{' && '.join(commands) or 'true'}; code=$?; chown -R {owner} /app; exit $code"
    run = ["docker", "run", "--rm", f"--name={engine.SESSION}-export", "--workdir=/app", f"--volume={folder}:/app"]
    # The image's own Python, whatever .python-version says: uv would fetch another one.
    run += ["--env=UV_PYTHON=python3", "--env=UV_PYTHON_DOWNLOADS=never"]
    # What one command has looked up, the next one knows; it goes with the session.
    run += [f"--volume={engine.SESSION}-cache:/root/.cache", laptop, "sh", "-c"]
    done = subprocess.run([*run, script], capture_output=True, text=True, check=False)
    if done.returncode:
        line = "the packages cannot be exported: the log above ends with the reason"
        raise NotExported(line, done.stdout + done.stderr)
    return done.stdout + done.stderr


def put_final(folder: Path, app: App, manager: Manager | None, version: str) -> None:
    """Copy final's files into a folder, and set what is another project's: app, worker, version of Python, hooks.

    Then where the code is besides, and that packages come from several indexes: only few projects need that.
    """
    for name in FINAL_FILES:
        shutil.copy2(FINAL / name, folder / name)
    dockerfile, hooks_file = folder / "Dockerfile", folder / ".pre-commit-config.yaml"
    put_app(folder, app)
    set_line(dockerfile, r"(?<=^FROM python:)\d+\.\d+", version)
    if manager is not POETRY:
        own = [hooks.of_uv()] if manager is UV else []
        hooks_file.write_text(hooks.instead_of_poetrys(*own))
    for root in roots(folder):
        if root not in (folder, folder / "src"):
            add_path(folder, str(root.relative_to(folder)))
    if folders := folders_of_wheels(folder):
        hooks_file.write_text(with_wheels(hooks_file.read_text(), folders))
        mounts = "".join(f"    --mount=type=bind,source={name},target={name} \\\n" for name in folders)
        list_mount = r"(?m)^    --mount=type=bind,source=requirements.*\n"
        dockerfile.write_text(re.sub(list_mount, rf"\g<0>{mounts}", dockerfile.read_text()))
    if names_index(folder):
        hooks_file.write_text(with_index(hooks_file.read_text()))
        # uv looks no further than the first index that knows a name. The list has the hash of every file.
        set_line(dockerfile, r"(?<=^ENV VIRTUAL_ENV=/venv)", " UV_INDEX_STRATEGY=unsafe-best-match")


def python_path(folder: Path) -> str:
    """The directories that the image imports modules from."""
    path = re.search(r"\bPYTHONPATH=(\S+)", (folder / "Dockerfile").read_text())
    return path[1] if path else ""


def add_path(folder: Path, directory: str) -> bool:
    """Let modules be imported from one more directory below the project, if they are not yet."""
    path = python_path(folder)
    if f"/app/{directory}" in path.split(":"):
        return False
    set_line(folder / "Dockerfile", r"(?<=PYTHONPATH=)\S+", f"{path}:/app/{directory}")
    return True


def put_app(folder: Path, app: App) -> None:
    """Say in gunicorn's settings what is started, with which worker, and in which directory."""
    settings = folder / "gunicorn.conf.py"
    set_line(settings, r'(?<=^wsgi_app = )".*"', json.dumps(app.name))
    worker = AIOHTTP if app.framework == "aiohttp" else UVICORN if is_asgi(folder, app) else "gthread"
    set_line(settings, WORKER_CLASS, worker)
    if app.root and "\nchdir = " not in settings.read_text():
        # The files that it names are there, too.
        set_line(settings, r"(?<=^wsgi_app = )(.*)$", f'{json.dumps(app.name)}\nchdir = "/app/{app.root}"')
        add_path(folder, app.root)


def is_asgi(project: Path, app: App) -> bool:
    """Whether uvicorn's worker serves it."""
    if app.asgi is not None:
        return app.asgi
    if app.framework in ("flask", "django", "aiohttp"):
        return "asgi" in app.name and "uvicorn-worker" in dependencies(project)
    return app.framework == "fastapi" or bool(dependencies(project) & {*ASGI, "uvicorn-worker"})


def set_line(file: Path, old: str, new: str) -> None:
    """Replace what a pattern matches first.

    Raises:
        RuntimeError: nothing does.
    """
    text, count = re.subn(old, lambda _: new, file.read_text(), count=1, flags=re.MULTILINE)
    if not count:
        raise RuntimeError(f"{file.name} has nothing like {old}")
    file.write_text(text)


def lacking(project: Path, app: App) -> list[str]:
    """The packages that serve the app and that nobody asks for."""
    worker = ["uvicorn-worker", "httptools"] if is_asgi(project, app) else []
    asked = dependencies(project)
    if {"gunicorn", *worker[:1]} <= asked:
        return []
    return [name for name in ("gunicorn", *worker) if name not in asked]


def manage(folder: Path, command: str) -> str:
    """A command of Django's manage.py, wherever that is."""
    file = django_command(folder)
    return f"python {file.relative_to(folder) if file else 'manage.py'} {command}"
