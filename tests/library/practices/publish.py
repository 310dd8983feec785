"""What can be seen where an image is published, and where it is deployed from."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from packaging.utils import canonicalize_name
from python_on_whales.exceptions import DockerException

from ..engine import (
    SCRATCH,
    SESSION,
    NotReady,
    at_end,
    build_recipe,
    docker,
    free_port,
    one_build_at_a_time,
    remove_names,
    run_to_its_end,
    wait_until,
)
from ..subject import Subject
from . import Violation, practice
from .inside import distributions_of_image

SCRIPT, SIGN, DEPLOY = "publish.sh", "sign.sh", "deploy.sh"
PUBLISH, RELEASE = "compose.publish.yaml", "compose.release.yaml"
STAND_IN = "io.github.dockerizing-python.stand-in"  # the label that bootstrap/bases.sh gives to stand-ins
NAME, CODE = "hello", "hello/main.py"
SAVED = "# saved while it was published"
# In the place of `docker`: the engine's own, but somebody saves a file once the tests have run, and before anything is
# signed, the tag is another image's.
SOMEBODY = """#!/bin/sh
case " $* " in
  *" compose build "*) echo '{saved}' >>'{file}' ;;
  *" cosign "*)
    printf 'FROM {base}\nLABEL of=somebody\n' | {docker} build --quiet --tag {name} - &&
      {docker} push --quiet {name} ;;
