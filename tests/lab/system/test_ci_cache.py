"""What a build cache in a registry brings to a fresh CI runner, and what it does not: extra-2's section on CI.

Runners and registry are containers. Each runner has an engine of its own, which starts empty but for the images that
the Dockerfile names.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from library import runner, tutorial
from library.buildlog import Build
from library.edits import change, change_code, change_dependency
from library.engine import SESSION, docker
from library.runner import Runner
from library.subject import Subject

EXTRA_2 = Subject("extra-2-caching", tutorial.ROOT / "extra-2-caching")
BASE = "python:3.14-slim-trixie"  # an eighth of the full image, and enough for a small app
CACHE = "registry:5000/cache"
IMAGE = "registry:5000/app"
# All that may run when nothing but the code has changed.
AFTER_CODE = ["COPY . .", "RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode checked-hash ."]

pytestmark = [pytest.mark.about("extra-2-caching"), pytest.mark.timeout(1200)]


def build(machine: Runner, subject: Subject, *options: str) -> Build:
    """Build a folder's image on a machine; ``options`` are those of `docker buildx build`."""
    context = f"/{secrets.token_hex(4)}"
    machine.copy(subject.path, context)
    done = machine.run("docker", "buildx", "build", "--progress", "plain", *options, context)
    assert done.returncode == 0, done.stdout
    return Build(done.stdout)


def downloaded(build: Build) -> list[str]:
    """How many packages of the app were downloaded, as uv says it."""
    return re.findall(r"Prepared (\d+) packages?", build.output)


@pytest.fixture(scope="module")
def new_runner() -> Iterator[Callable[[], AbstractContextManager[Runner]]]:
    """A function that starts another empty machine, beside a registry that all of them reach."""
    try:
        runner.image()
    except runner.NoRunner as reason:
        pytest.skip(str(reason))
    network = f"{SESSION}-ci"
    registry = ["docker-registry", "serve", "/registry.yaml"]
    with (
        docker.network.create(network),
        runner.container(registry, "registry", networks=[network], network_aliases=["registry"]),
    ):
        images = {BASE, *EXTRA_2.parsed.images} - {EXTRA_2.parsed.base_image}
        yield lambda: runner.started(images, networks=[network])


@pytest.fixture
def subject() -> Iterator[Subject]:
    """A copy of extra-2 on the small base image."""
    with EXTRA_2.copied("on a CI runner") as copy:
        change(copy.path / "Dockerfile", copy.parsed.base_image, BASE)
        yield copy


@pytest.mark.thorough
def test_a_registry_brings_the_layers_to_a_fresh_runner_but_no_cache_mount(
    new_runner: Callable[[], AbstractContextManager[Runner]], subject: Subject
) -> None:
    with new_runner() as first:
        everything = build(first, subject, "--cache-to", f"type=registry,ref={CACHE},mode=max")
        assert len(downloaded(everything)) == 1, "an empty machine has nothing to take from"
        build(first, subject, "--tag", IMAGE, "--cache-to", "type=inline", "--push")

    change_code(subject)
    with new_runner() as second:
        built = build(second, subject, "--cache-from", CACHE)
        assert built.ran == AFTER_CODE, built.output
    with new_runner() as other:
        built = build(other, subject, "--cache-from", IMAGE)
        assert built.ran == AFTER_CODE, built.output
        # Layers came along, cache mounts did not: this machine downloads more than the one that has changed.
        change_dependency(subject)
        assert downloaded(build(other, subject, "--cache-from", CACHE)) == downloaded(everything)
