"""Somebody's own project as a subject: a copy of it, started with what its compose file says and nothing of its own.

The project itself is never changed. Compose says what it makes of the project's files. From that model goes what would
touch anything else on this machine: fixed ports and names, other people's volumes and networks, and folders that are
mounted over the image. The rest is the one compose file that everything here is started with.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from python_on_whales.exceptions import DockerException

from . import tutorial
from .dockerfile import Dockerfile
from .engine import SCRATCH, SESSION, docker, last_line, one_build_at_a_time, wait_until
from .practices.runtime import LISTENING, health, wait_until_listening
from .subject import READY_LIMIT, Running, Subject

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
# What a project has if all these are there.
FILES_OF = {
    "debug-file": ("compose.debug.yaml",),
    "export": ("poetry.lock", "requirements.txt", "pyproject.toml"),
    "manifests": ("kubernetes/kustomization.yaml",),
    "release": ("publish.sh", "deploy.sh", "compose.publish.yaml", "compose.release.yaml"),
    "stack": ("stack.yaml",),
    "vendors": ("cloudrun.yaml", "fly.toml", "containerapp.yaml"),
}
# What a copy leaves out: it may be huge, and no build needs it.
LEFT_OUT = re.compile(r"^(\.git|\.venv|venv|node_modules|__pycache__|\.tox|\.nox|\.[a-z]+_cache)$")
# What shows that a build asks Git: in the Dockerfile, or in the project's own metadata.
READS_GIT = re.compile(
    r"""(?:^|[\s=/"'])\.git(?:[\s/,"']|$)|\bgit (?:describe|rev-parse|log)\b|setuptools[_-]scm|hatch-vcs|versioningit"""
    r"""|dunamai|dynamic-versioning|source = "scm\"""",
    re.MULTILINE,
)
DATABASES = re.compile(r"^/var/lib/|^/data$|^/bitnami/")  # where images of databases keep what they know
# Who stands before the app, or beside it, by the name of a service, an image or a file.
PROXIES = re.compile(r"(?<![a-z])(nginx|traefik|caddy|haproxy|envoy|httpd|apache2?|(reverse.?)?proxy)(?![a-z])")
BESIDE = re.compile(
    r"(?<![a-z])(celery\w*|workers?|beat|flower|cron|scheduler|rq|huey|dramatiq|migrat\w+|tests?|docs?|frontend|init"
    r"|postgres\w*|mysql|mariadb|redis|valkey|memcached|rabbitmq|mongo\w*|mailhog|mailpit|adminer|pgadmin\w*)(?![a-z])"
)
JOBS = re.compile(r"\b(celery|rq|dramatiq|huey|pytest)\b")  # in the command of a service that serves nobody
NAMES = ("web", "app", "api", "backend", "server", "django", "flask", "fastapi")  # of the service that serves


class Unusable(Exception):
    """A project cannot be built, started or asked: one line that says what to do, and the end of a log if there is one.

    Args:
        line: what is wrong, and what to do.
        log: what was printed meanwhile.
    """

    def __init__(self, line: str, log: str = "") -> None:
        super().__init__(line)
        self.log = "\n".join(log.strip().splitlines()[-20:])


@dataclass(frozen=True)
class Options:
    """What somebody says of a project that it does not say itself.

    Args:
        compose: the compose files, as paths below the project; those that compose finds by itself where it is empty.
        service: the compose service that serves; needed where the compose files leave a choice.
        page: the path that is asked for, "/" by default.
        slow: a path that is answered after a while, if there is one.
        host: the name by which the app is asked, for an app that knows its names.
        env_file: variables for the compose file and the app.
    """

    compose: Sequence[str] = ()
    service: str = ""
    page: str = ""
    slow: str = ""
    host: str = ""
    env_file: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """A project that can be asked.

    Args:
        subject: its copy.
        files: its own compose files.
        notes: what was done otherwise than the project says, a line each.
    """

    subject: Subject
    files: tuple[str, ...]
    notes: tuple[str, ...]


def prepare(folder: Path, options: Options, label: str = "") -> Prepared:
    """Copy a project, and see how it is built and started.

    Args:
        folder: the project, which stays as it is.
        options: what it does not say itself.
        label: what tells this copy from another one of the same project.

    Raises:
        Unusable: there is no such project, or something is missing.
    """
    if not folder.is_dir():
        raise Unusable(f"there is no folder {folder}: PROJECT is the path of a folder with a Dockerfile")
    if options.env_file and not options.env_file.is_file():
        raise Unusable(f"there is no file {options.env_file}: ENV_FILE is the path of a file with lines NAME=value")
    folder = folder.resolve()
    copy = SCRATCH.resolve() / "project" / (label or "copy") / folder.name
    notes = [f"not copied, because it cannot be read: {name}" for name in copy_project(folder, copy)]
    page, slow = (path if not path or path.startswith("/") else f"/{path}" for path in (options.page, options.slow))
    env_files = [options.env_file.resolve()] if options.env_file else []

    lesson = next((lesson for lesson in tutorial.load() if lesson.path == folder), None)
    if lesson and not options.compose and not options.service:
        subject = Subject(lesson.name, copy, has=lesson.has, page=page or "/", env_files=tuple(env_files))
        return Prepared(replace(subject, slow=slow) if slow else subject, subject.compose, tuple(notes))

    files, more = _choose_files(copy, options.compose)
    if options.service and not files:
        raise Unusable(f"there is no compose file, so there is no service {options.service}: leave SERVICE out")
    given = files or (_written(copy.parent / "alone.json", {"web": {"build": str(copy)}}),)
    model = _config(copy, given, env_files, more)
    try:
        name = _choose(copy, model["services"], options.service)
    except Unusable as reason:
        raise Unusable("; ".join([str(reason), *more])) from reason
    if env_files:
        more_variables = {name: {"env_file": [str(env_files[-1])]}}
        model = _config(copy, (*given, _written(copy.parent / "variables.json", more_variables)), env_files, more)
    services = model["services"]
    own, needed = services[name], _needed(services, name)
    if not own.get("build"):
        own["build"] = {"context": str(copy)}
        more.append(f"service {name} names an image only: the folder's Dockerfile is built in its place")
    context, dockerfile = _built_from(copy, name, own["build"])
    published = [port for port in own.get("ports") or () if port.get("protocol", "tcp") == "tcp"]
    has = {thing for thing, names in FILES_OF.items() if all((copy / name).exists() for name in names)}
    has |= ({"compose"} if files else set()) | ({"published"} if published else set())
    subject = Subject(
        f"{folder.name} {label}".strip(),
        copy,
        ours=False,
        service=name,
        compose=(str(copy.parent / "compose.json"),),  # beside the copy: what is in it may end up in the image
        compose_file="" if files == _found_by_compose(copy) else os.pathsep.join(files),
        context=str(context.relative_to(copy)),
        dockerfile=dockerfile if dockerfile != "Dockerfile" else None,
        target=own["build"].get("target"),
        arguments={key: str(value) for key, value in (own["build"].get("args") or {}).items()},
        port=int(published[0]["target"]) if published else 0,
        published=int(str(published[0].get("published") or 8000).partition("-")[0]) if published else 8000,
        profile=(own.get("profiles") or [""])[0],
        page=page or "/",
        slow=slow or None,
        host=options.host or "localhost",
        copy_of=folder.name,
    )
    if _reads_git(subject):
        if (folder / ".git").is_dir():
            shutil.copytree(folder / ".git", copy / ".git", symlinks=True)
        else:
            more.append("its build asks Git, and there is no folder .git at the top of the project")
    tests = [line for stage in subject.parsed.stages if stage.name == "test" for line in stage.instructions]
    if any(re.match(r"RUN .*\b(pytest|unittest|manage\.py test)\b", line) for line in tests):
        has.add("test-stage")
    if any((service.get("develop") or {}).get("watch") for service in services.values()):
        has.add("watch")
    more += _isolate_all(subject, model, needed)
    if files and not published:
        more.append(f"service {name} publishes no port: here it is published on 127.0.0.1")
    _write(subject, model)
    if built := [other for other in needed if services[other].get("build") and other != name]:
        _build_others(subject, built)
    return Prepared(replace(subject, has=frozenset(has)), files, (*notes, *more))


def copy_project(folder: Path, to: Path) -> list[str]:
    """Copy a folder without what is large and not needed; return the names of what cannot be read."""
    unreadable: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unreadable.append(str(error.filename))):
        here = to / Path(parent).relative_to(folder)
        here.mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if not LEFT_OUT.match(name) and name not in links]
        # In a worktree or a submodule, .git is a file that leads to the project's own repository.
        for name in (name for name in (*links, *files) if not LEFT_OUT.match(name)):
            path = Path(parent, name)
            try:
                if path.is_symlink():
                    (here / name).symlink_to(path.readlink())
                elif path.is_file():  # a socket or a pipe is none
                    shutil.copy2(path, here / name)
            except PermissionError:
                unreadable.append(str(path))
    return [str(Path(name).relative_to(folder)) for name in unreadable]