esac >&2
exec {docker} "$@"
"""


@dataclass
class Publisher:
    """A copy of a folder, with a key and a registry of its own, which the folder's own files publish to."""

    copy: Subject
    port: int

    @property
    def repository(self) -> str:
        return f"localhost:{self.port}/{NAME}"

    @property
    def environment(self) -> dict[str, str]:
        project = f"{SESSION}-{self.copy.slug}"
        here = {"REGISTRY_PORT": str(self.port), "COSIGN_NETWORK": "host", "COSIGN_USER": str(os.getuid())}
        return {**os.environ, "COMPOSE_PROJECT_NAME": project, **here}

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.copy.path, env=self.environment | environment, capture_output=True, text=True, check=False
        )

    def cosign(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(
            "docker", "compose", "--file", PUBLISH, "run", "--rm", "--no-TTY", "--quiet-pull", "cosign", *arguments
        )

    def publish(self, tag: str, stand_in: str = "") -> "subprocess.CompletedProcess[str]":
        """Publish and sign what is in the folder, as if it were built on a base image with or without the label.

        Once its tests have run, a file is saved; once it is pushed, and before it is signed, somebody else pushes
        another image under the same tag.
        """
        somebody = self.copy.path.parent / "somebody/docker"
        somebody.parent.mkdir(exist_ok=True)
        name, engine = f"{self.repository}:{tag}", shutil.which("docker")
        values = {"docker": engine, "name": name, "base": self.copy.parsed.base_image}
        somebody.write_text(SOMEBODY.format(**values, saved=SAVED, file=self.copy.path / CODE))
        somebody.chmod(0o755)
        labelled = self.copy.path.parent / "labelled.json"
        labelled.write_text(json.dumps({"services": {self.copy.service: {"build": {"labels": {STAND_IN: stand_in}}}}}))
        files = os.pathsep.join(("compose.yaml", str(labelled)))
        with one_build_at_a_time():
            path = os.pathsep.join((str(somebody.parent), os.environ["PATH"]))
            done = self.run(f"./{SCRIPT}", name, COMPOSE_FILE=files, PATH=path)
            return done if done.returncode else self.run(f"./{SIGN}", PATH=path)

    def tags(self) -> list[str]:
        """The tags that the registry has."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/v2/{NAME}/tags/list")
        return list(answer.json().get("tags") or ()) if answer.is_success else []

    @property
    def image(self) -> str:
        """What the folder has published as 1.0, as its release.env names it.

        Raises:
            Violation: nothing was published.
        """
        return self.published[0]

    @cached_property
    def published(self) -> tuple[str, set[str]]:
        """The image, and the ids of those whose containers were started while it was published."""
        with _starts() as starts:
            done = self.publish("1.0")
        started = _ids(starts)
        by_hand = f"./{SCRIPT} localhost:5001/{NAME}:1.0"
        if done.returncode or not (self.copy.path / "release.env").exists():
            end = (done.stdout + done.stderr).strip().splitlines()[-3:]
            raise Violation(f"{SCRIPT} published nothing: {' / '.join(end)}", by_hand)
        return self.named(), started

    def named(self) -> str:
        """What release.env names."""
        lines = (self.copy.path / "release.env").read_text().split()
        settings = dict(line.split("=", 1) for line in lines)
        return f"{settings['REPOSITORY']}@sha256:{settings['DIGEST']}"

    def sboms(self, image: str) -> list[dict[str, Any]]:
        """The software bills of materials (SBOM) of an image, whose signatures the folder's key verifies.

        Raises:
            Violation: there is none.
        """
        options = "verify-attestation --key cosign.pub --insecure-ignore-tlog --type cyclonedx"
        done = self.cosign(*options.split(), image)
        if done.returncode:
            by_hand = f"docker compose --file {PUBLISH} run --rm cosign verify-attestation --type cyclonedx … $IMAGE"
            raise Violation(f"there is no signed SBOM: {done.stderr[-300:]}", by_hand)
        return [json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"] for line in done.stdout.split()]

    def push_another(self, tag: str) -> str:
        """Push another image, which runs and nobody has signed, and return its name, by its digest."""
        name = f"{self.repository}:{tag}"
        build_recipe(f"FROM {self.image}\nLABEL another={tag}\n", name)
        docker.image.push(name, quiet=True)
        digests = docker.image.inspect(name).repo_digests
        return next(digest for digest in digests if digest.startswith(f"{self.repository}@"))

    def sign(self, image: str, repository: str) -> None:
        """Sign an image with the folder's key, for a repository."""
        options = "sign --yes --key cosign.key --signing-config signing-config.json --annotations"
        self.cosign(*options.split(), f"repository={repository}", image)

    def deploy(self, image: str) -> "subprocess.CompletedProcess[str]":
        """Deploy an image by the folder's own script."""
        lines = (f"{name}={value}\n" for name, value in release(image).items())
        (self.copy.path / "release.env").write_text("".join(lines))
        return self.run(f"./{DEPLOY}", COMPOSE_PROJECT_NAME=self.deployment)

    def up(self, image: str) -> "subprocess.CompletedProcess[str]":
        """Deploy an image as somebody does who does not know the script."""
        return self.run(*self.compose, "up", "--detach", self.copy.service, **release(image))

    @property
    def deployment(self) -> str:
        """The name of the compose project that is deployed."""
        return f"{SESSION}-{self.copy.slug}-deployed"

    @property
    def compose(self) -> tuple[str, ...]:
        """Compose with the files and the project of the deployment."""
        return "docker", "compose", "--project-name", self.deployment, "--file", "compose.yaml", "--file", RELEASE

    def deployed(self) -> str:
        """The id of the image of the container that runs, or nothing."""
        ps = self.run(*self.compose, "ps", "--quiet", "--status=running", self.copy.service, **release(self.image))
        return str(docker.container.inspect(ps.stdout.strip()).image) if ps.stdout.strip() else ""

    def end(self) -> None:
        """Remove what is deployed."""
        self.run(*self.compose, "down", "--timeout", "0", "--volumes", **release(self.image))


def release(image: str) -> dict[str, str]:
    """What release.env says of an image; one that is named by its tag alone has no digest."""
    repository, _, digest = image.partition("@sha256:")
    return {"REPOSITORY": repository, "DIGEST": digest}


def name_stand_ins(folder: Path) -> None:
    """Take the digests from a copy's compose files, of images that are here as stand-ins: no digest is theirs."""
    for file in folder.glob("compose*.yaml"):
        text = file.read_text()
        for name, digest in re.findall(r"image: (\S+:[^@\s]+)(@sha256:[0-9a-f]{64})", text):
            if docker.image.exists(name) and STAND_IN in (docker.image.inspect(name).config.labels or {}):
                text = text.replace(name + digest, name)
        file.write_text(text)


@contextmanager
def publisher(subject: Subject) -> Iterator[Publisher]:
    """A publisher, with its registry running and a new key; all of it goes afterwards."""
    with subject.copied("to publish") as copy:
        publisher = Publisher(copy, free_port())
        name_stand_ins(copy.path)
        try:
            up = publisher.run("docker", "compose", "--file", PUBLISH, "up", "--detach", "registry")

            def answers() -> bool:
                try:
                    return httpx.get(f"http://127.0.0.1:{publisher.port}/v2/", timeout=2).is_success
                except httpx.HTTPError:
                    return False

            if not wait_until(answers, limit=30):
                raise NotReady(up.stdout + up.stderr, f"docker compose --file {PUBLISH} up registry")
            publisher.cosign("generate-key-pair")
            yield publisher
        finally:
            publisher.run("docker", "compose", "--file", PUBLISH, "down", "--timeout", "0", "--volumes")
            remove_names(f"localhost:{publisher.port}")


class _Shared:
    """The one publisher of this process; another folder's ends when this one's begins."""

    key: tuple[object, ...] = ()
    publisher: Publisher

    def __init__(self) -> None:
        self.stack = ExitStack()
        at_end.callback(self.stack.close)

    def of(self, subject: Subject) -> Publisher:
        if self.key != subject.key:
            self.stack.close()
            self.key = ()
            self.publisher = self.stack.enter_context(publisher(subject))
            self.key = subject.key
        return self.publisher


_shared = _Shared()

# Not marked as slow, though it takes seconds to publish: they share what is published, and so belong into one process.


@practice("unnoticed", builds=True, needs="release")
def published_by_digest(subject: Subject) -> None:
    """The image that passed its test is pushed and deployed by its digest, so moving a tag changes nothing."""
    publisher = _shared.of(subject)
    image, started = publisher.published
    name = f"{publisher.repository}:1.0"
    if not image.startswith(f"{publisher.repository}@sha256:"):
        raise Violation(
            f"{image} is deployed, and can be moved to another image", f"./{SCRIPT} {name}; cat release.env"
        )
    docker.image.pull(image, quiet=True)
    published = docker.image.inspect(image).id
    if published not in started:
        raise Violation("what was pushed has not been started before", f"./{SCRIPT} {name}; docker events --since 5m")
    look = f"import sys; sys.exit({SAVED!r} in open({CODE!r}).read())"
    if run_to_its_end(image, "python", "-c", look, check=False).returncode:
        raise Violation("a file that was saved after the tests had run is in what was pushed", f"cat {SCRIPT}")
    publisher.push_another("1.0")
    try:
        done = publisher.deploy(image)
        if not (found := publisher.deployed()):
            raise Violation(f"it does not run: {(done.stdout + done.stderr)[-300:]}", f"./{DEPLOY}")
        if found != published:
            raise Violation(f"another image runs ({found}) than was published ({published})", f"./{DEPLOY}")
        signed_by_tag = docker.image.inspect(image)
        docker.image.tag(signed_by_tag, name)
        docker.image.push(name, quiet=True)
        if publisher.deploy(name).returncode == 0:
            raise Violation(f"{name}, which is signed, is deployed without a digest", f"./{DEPLOY}")
    finally:
        publisher.end()


@contextmanager
def _starts() -> Iterator[set[str]]:
    """The names of the images whose containers are started until the end of the block, and there after it.

    Asked later, the engine remembers the last 256 events, among them every look of every health check.
    """
    names = set[str]()
    command = ["docker", "events", f"--since={int(time.time())}", "--filter=type=container", "--filter=event=start"]
    command += ["--format={{.Actor.Attributes.image}}"]
    with tempfile.NamedTemporaryFile(dir=SCRATCH) as file, subprocess.Popen(command, stdout=file) as events:
        try:
            yield names
        finally:
            events.kill()
        names |= set(Path(file.name).read_text().split())


def _ids(names: set[str]) -> set[str]:
    """The ids of images, as far as they are still there."""
    found = set()
    for name in names:
        try:
            found.add(docker.image.inspect(name).id)
        except DockerException:
            continue  # it has gone since
    return found


@practice("access", builds=True, needs="release")
def signed(subject: Subject) -> None:
    """An image without your key's signature for this repository never starts, and what runs goes on."""
    publisher = _shared.of(subject)
    key = publisher.copy.path / "cosign.pub"
    ours, unsigned = key.read_text(), publisher.push_another("unsigned")
    try:
        done = publisher.deploy(publisher.image)
        if not (runs := publisher.deployed()):
            raise Violation(f"what is signed does not run: {(done.stdout + done.stderr)[-300:]}", f"./{DEPLOY}")
        publisher.deploy(unsigned)
        if (found := publisher.deployed()) != runs:
            raise Violation(f"an image that nobody has signed {'runs' if found else 'ended what ran'}", f"./{DEPLOY}")
        publisher.sign(unsigned, repository="elsewhere")
        publisher.deploy(unsigned)
        if publisher.deployed() != runs:
            raise Violation("an image is deployed whose signature is for another repository", f"./{DEPLOY}")
        publisher.cosign("generate-key-pair", "--output-key-prefix", "other")
        key.write_text((publisher.copy.path / "other.pub").read_text())
        if publisher.deploy(publisher.image).returncode == 0:
            raise Violation("an image is deployed that another key has signed", f"./{DEPLOY}")
        key.write_text(ours)
        publisher.end()
        publisher.up(unsigned)
        if publisher.deployed():
            by_hand = f"docker compose --file compose.yaml --file {RELEASE} up web"
            raise Violation("without the script, an image runs that nobody has signed", by_hand)
    finally:
        key.write_text(ours)
        publisher.end()


@practice("unnoticed", builds=True, needs="release")
def bill_of_materials(subject: Subject) -> None:
    """The published image has a signed bill of materials (SBOM): the packages that the app can import, no others."""
    publisher = _shared.of(subject)
    [sbom] = publisher.sboms(publisher.image)
    named = {canonicalize_name(part["name"]): part["version"] for part in sbom["components"]}
    brought = distributions_of_image(subject.base)
    found = distributions_of_image(publisher.image)
    installed = {name: version for name, version in found.items() if name not in brought}
    if named != installed:
        more, less = named.items() - installed.items(), installed.items() - named.items()
        raise Violation(f"it names what is not installed: {dict(more)}; it does not name: {dict(less)}", "cat bom.json")


@practice("access", builds=True, needs="release")
def no_stand_in(subject: Subject) -> None:
    """An image built on a stand-in, which contains your network's addresses, is never pushed."""
    publisher = _shared.of(subject)
    done = publisher.publish("on-a-stand-in", stand_in="python:3.14-slim-trixie")
    if done.returncode == 0 or "on-a-stand-in" in publisher.tags():
        raise Violation("it was pushed", f"./{SCRIPT} localhost:5001/{NAME}:1.0; docker pull localhost:5001/{NAME}:1.0")
    if "stand-in" not in done.stderr:
        raise Violation(f"it stopped for another reason: {done.stderr[-300:]}", f"./{SCRIPT} localhost:5001/{NAME}:1.0")
    _ = publisher.image  # without the label it is pushed
