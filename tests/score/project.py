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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from python_on_whales.exceptions import DockerException

from library import tutorial
from library.engine import SCRATCH, SESSION, docker, last_line, one_build_at_a_time, wait_until
from library.practices.health import health
from library.practices.sockets import listening, wait_until_listening
from library.repository import copy_folder
from library.subject import READY_LIMIT, Running, Subject
from score import composing
from score.composing import Unusable

# What a project has if all these are there.
FILES_OF = {
    "debug-file": ("compose.debug.yaml",),
    "export": ("poetry.lock", "requirements.txt", "pyproject.toml"),
    "manifests": ("kubernetes/kustomization.yaml",),
    "release": ("publish.sh", "deploy.sh", "compose.publish.yaml", "compose.release.yaml"),
    "stack": ("stack.yaml",),
    "vendors": ("cloudrun.yaml", "fly.toml", "containerapp.yaml"),
}
# What shows that a build asks Git: in the Dockerfile, or in the project's own metadata.
READS_GIT = re.compile(
    r"""(?:^|[\s=/"'])\.git(?:[\s/,"']|$)|\bgit (?:describe|rev-parse|log)\b|setuptools[_-]scm|hatch-vcs|versioningit"""
    r"""|dunamai|dynamic-versioning|source = "scm\"""",
    re.MULTILINE,
)


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
    notes = [f"not copied, because it cannot be read: {name}" for name in copy_folder(folder, copy, without=".git")]
    lesson = next((lesson for lesson in tutorial.load() if lesson.path == folder), None)
    if lesson and not options.compose and not options.service:
        subject = Subject(lesson.name, copy, has=lesson.has, env_files=tuple(_given(options)))
        files = subject.compose
    else:
        subject, files = _composed(folder, copy, f"{folder.name} {label}".strip(), options, notes)
    page, slow = (path if not path or path.startswith("/") else f"/{path}" for path in (options.page, options.slow))
    subject = replace(subject, page=page or "/", slow=slow or subject.slow, host=options.host or subject.host)
    return Prepared(subject, files, tuple(notes))


def _given(options: Options) -> list[Path]:
    return [options.env_file.resolve()] if options.env_file else []


def _composed(
    folder: Path, copy: Path, name: str, options: Options, notes: list[str]
) -> tuple[Subject, tuple[str, ...]]:
    """The copy of a project as a subject of this name, and the compose files that say how it is started.

    What is done otherwise than they say is added to the notes.
    """
    files = composing.choose_files(copy, options.compose, notes)
    if options.service and not files:
        raise Unusable(f"there is no compose file, so there is no service {options.service}: leave SERVICE out")
    given = files or (_written(copy.parent / "alone.json", {"web": {"build": str(copy)}}),)
    model = composing.config(copy, given, _given(options), notes)
    try:
        service = composing.choose_service(copy, model["services"], options.service)
    except Unusable as reason:
        raise Unusable("; ".join([str(reason), *notes])) from reason
    for file in _given(options):
        variables = _written(copy.parent / "variables.json", {service: {"env_file": [str(file)]}})
        model = composing.config(copy, (*given, variables), [file], notes)
    services = model["services"]
    own, needed = services[service], composing.needed_by(services, service)
    if not own.get("build"):
        own["build"] = {"context": str(copy)}
        notes.append(f"service {service} names an image only: the folder's Dockerfile is built in its place")
    build = own["build"]
    context, dockerfile = composing.built_from(copy, service, build)
    ports = [port for port in own.get("ports") or () if port.get("protocol", "tcp") == "tcp"]
    subject = Subject(
        name,
        copy,
        ours=False,
        service=service,
        compose=(str(copy.parent / "compose.json"),),  # beside the copy: what is in it may end up in the image
        compose_file="" if files == composing.found_by_compose(copy) else os.pathsep.join(files),
        context=str(context.relative_to(copy)),
        dockerfile=dockerfile if dockerfile != "Dockerfile" else None,
        target=build.get("target"),
        arguments={key: str(value) for key, value in (build.get("args") or {}).items()},
        port=int(ports[0]["target"]) if ports else 0,  # choose_port knows more when it is built
        published=int(str(ports[0].get("published") or 8000).partition("-")[0]) if ports else 8000,
        profile=(own.get("profiles") or [""])[0],
        slow=None,
        host="localhost",
        copy_of=folder.name,
    )
    if _reads_git(subject):
        if (folder / ".git").is_dir():
            shutil.copytree(folder / ".git", copy / ".git", symlinks=True)
        else:
            notes.append("its build asks Git, and there is no folder .git at the top of the project")
    notes += _isolate_all(subject, model, needed)
    if files and not ports:
        notes.append(f"service {service} publishes no port: here it is published on 127.0.0.1")
    _write(subject, model)
    if built := [other for other in needed if services[other].get("build") and other != service]:
        _build_others(subject, built)
    return replace(subject, has=_things(subject, services, compose=bool(files), published=bool(ports))), files


def _things(subject: Subject, services: Mapping[str, Any], *, compose: bool, published: bool) -> frozenset[str]:
    """What practices may be about (`practices.NEEDS`) that this project has."""
    tests = [line for stage in subject.parsed.stages if stage.name == "test" for line in stage.instructions]
    has = {thing: all((subject.path / name).exists() for name in names) for thing, names in FILES_OF.items()} | {
        "compose": compose,
        "published": published,
        "test-stage": any(re.match(r"RUN .*\b(pytest|unittest|manage\.py test)\b", line) for line in tests),
        "watch": any((service.get("develop") or {}).get("watch") for service in services.values()),
    }
    return frozenset(thing for thing, is_there in has.items() if is_there)


