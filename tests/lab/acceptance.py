"""Measure final beside the Dockerfiles of three well-known examples, carrying final's app.

``python -m lab.acceptance [--rounds 5]`` writes ``assets/acceptance.json``; ``make measure`` runs it. The references
are written after the examples' own files, which final's article links, and stand in ``references/``; each starts the
server that it documents, with one worker. All install the same distributions, from a lock of uv's own that is made
before anything is measured. Every kind of figure is taken from all subjects in turns, so that a busy moment of the
machine does not fall on one of them alone. The load test needs wrk and asks 127.0.0.1 only.
"""

import argparse
import json
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from python_on_whales import Container

from lab.measure import build_times, describe_machine, until_answered
from lab.wrk import require_wrk, serve
from library import engine
from library.edits import OTHER_VERSIONS, change, change_dependency
from library.engine import docker
from library.image import weight
from library.subject import Subject
from library.tutorial import ROOT

FILE = ROOT / "assets/acceptance.json"
# What is compared, ratio by ratio: at most (requests: at least) this much of uv-docker-example's figure.
GOALS = {
    "image_mb": 1.08, "cold_s": 1.3, "code_s": 0.8, "dependency_s": 1.1, "start_s": 0.45, "requests_per_s": 1.5,
    "memory_mb": 1.2,
}  # fmt: skip
# How final may serve: what the article calls it, and the worker class; the second one is the default.
WORKERS = {
    "uvicorn's, with `h11`, which it brings along": "uvicorn_worker.UvicornH11Worker",
    "uvicorn's, with `httptools` (**final**)": "uvicorn_worker.UvicornWorker",
    "uvicorn's, with `httptools` and `uvloop`": "uvicorn_worker.UvicornWorker",
    "gunicorn's own `asgi`": "asgi",
}
# And without gunicorn: its supervisor starts workers, too. It needs no other option to be compared.
ALONE = "uvicorn alone, with `httptools`"
ALONE_COMMAND = ["uvicorn", "hello.main:app", "--host=0.0.0.0", "--no-access-log", "--workers=1"]
UVLOOP = "RUN uv pip install --no-cache uvloop==0.22.1\n"
REFERENCES = ("uv-docker-example", "full-stack-fastapi-template", "docker-django-example")
# The image that the references take uv from: Python's, and the uv of its own image, which final takes it from.
UV_IMAGE = "ghcr.io/astral-sh/uv:python3.14-trixie-slim"
STAND_IN = f"{engine.SESSION}-uv"
# Run in a container beside a copy of final: a uv.lock with the versions and hashes of poetry.lock, and one more lock,
# with another version of click.
LOCKS = """
import pathlib, re, subprocess, sys, tomllib
pyproject, lock = pathlib.Path("pyproject.toml"), pathlib.Path("poetry.lock").read_text()
project = pyproject.read_text()
pins = [f"{package['name']}=={package['version']}" for package in tomllib.loads(lock)["package"]]
# The first run finds the versions under these constraints, the second one keeps them without.
for constraints in f"\\n[tool.uv]\\nconstraint-dependencies = {pins}\\n", "":
    pyproject.write_text(project + constraints)
    subprocess.run(["uv", "lock", "--quiet"], check=True)
hashes = re.findall("sha256:[0-9a-f]{64}", pathlib.Path("uv.lock").read_text())
if unknown := [hash for hash in hashes if hash not in lock]:
    sys.exit(f"hashes that do not match those of poetry.lock: {unknown}")
kept = pathlib.Path("uv.lock").read_text()
subprocess.run(["uv", "lock", "--quiet", "--upgrade-package", f"click=={sys.argv[1]}"], check=True)
pathlib.Path("uv.lock").rename("other-uv.lock")
pathlib.Path("uv.lock").write_text(kept)
"""


@contextmanager
def subjects() -> Iterator[dict[str, Subject]]:
    """final, and copies of it with a reference's Dockerfile and a lock of uv's."""
    final = Subject("final", ROOT / "final")
    base = final.parsed.base_image
    (uv,) = (image for image in final.parsed.images if "/uv:" in image)
    recipe = f"FROM {base}\nCOPY --from={uv} /uv /uvx /usr/local/bin/\n"
    engine.build_recipe(recipe, STAND_IN)
    with ExitStack() as stack:
        found = {"final": stack.enter_context(final.copied("as it is"))}
        for name in REFERENCES:
            copy = stack.enter_context(final.copied(f"as {name}"))
            dockerfile = Path(__file__).with_name("references") / f"{name}.dockerfile"
            (copy.path / "Dockerfile").write_text(dockerfile.read_text().replace(UV_IMAGE, STAND_IN))
            (copy.path / "gunicorn.conf.py").unlink()
            run = ["docker", "run", "--rm", f"--volume={copy.path}:/app", "--workdir=/app", STAND_IN]
            lock = [*run, "python", "-c", LOCKS, OTHER_VERSIONS["click"][0]]
            subprocess.run(lock, check=True)
            (copy.path / "other-uv.lock").rename(copy.path.parent / "uv.lock")  # no build sees it there
            found[name] = copy
        yield found


