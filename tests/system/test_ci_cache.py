"""What a build cache in a registry brings to a fresh CI runner, and what it does not: extra-2's section on CI.

Runners and registry are containers. Each runner has an engine of its own, which starts empty but for the base image.
"""

import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from library import tutorial
from library.buildlog import INSTALLS, Build
from library.edits import change_code, change_dependency
from library.engine import SESSION, docker, one_build_at_a_time, wait_until
from library.subject import Subject

BASE = "python:3.14-slim-trixie"  # an eighth of the full image, and enough for a small app
CACHE = "registry:5000/cache"
IMAGE = "registry:5000/app"
# All that may run when nothing but the code has changed.
AFTER_CODE = ["COPY . .", "RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode checked-hash ."]

pytestmark = [pytest.mark.about("extra-2-caching"), pytest.mark.timeout(1200)]


@dataclass
class Runner:
    """A machine with an engine that has built nothing yet."""

    container: str

    def build(self, subject: Subject, *options: str) -> Build:
        """Build a folder's image on this machine.

        Args:
            subject: what to build.
            options: of `docker buildx build`.
        """
        context = f"/{secrets.token_hex(4)}"
        subprocess.run(["docker", "cp", "--quiet", subject.path, f"{self.container}:{context}"], check=True)
        build = ["docker", "buildx", "build", "--progress", "plain", *options, context]
        done = subprocess.run(
            ["docker", "exec", self.container, *build],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return Build(done.stdout)


@pytest.fixture(scope="module")
def new_runner() -> Iterator[Callable[[], AbstractContextManager[Runner]]]:
    """A function that starts another empty machine, beside a registry that all of them reach."""
    if "name=rootless" in (docker.system.info().security_options or ()):
        pytest.skip("an engine inside a container needs --privileged, which a rootless engine does not have")
    image, network = f"{SESSION}-runner", f"{SESSION}-ci"
    with one_build_at_a_time():
        docker.build(Path(__file__).with_name("runner"), tags=image, progress=False)
    with (
        docker.network.create(network),
        _container(image, network, ["docker-registry", "serve", "/registry.yaml"], "registry"),
    ):

        @contextmanager
        def start() -> Iterator[Runner]:
            with _container(image, network, ["dockerd"], privileged=True) as name:
                version = ["docker", "exec", name, "docker", "version"]
                assert wait_until(
                    lambda: not subprocess.run(version, capture_output=True, check=False).returncode, limit=60
                )
                saved = subprocess.Popen(["docker", "save", BASE], stdout=subprocess.PIPE)
                subprocess.run(
                    ["docker", "exec", "--interactive", name, "docker", "load"], stdin=saved.stdout, check=True
                )
                yield Runner(name)

        yield start


@contextmanager
def _container(
    image: str, network: str, command: list[str], alias: str = "runner", *, privileged: bool = False
) -> Iterator[str]:
    name = f"{SESSION}-{alias}-{secrets.token_hex(2)}"
    docker.run(
        image, command, name=name, detach=True, networks=[network], network_aliases=[alias], privileged=privileged
    )
    try:
        yield name
    finally:
        docker.remove(name, force=True, volumes=True)


@pytest.fixture
def subject() -> Iterator[Subject]:
    """A copy of extra-2 on the small base image."""
    folder = tutorial.ROOT / "extra-2-caching"
    with Subject(folder.name, folder).copied("on a CI runner") as copy:
        dockerfile = copy.path / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text().replace("python:3.14-trixie", BASE))
        yield copy


def test_a_registry_brings_the_layers_to_a_fresh_runner_but_no_cache_mount(
    new_runner: Callable[[], AbstractContextManager[Runner]], subject: Subject
) -> None:
    with new_runner() as first:
        everything = first.build(subject, "--cache-to", f"type=registry,ref={CACHE},mode=max")
        assert [name for name in everything.ran if INSTALLS.search(name)], "an empty machine has nothing to take from"
        first.build(subject, "--tag", IMAGE, "--cache-to", "type=inline", "--push")

    change_code(subject)
    with new_runner() as second:
        build = second.build(subject, "--cache-from", CACHE)
        assert build.ran == AFTER_CODE, build.output
    with new_runner() as other:
        build = other.build(subject, "--cache-from", IMAGE)
        assert build.ran == AFTER_CODE, build.output
        # Layers came along, cache mounts did not: this machine downloads more than the one that has changed.
        change_dependency(subject)
        assert {"click", "flask", "gunicorn"} <= other.build(subject, "--cache-from", CACHE).downloads()
