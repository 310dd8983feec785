"""What a project's compose files say: which of them count, which service serves the app, and what must not be started.

Compose itself reads them. It answers with a model, a dict with absolute paths. What would touch anything else on this
machine is taken from that.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from library.dockerfile import Dockerfile
from library.engine import SCRATCH, compose_model, last_line

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
DATABASES = re.compile(r"^/var/lib/|^/data$|^/bitnami/")  # where images of databases keep what they know
# Who stands before the app, or beside it, by the name of a service, an image or a file.
PROXIES = re.compile(r"(?<![a-z])(nginx|traefik|caddy|haproxy|envoy|httpd|apache2?|(reverse.?)?proxy)(?![a-z])")
STORES = r"postgres\w*|postgis|pgvector|timescaledb|mysql|mariadb|redis|valkey|memcached|rabbitmq|mongo\w*"
BESIDE = re.compile(
    r"(?<![a-z])(celery\w*|workers?|beat|flower|cron|scheduler|rq|huey|dramatiq|migrat\w+|tests?|docs?|frontend|init\w*"
    rf"|{STORES}|mailhog|mailpit|adminer|pgadmin\w*)(?![a-z])"
)
# In the command of a service that serves nobody, unless a server follows.
JOBS = re.compile(
    r"^(?!.*(gunicorn|uvicorn|uwsgi|hypercorn|daphne|granian|runserver))"
    r".*\b(celery|rq|dramatiq|huey|pytest|manage\.py)\b"
)
# Of the service that serves, the likeliest first.
NAMES = ("web", "app", "api", "backend", "server", "django", "flask", "fastapi", "uwsgi", "gunicorn")


class Unusable(Exception):
    """A project cannot be built, started or asked: one line that says what to do, and the end of a log if there is one.

    Args:
        line: what is wrong, and what to do.
        log: what was printed meanwhile.
    """

    def __init__(self, line: str, log: str = "") -> None:
        super().__init__(line)
        self.log = "\n".join(log.strip().splitlines()[-20:])


def found_by_compose(folder: Path) -> tuple[str, ...]:
    """The files that compose takes where nobody names one."""
    for name in COMPOSE_FILES:
        if (folder / name).is_file():
            override = name.replace(".y", ".override.y")
            return (name, override) if (folder / override).is_file() else (name,)
    return ()


def compose_files_below(folder: Path) -> list[str]:
    """All compose files of a project, whatever they are called, those for production first."""
    paths = [path for depth in ("", "*/", "*/*/", "*/*/*/") for path in folder.glob(f"{depth}*.y*ml")]
    names = [str(path.relative_to(folder)) for path in paths if path.is_file()]
    # Workflows of a CI have services, too; what overrides another file is none of its own.
    ours = [name for name in names if not re.search(r"(^|/)\.|override", name)]
    # Render's blueprint has a list of services.
    services = re.compile(r"^services:(?!\s*-)", re.MULTILINE)
    with_services = [name for name in ours if services.search((folder / name).read_text(errors="replace"))]
    return sorted(with_services, key=lambda name: ("prod" not in name, name.count("/"), name))


def choose_files(folder: Path, wanted: Sequence[str], notes: list[str]) -> tuple[str, ...]:
    """The compose files that say how the app is started in production; what has to be said of it is added to the notes.

    Raises:
        Unusable: there are several, or none and no Dockerfile either.
    """
    there = compose_files_below(folder)
    listed = ", ".join(there)
    if not wanted and (folder / ".env").is_file():  # as compose itself has it
        text = (folder / ".env").read_text(errors="replace")
        named = re.search(r"^COMPOSE_FILE=[\"']?([^\"'\n]+)", text, re.MULTILINE)
        wanted = named[1].split(os.pathsep) if named else ()
    if missing := [name for name in wanted if not (folder / name).is_file()]:
        raise Unusable(f"COMPOSE: there is no file {missing[0]} in {folder.name}; there is {listed or 'none'}")
    if wanted:
        return tuple(map(os.path.normpath, wanted))
    if found := found_by_compose(folder):
        first, *overrides = found
        notes += [f"{name} is left out, as it is for development: COMPOSE='{first} {name}'" for name in overrides]
        if others := [name for name in there if name not in found]:
            notes.append(f"{first} is asked; there is {', '.join(others)}, too: COMPOSE={others[0]}")
        return (first,)
    if (folder / "Dockerfile").is_file():
        if there:
            notes.append(f"the Dockerfile is asked; there is {listed}, too: COMPOSE={there[0]}")
        return ()
    if len(there) == 1:
        notes.append(f"{there[0]} is asked")
        return (there[0],)
    if there:
        raise Unusable(f"which compose file? COMPOSE={' or COMPOSE='.join(there)}")
    dockerfiles = sorted(str(path.relative_to(folder)) for path in folder.rglob("*[Dd]ockerfile*") if path.is_file())
    hint = f": rename {dockerfiles[0]}, or name it in a compose file" if dockerfiles else ""
    raise Unusable(f"{folder.name} has no Dockerfile at its top, and no compose file{hint}")


def config(folder: Path, files: Sequence[str], env_files: Sequence[Path], notes: list[str]) -> dict[str, Any]:
    """What compose makes of the project's files, with shared builds; what was done for that is added to the notes.

    Raises:
        Unusable: compose does not accept them, or a file or a variable is missing.
    """
    if env_files and (usual := (folder / files[0]).parent / ".env").is_file():
        env_files = (usual, *env_files)
    options = ["--profile=*", *(f"--env-file={file}" for file in env_files)]
    # No variable of the tests' own is seen by a stranger's file.
    environment = {name: value for name, value in os.environ.items() if name not in ("PORT", "DEBUG_PORT")}
    try:
        return with_shared_builds(compose_model([folder / name for name in files], *options, environment=environment))
    except subprocess.CalledProcessError as refused:
        complaint = last_line(refused.stderr).replace(f"{folder}/", "")
    if str(folder.parent) in complaint:
        complaint = complaint.replace(str(folder.parent), "..")
        raise Unusable(f"{complaint}: PROJECT has to be the folder that holds both, COMPOSE={folder.name}/{files[0]}")
    if missing := re.search(r"env file (\S+) not found", complaint):
        # Its sample is taken in its place, in the copy, as most projects say.
        there = folder / missing[1]
        if not (sample := sample_of(there)):
            raise Unusable(f"the compose file names {there.name}, which is not there: write it")
        shutil.copy2(sample, there)
        notes.append(f"{there.name} is not there: {sample.name} is taken in its place")
        return config(folder, files, env_files, notes)
    if re.search(r"required variable|is missing a value", complaint):
        raise Unusable(f"{complaint}: put it into a file, and name that file: ENV_FILE=my.env")
    raise Unusable(f"docker compose config: {complaint}")


def sample_of(missing: Path) -> Path | None:
    """The sample that lies beside a file with variables, as most projects have one."""
    name = re.escape(missing.name)
    sample = re.compile(rf"{name}[-_.]?(sample|example|template|dist)|(sample|example){name}")
    return next((path for path in sorted(missing.parent.glob("*")) if sample.fullmatch(path.name)), None)


def choose_service(folder: Path, services: Mapping[str, Any], wanted: str) -> str:
    """The service that serves the app: the one that is wanted, or the one that is likely to.

    Raises:
        Unusable: there is none, or somebody has to choose.
    """
    has_dockerfile = (folder / "Dockerfile").is_file()
    built = [name for name, service in services.items() if service.get("build")]
    if wanted:
        if wanted not in services:
            raise Unusable(f"there is no service {wanted}: SERVICE is one of {', '.join(sorted(services))}")
        if wanted not in built and not has_dockerfile:
            raise Unusable(f"service {wanted} is not built, and the folder has no Dockerfile")
        return wanted

    # One criterion after the other leaves fewer, as long as it leaves any.
    narrower: tuple[Callable[[str], Any], ...] = (
        lambda name: not services[name].get("profiles"),
        lambda name: not PROXIES.search(_called(folder, name, services[name])),
        lambda name: not BESIDE.search(_called(folder, name, services[name])),
        lambda name: not JOBS.search(" ".join(services[name].get("command") or ()).replace("\n", " ")),
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


def with_shared_builds(model: dict[str, Any]) -> dict[str, Any]:
    """The model where each service whose image another one builds says how that is built, too."""
    services = model["services"].values()
    builds = {service["image"]: service["build"] for service in services if {"build", "image"} <= service.keys()}
    for service in services:
        if not service.get("build") and service.get("image") in builds:
            service["build"] = builds[service["image"]]
    return model


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
    recipe = Dockerfile(file.read_text(errors="replace"), build.get("target") or "", build.get("args") or {})
    stages = recipe.last_stages if recipe.stages else ()
    return "\n".join(line for stage in stages for line in (stage.base, *stage.instructions))


def needed_by(services: Mapping[str, Any], name: str) -> list[str]:
    """A service and those that it depends on, directly or not."""
    names = [name]
    for one in names:
        depends = services[one].get("depends_on") or {}
        names += [other for other in depends if other not in names and other in services]
    return names


def built_from(folder: Path, service: str, build: Mapping[str, Any]) -> tuple[Path, str]:
    """What a service is built from: the build context, and the Dockerfile as a path relative to it."""
    context = Path(build["context"]).resolve()
    if not context.is_relative_to(folder):
        outside = os.path.relpath(context, folder)
        raise Unusable(
            f"service {service} is built from {outside}: PROJECT is the folder that holds both, COMPOSE the file in it"
        )
    if "dockerfile_inline" in build:
        raise Unusable(f"service {service} has its Dockerfile in the compose file: put it into a file")
    dockerfile = os.path.relpath(context / build.get("dockerfile", "Dockerfile"), context)
    if not (context / dockerfile).is_file():
        raise Unusable(
            f"service {service} is built from {context.relative_to(folder) / dockerfile}, which is not there"
        )
    return context, dockerfile


# What a service may have that is there once on a machine, or elsewhere than on this one.
ELSEWHERE = ("profiles", "container_name", "hostname", "pull_policy", "external_links", "mac_address", "scale")


def isolate(folder: Path, service: dict[str, Any], serves: bool) -> list[str]:
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
        service["logging"] = {"driver": "local"}  # as bounded as one that sends all of it away
        notes.append(f"its log goes to the engine, and not to {driver}")
    devices = service.pop("gpus", None)
    if deploy := service.get("deploy"):
        deploy["replicas"] = 1
        devices = (deploy.get("resources") or {}).get("reservations", {}).pop("devices", devices)
    if devices:
        notes.append("it gets no GPU")
    # Where it was published, but on a free port.
    ports = service.pop("ports", None) or []
    if serves:
        service["ports"] = [{key: value for key, value in port.items() if key != "published"} for port in ports]
    service["volumes"], more_notes = mounts_of(folder, service.get("volumes") or [], serves)
    return notes + more_notes


def mounts_of(folder: Path, mounts: Sequence[dict[str, Any]], serves: bool) -> tuple[list[dict[str, Any]], list[str]]:
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