def _reads_git(subject: Subject) -> bool:
    """Whether the build asks Git for something, a version mostly."""
    files = [subject.source / name for name in ("pyproject.toml", "setup.py", "setup.cfg")]
    texts = [subject.parsed.text, *(file.read_text(errors="replace") for file in files if file.is_file())]
    return any(READS_GIT.search(text) for text in texts)


def _isolate_all(subject: Subject, model: dict[str, Any], needed: Sequence[str]) -> list[str]:
    """Take away from the services that are started what touches anything else, and say what matters of it."""
    services = model["services"]
    notes = []
    # What the project calls an image that is built here, and its name of this session.
    images: dict[str | None, str] = {}
    for name in needed:
        service, serves = services[name], name == subject.service
        notes += [f"service {name}: {line}" for line in composing.isolate(subject.path, service, serves)]
        if images.get(service.get("image")):
            service.pop("build", None)  # it is built already
        elif service.get("build"):
            own = subject.image_name if serves else f"{SESSION}-service-{re.sub('[^a-z0-9]', '-', name.lower())}"
            images[service.get("image")] = service["image"] = own
    for name in needed:
        services[name]["image"] = images.get(services[name]["image"], services[name]["image"])
    for kind in ("volumes", "networks"):
        # Without names of their own and without anybody else's, they belong to the run.
        model[kind] = {key: {} for key in model.get(kind) or {} if key != "default"}
    return notes


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
    project = [f"--file={subject.compose[0]}", f"--project-directory={subject.path}"]
    command = ["docker", "compose", *project, f"--project-name={SESSION}-services", "build", *names]
    with one_build_at_a_time():
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"{', '.join(names)}, which it depends on, cannot be built", done.stdout + done.stderr)


def choose_port(prepared: Prepared) -> Prepared:
    """Where a service that publishes no port listens: `expose`, EXPOSE, or the variable PORT, or 8000. It is built."""
    subject = prepared.subject
    if subject.port:
        return prepared
    service = subject.services()[subject.service]
    image = docker.image.inspect(subject.built_image()).config
    exposed = [*map(str, service.get("expose") or ()), *sorted(image.exposed_ports or {})]
    ports = [int(number[0]) for port in exposed if not port.endswith("udp") and (number := re.match(r"\d+", port))]
    variables = dict(line.partition("=")[::2] for line in image.env or ()) | (service.get("environment") or {})
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
                is_local = _listening(running)
            except DockerException as error:
                if not running.ends():
                    raise
                hint = "if it misses a variable, ENV_FILE=my.env has it"
                raise Unusable(
                    f"the app does not start: it ended with exit code {running.exit_code}; {hint}", running.log
                ) from error
            reachable = [port for port, local in is_local.items() if not local]
            if subject.port in is_local or "published" in subject.has or len(reachable) != 1:
                _require_answer(running, is_local)
                has = {"healthcheck"} if health(running) != "not checked" else set()
                return replace(prepared, subject=replace(subject, has=subject.has | has))
    except DockerException as error:
        if "python3" in (error.stderr or ""):
            seen = f"the image of {subject.service} has no python3, with which the practices look around in it"
            raise Unusable(f"{seen}: SERVICE= names the service of the app") from error
        raise Unusable(f"docker compose up: {last_line(str(error.stderr or error))}") from error
    (port,) = reachable
    note = f"it listens on port {port}, which neither EXPOSE nor the variable PORT says"
    return first_start(replace(prepared, subject=_on_port(subject, port), notes=(*prepared.notes, note)))


def _listening(running: Running) -> dict[int, bool]:
    """The ports that something in the container listens on, and whether nobody outside of it can reach them."""
    is_local: dict[int, bool] = {}
    for address, _, port in (one.partition(":") for one in running.run(listening)):
        # 127.0.0.1 and ::1, as the kernel writes them; the former also as part of an IPv6 address.
        local = address.endswith("0100007F") or address == "0" * 24 + "01000000"
        is_local[int(port, 16)] = is_local.get(int(port, 16), True) and local
    return is_local


def _require_answer(running: Running, is_local: dict[int, bool]) -> None:
    """Raise what keeps the app from answering."""
    if not is_local:
        raise Unusable(f"the app listens on no port after {READY_LIMIT:.0f} s", running.log)
    if all(is_local.values()):
        raise Unusable("in the container, the app listens on 127.0.0.1 alone: let it listen on 0.0.0.0", running.log)
    if running.port not in is_local:
        ports = " and ".join(map(str, sorted(is_local)))
        raise Unusable(f"the app listens on port {ports}, and port {running.port} is published or exposed", running.log)
    # A server that listens may need a while for its first answer; one that has answered has decided.
    wait_until(lambda: running.answers() or running.status() >= 400 or not running.is_up, READY_LIMIT)
    if running.answers():
        return
    status = running.status()
    if not running.is_up:
        raise Unusable(f"the app has ended with exit code {running.exit_code}", running.log)
    if not status:
        raise Unusable(f"the app gives no answer to GET {running.page}", running.log)
    if status in (401, 403, 404):
        raise Unusable(f"GET {running.page} says {status}: name a page that anybody may read, PAGE=/about", running.log)
    hint = "its log may say why; PAGE=/about asks for another page"
    if status == 400:
        hint = "an app that knows its names (ALLOWED_HOSTS) says so to others: HOST=shop.example.org asks by that one"
    raise Unusable(f"GET {running.page} says {status}: {hint}", running.log)
