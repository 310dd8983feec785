"""A copy of a project on its way to final's files: they are put into it, and then fitted to it, a line at a time."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from library.edits import uncomment
from library.subject import Subject
from library.tutorial import FINAL_FILES, ROOT
from score.composing import sample_of

from . import guess, hooks, services
from .guess import ASGI, POETRY, UV, App, Manager
from .lists import APT, exporting, make_source, name_of, run_beside, with_index, with_wheels

FINAL = ROOT / "final"
UVICORN = "uvicorn_worker.UvicornWorker"  # in final's settings; the worker of apps that are no ASGI apps has threads
AIOHTTP = "aiohttp.GunicornWebWorker"
WORKER_CLASS = r'(?<=^worker_class = os.environ.get\("WORKER_CLASS"\) or ")[\w.]+'
LISTS = ("requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt")
# Where an instruction of a project's own comes into final's Dockerfile.
AFTER_COPY = r"(?<=^COPY \. \.\n)"
IN_PRODUCTION = r"^(?=ENV HOME=)"  # after what runs the code, and may make a file as root


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
    in_vain: dict[str, str] = field(default_factory=dict)  # what failed without stopping the trial: why, by stage
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

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def find(self, name: str, pattern: str) -> str:
        """What a pattern matches first in a file, or nothing."""
        match = re.search(pattern, self.read(name), re.MULTILINE)
        return match[0] if match else ""

    def set(self, name: str, old: str, new: str) -> None:
        """Replace what a pattern matches first in a file; a RuntimeError where there is nothing like it."""
        text, count = re.subn(old, lambda _: new, self.read(name), count=1, flags=re.MULTILINE)
        if not count:
            raise RuntimeError(f"{name} has nothing like {old}")
        self.write(name, text)

    def replace(self, name: str, old: str, new: str) -> bool:
        """Replace a text in a file, and say whether it was there."""
        text = self.read(name)
        self.write(name, text.replace(old, new))
        return old in text

    def insert(self, place: str, instruction: str) -> bool:
        """Put an instruction of its own into the Dockerfile, and say whether it was not there yet."""
        if f"\n{instruction}\n" in self.read("Dockerfile"):
            return False
        self.set("Dockerfile", place, f"{instruction}\n")
        return True

    def append(self, name: str, text: str) -> None:
        self.write(name, self.read(name) + text)

    def uncomment(self, name: str, beginning: str) -> bool:
        """Take the # from the line that begins so, if it has one."""
        if not any(line.startswith(beginning) for line in self.read(name).splitlines()):
            return False
        uncomment(self.folder / name, [beginning])
        return True

    def state(self) -> str:
        """What tells this draft from what it was before a remedy."""
        names = (*FINAL_FILES, *LISTS, *(self.manager.locks if self.manager else ()))
        decided = (self.versions, self.made_up, self.compilers, self.debian, self.commands, self.app)
        return repr((self._texts(names), decided, self.until, self.universal))

    def set_version(self, version: str) -> None:
        """Let the image have another Python, and let the list be made for it."""
        self.versions = [version, *(other for other in self.versions if other != version)]
        self.set("Dockerfile", r"(?<=^FROM python:)\d+\.\d+", version)

    def set_app(self, app: App) -> None:
        """Say in gunicorn's settings what is started, with which worker, and in which directory."""
        self.app = app
        settings = "gunicorn.conf.py"
        self.set(settings, r'(?<=^wsgi_app = )".*"', json.dumps(app.name))
        worker = AIOHTTP if app.framework == "aiohttp" else UVICORN if is_asgi(self.folder, app) else "gthread"
        self.set(settings, WORKER_CLASS, worker)
        if app.root and "\nchdir = " not in self.read(settings):
            # The files that it names are there, too.
            self.set(settings, r"(?<=^wsgi_app = )(.*)$", f'{json.dumps(app.name)}\nchdir = "/app/{app.root}"')
            self.add_path(app.root)

    @property
    def python_path(self) -> str:
        """The directories that the image imports modules from."""
        return self.find("Dockerfile", r"(?<=\bPYTHONPATH=)\S+")

    def add_path(self, directory: str) -> bool:
        """Let modules be imported from one more directory below the project, if they are not yet."""
        path = self.python_path
        if f"/app/{directory}" in path.split(":"):
            return False
        self.set("Dockerfile", r"(?<=PYTHONPATH=)\S+", f"{path}:/app/{directory}")
        return True

    def install_compiler(self, packages: Sequence[str]) -> None:
        """Let the line that installs a compiler install these, too."""
        self.compilers += [name for name in ("build-essential", *packages) if name not in self.compilers]
        self.uncomment("Dockerfile", f"# RUN {APT} build-essential")
        names = [name for name in self.compilers if name != "build-essential"]
        self.set("Dockerfile", r"(?<=--no-install-recommends build-essential).*", "".join(f" {name}" for name in names))

    def install(self, packages: Sequence[str]) -> None:
        """Let the line that installs Debian's packages in production install these, too."""
        if not packages:
            return
        self.debian += [name for name in packages if name not in self.debian]
        self.uncomment("Dockerfile", f"# RUN {APT} libpq5")
        line = r"(?<=--no-install-recommends )(?!build-essential).*(?= && rm -rf /var/lib/apt/lists/\*$)"
        self.set("Dockerfile", line, " ".join(self.debian))

    def demand(self, name: str, value: str) -> None:
        """Let the compose file demand a variable, with a made-up value for the trial."""
        self.made_up[name] = value
        self.give(name, f"${{{name}:?}}")

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
        """Take what the app, whose code reads variables of these names, needs beside it from the old compose file."""
        kept, variables, files, worker = services.beside(self.project)
        named = {*files, *(name for service in kept.values() for name in service.get("env_file", ()))}
        mounted = dict.fromkeys(volume.partition(":")[0] for one in kept.values() for volume in one.get("volumes", ()))
        above = sorted(name for name in {*named, *mounted} if name.startswith(".."))
        for name in above:  # the copy has them, too
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
                self.write(name, "".join(f"{key}={value}\n" for key, value in values.items()))
                self.samples[name] = "made-up values"
        files = [name for name in files if (self.folder / name).is_file()]
        lines = [line for name in files for line in guess.text_of(self.folder / name).splitlines()]
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
            conditions = {
                name: {"condition": "service_healthy" if "healthcheck" in service else "service_started"}
                for name, service in kept.items()
            }
            self.set("compose.yaml", r"^(?=  (?:# )?environment:$)", f"  depends_on: {json.dumps(conditions)}\n")
            self.set("compose.yaml", r"^(?=\n# volumes: )", f"\n{services.as_yaml(services.demanding(kept))}")
        if worker:
            self.uncomment("compose.yaml", "  # worker:")
            self.set("compose.yaml", r"^    command: celery .*", f"    command: {worker}")
        if volumes := [name for name in mounted if not name.startswith(".")]:
            listed = ", ".join(f"{name}: " for name in volumes)
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
        # The code's own copy of it goes before what has just been made.
        if inside != directory and (self.folder / inside).is_dir():
            self.insert(IN_PRODUCTION, f"RUN chown -R 10001 {inside}")
        return True

    def keep_file(self, path: str) -> bool:
        """Let a file that lies in the middle of the code lie on the volume, where it can be written."""
        inside = path.removeprefix("/app/")
        line = f"RUN ln -sf /data/{Path(path).name} {inside}"
        if line in self.read("Dockerfile"):
            return False
        self.keep("/data")
        self.insert(IN_PRODUCTION, line)
        if (self.folder / inside).is_file() and not self.ignores(inside):
            # The volume begins with what the project brings along.
            self.insert(IN_PRODUCTION, f"COPY --chown=10001 {inside} /data/")
        return True

    def ignores(self, name: str) -> bool:
        """Whether .dockerignore leaves a file out."""
        patterns = [line for line in self.read(".dockerignore").splitlines() if line and not line.startswith("#")]
        path, folders = Path(name), [str(parent) for parent in Path(name).parents]
        left_out = any(path.match(pattern.removeprefix("**/")) or pattern in folders for pattern in patterns)
        return left_out and f"!{name}" not in patterns

    def add_packages(self, packages: Sequence[str]) -> None:
        """Add packages by who keeps the others; Unusable where that refuses."""
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
            text = guess.text_of(self.folder / "requirements.txt")
            source.write_text(re.sub(r" *\\\n *--hash=\S+| +--hash=\S+", "", text))
        replaced = {name_of(line) for line in packages}
        kept = [line for line in source.read_text().splitlines() if name_of(line) not in replaced]
        source.write_text("\n".join([*kept, *packages, ""]))

    def member(self) -> str:
        """The package of a workspace whose code the app is, where the root is none itself."""
        if "project" in guess.pyproject(self.folder):
            return ""
        tail = Path(*self.app.module.split("."))
        for folder in guess.workspace(self.folder):
            modules = [root / tail for root in (folder, folder / "src")]
            if any(module.with_suffix(".py").exists() or module.is_dir() for module in modules):
                return str(guess.pyproject(folder)["project"]["name"])
        return ""

    def export(self) -> None:
        """Write the lists anew, where what they are made from has changed; NotExported if they cannot be resolved."""
        if self.wanted:
            self.add_packages(self.wanted)
            self.wanted = []
        if self.exported == self._sources():
            return
        for name in () if self.manager else ("requirements.txt", "requirements-dev.txt"):
            # What was made for another Python is no preference; what the project brings along is one.
            source, target = (self.folder / name).with_suffix(".in"), self.folder / name
            if target.exists() and source.exists():
                target.unlink()
                if (self.project / name).with_suffix(".in").exists() and (self.project / name).exists():
                    target.write_text(guess.text_of(self.project / name))
        commands = exporting(self.folder, self.manager, self.version, self.until)
        if not self.universal:
            commands = [command.replace(" --universal", "") for command in commands]
        run_beside(self.folder, self.base, commands, self.compilers)
        self.exported = self._sources()

    def _sources(self) -> str:
        names = self.manager.locks if self.manager else ("requirements.in", "requirements-dev.in")
        return repr((self.version, self.until, self.universal, self._texts(names)))

    def _texts(self, names: Iterable[str]) -> list[str]:
        return [self.read(name) for name in names if (self.folder / name).is_file()]

    def leave_out_tests(self) -> None:
        """Take away the stages and the service for tests, where there is no list or no folder for them."""
        if (self.folder / "requirements-dev.txt").exists() and (self.folder / "tests").is_dir():
            return
        stages = re.split(r"\n(?=FROM )", self.read("Dockerfile"))
        first = next(number for number, stage in enumerate(stages) if "requirements-dev.txt" in stage)
        self.write("Dockerfile", "\n".join(stages[:first]).rstrip("\n") + "\n")
        compose = re.sub(r"\n  # [^\n]*\n  test:\n(?:    .*\n)+", "\n", self.read("compose.yaml"))
        self.write("compose.yaml", re.sub(r"\n{3,}", "\n\n", compose))