def _reads_git(subject: Subject) -> bool:
    """Whether the build asks Git for something, a version mostly."""
    files = [subject.source / name for name in ("pyproject.toml", "setup.py", "setup.cfg")]
    texts = [subject.parsed.text, *(file.read_text(errors="replace") for file in files if file.is_file())]
    return any(READS_GIT.search(text) for text in texts)


def _found_by_compose(folder: Path) -> tuple[str, ...]:
    """The files that compose takes where nobody names one."""
    first = [name for name in COMPOSE_FILES if (folder / name).is_file()][:1]
    return (*first, *(name for stem in first if (folder / (name := stem.replace(".y", ".override.y"))).is_file()))


def _compose_files_below(folder: Path) -> list[str]:
    """All compose files of a project, whatever they are called, those for production first."""
    paths = [path for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}*.y*ml")]
    names = [str(path.relative_to(folder)) for path in paths if path.is_file()]
    ours = [name for name in names if not re.search(r"(^|/)\.", name)]  # workflows of a CI have services, too
    found = [
        name for name in ours if re.search("^services:", (folder / name).read_text(errors="replace"), re.MULTILINE)
    ]
    return sorted(found, key=lambda name: ("prod" not in name, name.count("/"), name))


def _choose_files(folder: Path, wanted: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The compose files that say how the app is started in production, and what has to be said of the choice."""
    there = _compose_files_below(folder)
    listed = ", ".join(there)
    if not wanted and (folder / ".env").is_file():  # as compose itself has it
        named = re.search(
            r"^COMPOSE_FILE=[\"']?([^\"'\n]+)", (folder / ".env").read_text(errors="replace"), re.MULTILINE
        )
        wanted = named[1].split(os.pathsep) if named else ()
    if wanted:
        if missing := [name for name in wanted if not (folder / name).is_file()]:
            raise Unusable(f"COMPOSE: there is no file {missing[0]} in {folder.name}; there is {listed or 'none'}")
        return tuple(os.path.normpath(name) for name in wanted), []
    first, *overrides = _found_by_compose(folder) or ("",)
    if first:
        notes = [f"{name} is left out, as it is for development: COMPOSE='{first} {name}'" for name in overrides]
        if others := [name for name in there if name not in (first, *overrides)]:
            notes.append(f"{first} is asked; there is {', '.join(others)}, too: COMPOSE={others[0]}")
        return (first,), notes
    if (folder / "Dockerfile").is_file():
        return (), [f"the Dockerfile is asked; there is {listed}, too: COMPOSE={there[0]}"] if there else []
    if len(there) == 1:
        return (there[0],), [f"{there[0]} is asked"]
    if there:
        raise Unusable(f"which compose file? COMPOSE={' or COMPOSE='.join(there)}")
    dockerfiles = sorted(str(path.relative_to(folder)) for path in folder.rglob("*[Dd]ockerfile*") if path.is_file())
    hint = f": rename {dockerfiles[0]}, or name it in a compose file" if dockerfiles else ""
    raise Unusable(f"{folder.name} has no Dockerfile at its top, and no compose file{hint}")


def _config(folder: Path, files: Sequence[str], env_files: Sequence[Path], notes: list[str]) -> dict[str, Any]:
    """What compose makes of the project's files; what was done for that is added to the notes.

    Raises:
        Unusable: compose does not accept them, or a file or a variable is missing.
    """
    command = ["docker", "compose", *(f"--file={folder / name}" for name in files)]
    if env_files and (usual := (folder / files[0]).parent / ".env").is_file():
        command.append(f"--env-file={usual}")
    command += [*(f"--env-file={file}" for file in env_files), "--profile=*", "config", "--format=json"]
    # No variable of the tests' own is seen by a stranger's file.
    environment = {name: value for name, value in os.environ.items() if name not in ("PORT", "DEBUG_PORT")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = last_line(done.stderr).replace(f"{folder}/", "")
        if str(folder.parent) in said:
            said = said.replace(str(folder.parent), "..")
            raise Unusable(f"{said}: PROJECT has to be the folder that holds both, COMPOSE={folder.name}/{files[0]}")
        if missing := re.search(r"env file (\S+) not found", said):
            _take_sample(folder / missing[1], notes)
            return _config(folder, files, env_files, notes)
        if re.search(r"required variable|is missing a value", said):
            raise Unusable(f"{said}: put it into a file, and name that file: ENV_FILE=my.env")
        raise Unusable(f"docker compose config: {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _take_sample(missing: Path, notes: list[str]) -> None:
    """Put the sample that lies beside a file with variables into its place, in the copy, as most projects say.

    Raises:
        Unusable: there is none.
    """
    sample = re.compile(
        rf"{re.escape(missing.name)}[-_.]?(sample|example|template|dist)|(sample|example){re.escape(missing.name)}"
    )
    there = sorted(path for path in missing.parent.glob("*") if sample.fullmatch(path.name))
    if not there:
        raise Unusable(f"the compose file names {missing.name}, which is not there: write it")
    shutil.copy2(there[0], missing)
    notes.append(f"{missing.name} is not there: {there[0].name} is taken in its place")


def _choose(folder: Path, services: Mapping[str, Any], wanted: str) -> str:
    """The service that serves the app: the one that is wanted, or the one that is likely to.

    Raises:
        Unusable: there is none, or somebody has to choose.
    """
    has_dockerfile = (folder / "Dockerfile").is_file()
    if wanted and wanted not in services:
        raise Unusable(f"there is no service {wanted}: SERVICE is one of {', '.join(sorted(services))}")
    built = [name for name, service in services.items() if service.get("build")]
    if wanted and (wanted in built or has_dockerfile):
        return wanted
    if wanted:
        raise Unusable(f"service {wanted} is not built, and the folder has no Dockerfile")

    # One criterion after the other leaves fewer, as long as it leaves any.
    narrower: tuple[Callable[[str], Any], ...] = (
        lambda name: not services[name].get("profiles"),
        lambda name: not PROXIES.search(_called(folder, name, services[name])),
        lambda name: not BESIDE.search(_called(folder, name, services[name])),
        lambda name: not JOBS.search(" ".join(services[name].get("command") or ())),
        lambda name: re.search(r"python|\bpip3?\b|\buv\b", _recipe(services[name])),
        lambda name: services[name].get("ports"),
        lambda name: services[name].get("expose"),
    )
    left = built or (list(services) if has_dockerfile else [])
    for is_likely in narrower:
        left = [name for name in left if is_likely(name)] or left
    if not left:
        raise Unusable(f"the compose file builds no service: SERVICE is one of {', '.join(sorted(services))}")
    named = [name for name in NAMES if name in left]
    if len(left) == 1 or named:
        return (named or left)[0]
    raise Unusable(f"the compose file builds several services: choose one, SERVICE={' or SERVICE='.join(left)}")


def _called(folder: Path, name: str, service: Mapping[str, Any]) -> str:
    """All names that a service has: its own, its image's and those of what it is built from."""
    build = service.get("build") or {}
    context = os.path.relpath(build["context"], folder) if build else ""
    return f"{name} {service.get('image', '')} {context} {build.get('dockerfile', '')}".lower()


def _recipe(service: Mapping[str, Any]) -> str:
    """The instructions that make the image of a service that is built, those of earlier stages left out."""
    build = service.get("build") or {}
    file = Path(build.get("context", ""), build.get("dockerfile", "Dockerfile"))
    if not (build and file.is_file()):
        return ""
    stages = Dockerfile(
        file.read_text(errors="replace"), build.get("target") or "", build.get("args") or {}
    ).last_stages
    return "\n".join(line for stage in stages for line in (stage.base, *stage.instructions))


def _needed(services: Mapping[str, Any], name: str) -> list[str]:
    """A service and those that it depends on, directly or not."""
    found = [name]
    for one in found:
        depends = services[one].get("depends_on") or {}
        found += [other for other in depends if other not in found and other in services]
    return found


def _built_from(folder: Path, service: str, build: Mapping[str, Any]) -> tuple[Path, str]:
    """What a service is built from: the build context, and the Dockerfile as a path relative to it."""
    context = Path(build["context"]).resolve()
    if not context.is_relative_to(folder):
        outside = os.path.relpath(context, folder)
        raise Unusable(f"service {service} is built from {outside}: PROJECT has to be the folder that holds both")
    if "dockerfile_inline" in build:
        raise Unusable(f"service {service} has its Dockerfile in the compose file: put it into a file")
    dockerfile = os.path.relpath(context / build.get("dockerfile", "Dockerfile"), context)
    if not (context / dockerfile).is_file():
        raise Unusable(
            f"service {service} is built from {context.relative_to(folder) / dockerfile}, which is not there"
        )
    return context, dockerfile


def _isolate_all(subject: Subject, model: dict[str, Any], needed: Sequence[str]) -> list[str]:
    """Take away from the services that are started what touches anything else, and say what matters of it."""
    services = model["services"]
    notes = []
    images = {}  # what the project calls an image that is built here, and its name of this session
    for name in needed:
        service, serves = services[name], name == subject.service
        notes += [f"service {name}: {line}" for line in _isolate(subject.path, service, serves)]
        if service.get("build"):
            own = subject.image_name if serves else f"{SESSION}-service-{re.sub('[^a-z0-9]', '-', name.lower())}"
            images[service.get("image")] = service["image"] = own
    for name in needed:
        services[name]["image"] = images.get(services[name]["image"], services[name]["image"])
    for kind in ("volumes", "networks"):
        # Without names of their own and without anybody else's, they belong to the run.
        model[kind] = {key: {} for key in model.get(kind) or {} if key != "default"}
    return notes


# What a service may have that is there once on a machine, or elsewhere than on this one.
ELSEWHERE = ("profiles", "container_name", "hostname", "pull_policy", "external_links", "mac_address", "scale")


def _isolate(folder: Path, service: dict[str, Any], serves: bool) -> list[str]:
    """Change a service so that it touches nothing else on this machine, and return what has to be said of it."""
    notes = []
    for key in ELSEWHERE:
        service.pop(key, None)
    for key in ("tags", "cache_to", "cache_from", "platforms"):
        (service.get("build") or {}).pop(key, None)
    variables = service.get("environment") or {}
    service["environment"] = {variable: value for variable, value in variables.items() if value is not None}
    if service.get("network_mode") == "host":
        del service["network_mode"]
        notes.append("network_mode: host is left out")
    if networks := service.get("networks"):  # without the addresses of networks that are not made here
        service["networks"] = {key: {"aliases": (value or {}).get("aliases", [])} for key, value in networks.items()}
    if (driver := (service.get("logging") or {}).get("driver", "local")) not in ("local", "json-file"):
        del service["logging"]
        notes.append(f"its log goes to the engine, and not to {driver}")
    if deploy := service.get("deploy"):
        deploy["replicas"] = 1
        if (deploy.get("resources") or {}).get("reservations", {}).pop("devices", None):
            notes.append("it gets no device (a GPU)")
    # Where it was published, but on a free port.
    ports = service.pop("ports", None) or []
    if serves:
        service["ports"] = [{key: value for key, value in port.items() if key != "published"} for port in ports]
    service["volumes"], said = _mounts(folder, service.get("volumes") or [], serves)
    return notes + said


def _mounts(folder: Path, mounts: Sequence[dict[str, Any]], serves: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The mounts of a service that touch nothing outside of the copy, hide no code, and leave no files of root's."""
    kept: list[dict[str, Any]] = []
    notes = []
    for mount in mounts:
        source = Path(mount.get("source", "")).resolve()
        if mount["type"] != "bind":
            kept.append(mount)
        elif not source.is_relative_to(folder):
            if mount.get("read_only") and (source.is_file() or source.is_dir()):  # a socket leads anywhere
                kept.append(mount)
            else:
                outside = os.path.relpath(source, folder) if source.is_relative_to(SCRATCH) else source
                notes.append(f"not mounted: {outside}, which is outside of the project")
        elif serves and source.is_dir() and (source == folder or any(source.glob("**/*.py"))):
            notes.append(f"not mounted over the image: {source.relative_to(folder)}, whose code the image has")
        elif source.is_file() or (source.is_dir() and any(source.iterdir()) and not DATABASES.search(mount["target"])):
            kept.append({**mount, "read_only": True})
        else:
            kept.append({"type": "volume", "target": mount["target"]})
    return kept, notes


def _written(file: Path, services: Mapping[str, Any]) -> str:
    """The path of a compose file with these services, which is written."""
    file.write_text(json.dumps({"services": services}))
    return str(file)


def _write(subject: Subject, model: Mapping[str, Any]) -> None:
    """Write the compose file that the copy, and each copy of it, is started with: its paths are relative to them."""

    def relative(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: relative(item) for key, item in value.items()}
        if isinstance(value, list):
            return [relative(item) for item in value]
        inside = isinstance(value, str) and (value == str(subject.path) or value.startswith(f"{subject.path}/"))
        return f".{value.removeprefix(str(subject.path))}" if inside else value

    kinds = ("services", "networks", "volumes", "secrets", "configs")
    Path(subject.compose[0]).write_text(json.dumps({kind: relative(model[kind]) for kind in kinds if model.get(kind)}))


def _on_port(subject: Subject, port: int) -> Subject:
    """A service that publishes no port publishes this one, on this machine alone."""
    model = json.loads(Path(subject.compose[0]).read_text())
    model["services"][subject.service]["ports"] = [f"127.0.0.1::{port}"]
    _write(subject, model)
    return replace(subject, port=port)


def _build_others(subject: Subject, names: list[str]) -> None:
    """Build what the service depends on, once, under names of this session."""
    command = ["docker", "compose", f"--file={subject.compose[0]}", f"--project-directory={subject.path}"]
    with one_build_at_a_time():
        done = subprocess.run(
            [*command, f"--project-name={SESSION}-services", "build", *names],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise Unusable(f"{', '.join(names)}, which it depends on, cannot be built", done.stdout + done.stderr)


def choose_port(prepared: Prepared) -> Prepared:
    """Where a service that publishes no port listens: `expose`, EXPOSE, or the variable PORT, or 8000. It is built."""
    subject = prepared.subject
    if subject.port:
        return prepared
    service = subject.services()[subject.service]
    config = docker.image.inspect(subject.image).config
    exposed = [*map(str, service.get("expose") or ()), *sorted(config.exposed_ports or {})]
    ports = [int(number[0]) for port in exposed if not port.endswith("udp") and (number := re.match(r"\d+", port))]
    variables = dict(line.partition("=")[::2] for line in config.env or ()) | (service.get("environment") or {})
    named = str(variables.get("PORT") or "")
    return replace(prepared, subject=_on_port(subject, (*ports, int(named) if named.isdecimal() else 8000)[0]))


def first_start(prepared: Prepared) -> Prepared:
    """Start the app once, and wait for its answer; correct the port where nothing but the app knows it.

    Raises:
        Unusable: it ends, does not answer, or answers that something is wrong.
    """
    subject = prepared.subject
    try:
        with subject.started(restart="no") as running:
            wait_until_listening(running)
            try:
                found = _listening(running)
            except DockerException as error:
                if not running.ends():
                    raise
                code = running.container.state.exit_code
                raise Unusable(f"the app does not start: it ended with exit code {code}", running.log) from error
            reachable = [port for port, local in found.items() if not local]
            if subject.port in found or "published" in subject.has or len(reachable) != 1:
                _require_answer(running, found)
                has = {"healthcheck"} if health(running) != "not checked" else set()
                return replace(prepared, subject=replace(subject, has=subject.has | has))
    except DockerException as error:
        if "python3" in (error.stderr or ""):
            raise Unusable("the image has no python3, with which the practices look around in it") from error
        raise Unusable(f"docker compose up: {last_line(str(error.stderr or error))}") from error
    (port,) = reachable
    note = f"it listens on port {port}, which neither EXPOSE nor the variable PORT says"
    return first_start(replace(prepared, subject=_on_port(subject, port), notes=(*prepared.notes, note)))


def _listening(running: Running) -> dict[int, bool]:
    """The ports that something in the container listens on, and whether nobody outside of it can reach them."""
    addresses = running.python(LISTENING + "print(*listening())").split()
    found: dict[int, bool] = {}
    for address, _, port in (one.partition(":") for one in addresses):
        # 127.0.0.1 and ::1, as the kernel writes them; the former also as part of an IPv6 address.
        local = address.endswith("0100007F") or address == "0" * 24 + "01000000"
        found[int(port, 16)] = found.get(int(port, 16), True) and local
    return found


def _require_answer(running: Running, found: dict[int, bool]) -> None:
    """Raise what keeps the app from answering."""
    if not found:
        raise Unusable(f"the app listens on no port after {READY_LIMIT:.0f} s", running.log)
    if all(found.values()):
        raise Unusable("in the container, the app listens on 127.0.0.1 alone: let it listen on 0.0.0.0", running.log)
    if running.port not in found:
        ports = " and ".join(map(str, sorted(found)))
        raise Unusable(f"the app listens on port {ports}, and port {running.port} is published or exposed", running.log)
    # A server that listens may need a while for its first answer; one that has answered has decided.
    wait_until(lambda: running.answers() or _says(running) >= 400 or not running.is_up, READY_LIMIT)
    if running.answers():
        return
    status = _says(running)
    if not running.is_up:
        raise Unusable(f"the app has ended with exit code {running.container.state.exit_code}", running.log)
    if not status:
        raise Unusable(f"the app gives no answer to GET {running.page}", running.log)
    if status in (401, 403, 404):
        raise Unusable(f"GET {running.page} says {status}: name a page that anybody may read, PAGE=/about", running.log)
    hint = "its log may say why; PAGE=/about asks for another page"
    if status == 400:
        hint = "an app that knows its names (ALLOWED_HOSTS) says so to others: HOST=shop.example.org asks by that one"
    raise Unusable(f"GET {running.page} says {status}: {hint}", running.log)


def _says(running: Running) -> int:
    """The status of the page, or 0 if there is no answer within 10 seconds."""
    try:
        return running.get().status_code
    except (httpx.HTTPError, DockerException):
        return 0