def change_a_dependency(copy: Subject) -> None:
    """Lock another version of click, so that no cache knows the lock."""
    if (copy.path / "uv.lock").exists():
        other = (copy.path.parent / "uv.lock").read_text()
        (copy.path / "uv.lock").write_text(f"{other}\n# {secrets.token_hex()}\n")
    else:
        change_dependency(copy)


def start_and_stop(subject: Subject) -> dict[str, float]:
    """Seconds from the start of a container with one worker to the first 200, and for an idle stop.

    Raises:
        RuntimeError: the exit code is not 0.
    """
    port = engine.free_port()
    published = [(f"127.0.0.1:{port}", 8000)]
    name = f"{engine.SESSION}-start-{port}"
    container = docker.run(subject.built_image(), name=name, detach=True, envs={"WORKERS": "1"}, publish=published)
    try:
        found = {"start_s": until_answered(container, f"http://127.0.0.1:{port}"), "stop_s": idle_stop(container)}
        container.reload()
        if container.state.exit_code:
            raise RuntimeError(f"{subject.name}: exit code {container.state.exit_code}")
        return found
    finally:
        container.remove(force=True)


def idle_stop(container: Container) -> float:
    """Seconds that `docker stop` takes of a container that nobody has asked for a while, also for its health."""
    time.sleep(2)
    before = time.monotonic()
    container.stop()
    return time.monotonic() - before


def measure_workers(final: Subject, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of each way to serve: requests, memory, an idle stop; the size of the image that has what it needs."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*WORKERS, ALONE)}
    with final.copied("with uvloop") as copy:
        change(copy.path / "Dockerfile", "\nFROM base AS code\n", f"{UVLOOP}\nFROM base AS code\n")
        for _ in range(rounds):
            for name in found:
                subject = copy if "uvloop" in name else final
                worker_class = WORKERS.get(name, "")
                command: dict[str, Any] = {"command": ALONE_COMMAND} if name == ALONE else {}
                environment = {"WORKERS": "1", "WORKER_CLASS": worker_class}
                with subject.running(environment=environment, **command) as running:
                    serve(running, 2)  # warm
                    figures = serve(running, 5)
                    stopped = idle_stop(running.container)
                    found[name].append(figures | {"stop_s": stopped, "image_mb": weight(subject.built_image())})
    return {name: medians(samples) for name, samples in found.items()}


def medians(samples: list[dict[str, float]]) -> dict[str, float]:
    return {kind: round(statistics.median(sample[kind] for sample in samples), 2) for kind in samples[0]}


def measure_round(copies: dict[str, Subject]) -> dict[str, dict[str, float]]:
    """One figure of each kind of every subject."""
    found = build_times(copies, change_a_dependency)
    for name, copy in copies.items():
        found[name]["image_mb"] = weight(copy.built_image())
        found[name]["added_mb"] = found[name]["image_mb"] - weight(copy.parsed.base_image)
    for name, copy in copies.items():
        found[name] |= start_and_stop(copy)
    for name, copy in copies.items():
        with copy.running(environment={"WORKERS": "1"}) as running:
            serve(running, 2)  # warm
            found[name] |= serve(running, 5)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    require_wrk("acceptance")
    rounds: list[dict[str, dict[str, float]]] = []
    with engine.session(), subjects() as copies:
        for _ in range(arguments.rounds):
            rounds.append(measure_round(copies))
            for name, figures in rounds[-1].items():
                print(f"{name}: " + ", ".join(f"{kind} {value:.2f}" for kind, value in figures.items()), flush=True)
        workers = measure_workers(copies["final"], 3)
    median = {name: medians([figures[name] for figures in rounds]) for name in rounds[0]}
    found = {
        "machine": describe_machine(), "goals": GOALS, "median": median, "workers": workers, "rounds": rounds,
    }  # fmt: skip
    FILE.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