def put_final(folder: Path, app: App, manager: Manager | None, *versions: str, project: Path | None = None) -> Draft:
    """Copy final's files into a folder, and set what is another project's: app, worker, version of Python, hooks.

    Then where the code is besides, and that packages come from several indexes: only few projects need that. The
    folder is a copy of the project, and the project by default the folder itself; the rest is as `Draft` has it.
    """
    for name in FINAL_FILES:
        shutil.copy2(FINAL / name, folder / name)
    draft = Draft(project or folder, folder, manager, app, list(versions))
    draft.set_app(app)
    draft.set_version(versions[0])
    if manager is not POETRY:
        draft.write(hooks.FILE.name, hooks.instead_of_poetrys(*([hooks.OF_UV] if manager is UV else [])))
    for root in guess.roots(folder):
        if root not in (folder, folder / "src"):
            draft.add_path(str(root.relative_to(folder)))
    if folders := guess.folders_of_wheels(folder):
        draft.write(hooks.FILE.name, with_wheels(draft.read(hooks.FILE.name), folders))
        mounts = "".join(f"    --mount=type=bind,source={name},target={name} \\\n" for name in folders)
        list_mount = r"(?m)^    --mount=type=bind,source=requirements.*\n"
        draft.write("Dockerfile", re.sub(list_mount, rf"\g<0>{mounts}", draft.read("Dockerfile")))
    if guess.names_index(folder):
        draft.write(hooks.FILE.name, with_index(draft.read(hooks.FILE.name)))
        # uv looks no further than the first index that knows a name. The list has the hash of every file.
        draft.set("Dockerfile", r"(?<=^ENV VIRTUAL_ENV=/venv)", " UV_INDEX_STRATEGY=unsafe-best-match")
    return draft


def is_asgi(project: Path, app: App) -> bool:
    """Whether uvicorn's worker serves it."""
    if app.asgi is not None:
        return app.asgi
    if app.framework in ("flask", "django", "aiohttp"):
        return "asgi" in app.name and "uvicorn-worker" in guess.dependencies(project)
    return app.framework == "fastapi" or bool(guess.dependencies(project) & {*ASGI, "uvicorn-worker"})


def lacking(project: Path, app: App) -> list[str]:
    """The packages that serve the app and that nobody asks for."""
    worker = ["uvicorn-worker", "httptools"] if is_asgi(project, app) else []
    asked = guess.dependencies(project)
    if {"gunicorn", *worker[:1]} <= asked:
        return []
    return [name for name in ("gunicorn", *worker) if name not in asked]
