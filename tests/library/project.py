"""Somebody's own project as a subject: a copy of it, started with what its compose file says and nothing of its own.

The project itself is never changed. Its compose files are taken as they are; one more file, which is merged last, takes
away what would touch anything else on this machine: fixed ports and names, other people's volumes and networks, and
folders that are mounted over the image.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from python_on_whales.exceptions import DockerException

from . import tutorial
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
DATABASES = re.compile(r"^/var/lib/|^/data$|^/bitnami/")  # where images of databases keep what they know
NAMES = ("web", "app", "api", "backend", "server")  # of the service that serves, where several are built


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
class Prepared:
    """A project that can be asked.

    Args:
        subject: its copy.
        folder: the lesson of the tutorial that it is, if it is one.
        notes: what was done otherwise than the project says, a line each.
    """

    subject: Subject
    folder: tutorial.Folder | None
    notes: tuple[str, ...]


def prepare(
    folder: Path, *, service: str = "", page: str = "", slow: str = "", env_file: Path | None = None
) -> Prepared:
    """Copy a project, and see how it is built and started.

    Args:
        folder: the project, which stays as it is.
        service: the compose service that serves; needed where the compose file leaves a choice.
        page: the path that is asked for, "/" by default.
        slow: a path that is answered after a while, if there is one.
        env_file: variables for the compose file and the app.

    Raises:
        Unusable: there is no such project, or something is missing.
    """
    if not folder.is_dir():
        raise Unusable(f"there is no folder {folder}: PROJECT is the path of a folder with a Dockerfile")
    if env_file and not env_file.is_file():
        raise Unusable(f"there is no file {env_file}: ENV_FILE is the path of a file with lines NAME=value")
    folder = folder.resolve()
    files = [name for name in COMPOSE_FILES if (folder / name).is_file()][:1]
    files += [name for stem in files if (folder / (name := stem.replace(".y", ".override.y"))).is_file()]
    if not files and not (folder / "Dockerfile").is_file():
        others = sorted(path.name for path in folder.glob("*[Dd]ockerfile*"))
        hint = f": rename {others[0]}, or name it in a compose file" if others else ""
        raise Unusable(f"{folder} has no Dockerfile{hint}")
    copy = SCRATCH.resolve() / "project" / "copy" / folder.name
    notes = [f"not copied, because it cannot be read: {name}" for name in copy_project(folder, copy)]

    lesson = next((lesson for lesson in tutorial.load() if lesson.path == folder), None)
    if lesson:
        subject = Subject(lesson.name, copy, has=lesson.has)
    else:
        has = frozenset(thing for thing, names in FILES_OF.items() if all((copy / name).exists() for name in names))
        has |= {"compose"} if files else set()
        subject = Subject(folder.name, copy, ours=False, slow=slow or None, has=has, profile="")
    if page:
        subject = replace(subject, page=page if page.startswith("/") else f"/{page}")
    if slow:
        subject = replace(subject, slow=slow if slow.startswith("/") else f"/{slow}")
    env_files = [file for file in (copy / ".env", env_file and env_file.resolve()) if file and file.is_file()]
    subject = replace(subject, env_files=tuple(env_files) if env_file else ())
    if files:
        subject, more = _composed(subject, tuple(files), service)
    else:
        subject, more = _alone(subject, service), []
    if not lesson:
        watching = any((service.get("develop") or {}).get("watch") for service in subject.services().values())
        lines = [line for stage in subject.parsed.stages if stage.name == "test" for line in stage.instructions]
        tested = any(re.match(r"RUN .*\b(pytest|unittest|manage\.py test)\b", line) for line in lines)
        stage = {"test-stage"} if tested else set()
        subject = replace(subject, has=subject.has | stage | ({"watch"} if watching else set()))
    return Prepared(subject, lesson, (*notes, *more))


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


def _alone(subject: Subject, service: str) -> Subject:
    """A project without a compose file gets one."""
    if service:
        raise Unusable(f"there is no compose file, so there is no service {service}: leave SERVICE out")
    return _on_port(subject, 8000)


def _on_port(subject: Subject, port: int) -> Subject:
    """Write the compose file of a project that has none: it publishes one port of the app on this machine alone."""
    service: dict[str, Any] = {"build": ".", "ports": [f"127.0.0.1::{port}"]}
    if subject.env_files:
        service["env_file"] = [str(subject.env_files[-1])]
    file = SCRATCH / "project" / "compose.yaml"  # beside the copy: what is in it may end up in the image
    file.write_text(json.dumps({"services": {"web": service}}))
    return replace(subject, compose=(str(file),), port=port)


def _composed(subject: Subject, files: tuple[str, ...], wanted: str) -> tuple[Subject, list[str]]:
    """A project with a compose file: the service that serves, and what is taken away from it and what it depends on."""
    subject = replace(subject, compose=files)
    everything = _config(subject)
    services = everything["services"]
    name = _choose(services, wanted, has_dockerfile=(subject.path / "Dockerfile").is_file())
    own, needed = services[name], _needed(services, name)
    context, dockerfile = _built_from(subject.path, name, own.get("build") or {"context": str(subject.path)})

    notes = []
    lines = ["services:"]
    for other in needed:
        override, said = _override(subject.path, services[other], other == name)
        notes += [f"service {other}: {line}" for line in said]
        if other != name and services[other].get("build"):
            override["image"] = json.dumps(f"{SESSION}-service-{re.sub('[^a-z0-9]', '-', other.lower())}")
        if other == name and not own.get("build"):
            override["build"] = json.dumps({"context": "."})
            notes.append(f"service {name} names an image only: the folder's Dockerfile is built in its place")
        if other == name and subject.env_files:
            override["env_file"] = json.dumps([str(subject.env_files[-1])])
        lines += [f"  {other}:", *(f"    {key}: {value}" for key, value in override.items())]
    for kind in ("volumes", "networks"):
        # Without names of their own and without anybody else's, they belong to the run.
        if found := [key for key in everything.get(kind, {}) if key != "default"]:
            lines += [f"{kind}:", *(f"  {key}: !override {{}}" for key in found)]
    merged_last = SCRATCH / "project" / "override.yaml"
    merged_last.write_text("\n".join(lines) + "\n")

    published: dict[str, Any] = next((port for port in own.get("ports", ()) if port["protocol"] == "tcp"), {})
    if not published:
        notes.append(f"service {name} publishes no port: here it is published on 127.0.0.1")
    subject = replace(
        subject,
        service=name,
        compose=(*files, str(merged_last)),
        context=str(context.relative_to(subject.path)),
        dockerfile=dockerfile if dockerfile != "Dockerfile" else None,
        target=(own.get("build") or {}).get("target"),
        port=int(published.get("target", 8000)),
        published=int(str(published.get("published") or 8000).partition("-")[0]) or 8000,
        profile=(own.get("profiles") or [""])[0],
        has=subject.has | ({"published"} if published else set()),
    )
    if built := [other for other in needed if services[other].get("build") and other != name]:
        _build_others(subject, built)
    return subject, notes


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


def _compose(subject: Subject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a compose command on the project's files."""
    files = [f"--file={subject.path / name}" for name in subject.compose]
    files += [f"--env-file={file}" for file in subject.env_files]
    command = ["docker", "compose", *files, f"--project-directory={subject.path}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _config(subject: Subject) -> dict[str, Any]:
    """What compose makes of the project's files.

    Raises:
        Unusable: compose does not accept them, or a file or a variable is missing.
    """
    done = _compose(subject, "--profile=*", "config", "--format=json")
    if done.returncode:
        said = last_line(done.stderr).replace(f"{subject.path}/", "")
        if missing := re.search(r"env file (\S+) not found", said):
            there = sorted(path.name for path in subject.path.glob("*env*") if path.is_file())
            hint = f"copy {there[0]} to that name" if there else "write it"
            raise Unusable(f"the compose file names {missing[1]}, which is not there: {hint}")
        if re.search(r"required variable|is missing a value", said):
            raise Unusable(f"{said}: put it into a file, and name that file: ENV_FILE=my.env")
        raise Unusable(f"docker compose config: {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _choose(services: Mapping[str, Any], wanted: str, *, has_dockerfile: bool) -> str:
    """The service that serves: the one that is wanted, the one that is built, or one that is called so."""
    if wanted and wanted not in services:
        raise Unusable(f"there is no service {wanted}: SERVICE is one of {', '.join(sorted(services))}")
    built = [name for name, service in services.items() if service.get("build")]
    if wanted and (wanted in built or has_dockerfile):
        return wanted
    if wanted:
        raise Unusable(f"service {wanted} is not built, and the folder has no Dockerfile")
    if not built and len(services) == 1 and has_dockerfile:
        return next(iter(services))
    if not built:
        raise Unusable(f"the compose file builds no service: SERVICE is one of {', '.join(sorted(services))}")
    # Those that are started without being asked for come first, then those that can be reached.
    everyday = [name for name in built if not services[name].get("profiles")] or built
    reachable = [name for name in everyday if services[name].get("ports")] or everyday
    named = [name for name in NAMES if name in reachable]
    if len(reachable) == 1 or named:
        return (named or reachable)[0]
    raise Unusable(f"the compose file builds several services: choose one, SERVICE={' or SERVICE='.join(reachable)}")


def _needed(services: Mapping[str, Any], name: str) -> list[str]:
    """A service and those that it depends on, directly or not."""
    found = [name]
    for one in found:
        depends = services[one].get("depends_on") or {}
        found += [other for other in depends if other not in found and other in services]
    return found


def _override(folder: Path, service: Mapping[str, Any], serves: bool) -> tuple[dict[str, str], list[str]]:
    """What is merged into a service, as YAML by key, and what has to be said of it."""
    found = {"profiles": "!reset []"}
    notes: list[str] = []
    for key in ("container_name", "pull_policy", "hostname"):
        if service.get(key):
            found[key] = "!reset null"
    if (service.get("build") or {}).keys() & {"tags", "cache_to"}:
        found["build"] = "{tags: !reset [], cache_to: !reset []}"
    if service.get("network_mode") == "host":
        found["network_mode"] = "!reset null"
        notes.append("network_mode: host is left out")
    if (service.get("deploy") or {}).get("replicas", 1) != 1:
        found["deploy"] = json.dumps({"replicas": 1})
    if serves and not service.get("ports"):
        found["ports"] = '!override ["127.0.0.1::8000"]'
    elif ports := service.get("ports"):
        # Where it was published, but on a free port.
        kept = [{key: value for key, value in port.items() if key != "published"} for port in ports] if serves else []
        found["ports"] = f"!override {json.dumps(kept)}"
    mounts = service.get("volumes") or []
    kept_mounts, said = _mounts(folder, mounts, serves)
    if kept_mounts != mounts:
        found["volumes"] = f"!override {json.dumps(kept_mounts)}"
    return found, notes + said


def _mounts(folder: Path, mounts: Sequence[dict[str, Any]], serves: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The mounts of a service that touch nothing outside of the copy, hide no code, and leave no files of root's."""
    kept: list[dict[str, Any]] = []
    notes = []
    for mount in mounts:
        source = Path(mount.get("source", "")).resolve()
        if mount["type"] != "bind":
            kept.append(mount)
        elif not source.is_relative_to(folder):
            if mount.get("read_only") and source.exists():
                kept.append(mount)
            else:
                notes.append(f"not mounted: {source}, which is outside of the project")
        elif serves and source.is_dir() and (source == folder or any(source.glob("**/*.py"))):
            notes.append(f"not mounted over the image: {source.relative_to(folder)}, whose code the image has")
        elif source.is_file() or (source.is_dir() and any(source.iterdir()) and not DATABASES.search(mount["target"])):
            kept.append({**mount, "read_only": True})
        else:
            kept.append({"type": "volume", "target": mount["target"]})
    return kept, notes


def _build_others(subject: Subject, names: list[str]) -> None:
    """Build what the service depends on, once, under names of this session."""
    with one_build_at_a_time():
        done = _compose(subject, f"--project-name={SESSION}-services", "build", *names)
    if done.returncode:
        raise Unusable(f"{', '.join(names)}, which it depends on, cannot be built", done.stdout + done.stderr)


def choose_port(prepared: Prepared) -> Prepared:
    """Where a project without a compose file listens: EXPOSE, or the variable PORT, or 8000. It has to be built."""
    subject = prepared.subject
    if "compose" in subject.has:
        return prepared
    config = docker.image.inspect(subject.image).config
    exposed = sorted(int(port.partition("/")[0]) for port in config.exposed_ports or {} if not port.endswith("udp"))
    variables = dict(line.partition("=")[::2] for line in config.env or ())
    named = variables.get("PORT", "")
    return replace(prepared, subject=_on_port(subject, (*exposed, int(named) if named.isdecimal() else 8000)[0]))


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
    if "compose" in subject.has:
        raise Unusable(f"the app listens on port {port}: write ports: ['{port}'] into the service, which has none")
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
        raise Unusable(f"the app listens on port {ports}, and port {running.port} is published", running.log)
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
        hint = (
            "a Django that does not know the host 127.0.0.1 (ALLOWED_HOSTS) says so; PAGE=/about asks for another page"
        )
    raise Unusable(f"GET {running.page} says {status}: {hint}", running.log)


def _says(running: Running) -> int:
    """The status of the page, or 0 if there is no answer within 10 seconds."""
    try:
        return running.get().status_code
    except (httpx.HTTPError, DockerException):
        return 0
