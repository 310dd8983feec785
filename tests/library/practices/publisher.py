"""A copy of a folder that publishes to a registry of its own, and deploys from there."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from python_on_whales import Container

from ..engine import SESSION, Completed, NotReady, docker, free_port, one_build_at_a_time, remove_names, wait_until
from ..subject import Kept, Subject
from . import Violation
from .rolling import plain_answer

SCRIPT, SIGN, DEPLOY = "publish.sh", "sign.sh", "deploy.sh"
PUBLISH, RELEASE = "compose.publish.yaml", "compose.release.yaml"
STAND_IN = "io.github.dockerizing-python.stand-in"  # the label that bootstrap/bases.sh gives to stand-ins
NAME, CODE = "hello", "hello/main.py"
OURSELVES = {"COSIGN_USER": str(os.getuid())}  # as the article's commands say; the scripts have to say it themselves
# In the place of `docker`: the engine's own, but once the image is built, the stage that it came from changes, as with
# a base image that moves, or an older cache. Before anything is signed, somebody moves the tag to another image. And
# somebody notes what runs at the end, and what the tests ran on.
SOMEBODY = """#!/bin/sh
case " $* " in
  *" --target test "*) echo '# changed since it was built' >>'{file}' ;;
  *" cosign sign "*) {docker} tag {another} {name} && {docker} push --quiet {name} ;;
  *" down "*)
    of=label=com.docker.compose.project=$COMPOSE_PROJECT_NAME
    {docker} inspect --format '{{{{.Image}}}}' $({docker} ps --quiet --filter $of) >'{started}'
    {docker} image inspect --format '{{{{json .RootFS.Layers}}}}' $COMPOSE_PROJECT_NAME-test >'{tested}' ;;
esac >&2
exec {docker} "$@"
"""


class Published(NamedTuple):
    """What a folder's scripts have published."""

    image: str  # its name, by its digest, as release.env has it
    another: str  # what its tag was moved to before it was signed, by its digest: it runs, and nobody signed it
    started: str  # the id of the image of what ran when the script ended
    tested: list[str]  # the layers that the app's tests ran on


@dataclass
class Publisher:
    """A copy of a folder, with a key and a registry of its own, which the folder's own files publish to."""

    copy: Subject
    port: int
    another: str  # an image that runs, and is not the one that is published

    @property
    def repository(self) -> str:
        return f"localhost:{self.port}/{NAME}"

    @property
    def environment(self) -> dict[str, str]:
        here = {"REGISTRY_PORT": str(self.port), "COSIGN_NETWORK": "host"}
        return os.environ | here | {"COMPOSE_PROJECT_NAME": f"{SESSION}-{self.copy.slug}"}

    def run(self, *command: str, **environment: str) -> Completed:
        return subprocess.run(
            command, cwd=self.copy.path, env=self.environment | environment, capture_output=True, text=True, check=False
        )

    def cosign(self, *arguments: str) -> Completed:
        cosign = f"docker compose --file {PUBLISH} run --rm --no-TTY --quiet-pull cosign"
        return self.run(*cosign.split(), *arguments, **OURSELVES)

    def publish(self, tag: str, stand_in: str = "") -> Completed:
        """Publish what is in the folder, as if it were built on a base image with or without the label."""
        labelled = self.copy.path.parent / "labelled.json"
        labelled.write_text(json.dumps({"services": {self.copy.service: {"build": {"labels": {STAND_IN: stand_in}}}}}))
        files = os.pathsep.join(("compose.yaml", str(labelled)))
        code = self.copy.path / CODE
        saved = code.read_text()
        with one_build_at_a_time():
            done = self.run(f"./{SCRIPT}", f"{self.repository}:{tag}", COMPOSE_FILE=files, PATH=self._somebody)
        code.write_text(saved)
        return done

    @cached_property
    def _somebody(self) -> str:
        """A PATH where somebody is in the place of `docker`."""
        folder = self.copy.path.parent / "somebody"
        folder.mkdir()
        values = {"docker": shutil.which("docker"), "name": f"{self.repository}:1.0", "another": self.another}
        files = {"file": CODE, "started": folder / "started", "tested": folder / "tested"}
        (folder / "docker").write_text(SOMEBODY.format(**values, **files))
        (folder / "docker").chmod(0o755)
        return os.pathsep.join((str(folder), os.environ["PATH"]))

    def tags(self) -> list[str]:
        answer = httpx.get(f"http://127.0.0.1:{self.port}/v2/{NAME}/tags/list")
        return list(answer.json().get("tags") or ()) if answer.is_success else []

    @property
    def image(self) -> str:
        """The name of what the folder has published as 1.0."""
        return self.published.image

    @cached_property
    def published(self) -> Published:
        """What the folder has published as 1.0, and signed."""
        name, noted = f"{self.repository}:1.0", self.copy.path.parent / "somebody"
        done = self.publish("1.0")
        if done.returncode or not (self.copy.path / "release.env").exists():
            end = (done.stdout + done.stderr).strip().splitlines()[-3:]
            raise Violation(f"{SCRIPT} published nothing: {' / '.join(end)}", f"./{SCRIPT} localhost:5001/{NAME}:1.0")
        started, tested = (noted / "started").read_text().strip(), json.loads((noted / "tested").read_text())
        self.run(f"./{SIGN}", PATH=self._somebody)
        # While the image has this name: containerd's store forgets the digest with it.
        digests = docker.image.inspect(name).repo_digests
        another = next(digest for digest in digests if digest.startswith(f"{self.repository}@"))
        return Published(self.named(), another, started, tested)

    def named(self) -> str:
        """What release.env names."""
        settings = dict(line.split("=", 1) for line in (self.copy.path / "release.env").read_text().split())
        return f"{settings['REPOSITORY']}@sha256:{settings['DIGEST']}"

    def sboms(self, image: str) -> list[dict[str, Any]]:
        """The software bills of materials (SBOM) of an image, whose signatures the folder's key verifies."""
        options = "verify-attestation --key cosign.pub --insecure-ignore-tlog --type cyclonedx"
        done = self.cosign(*options.split(), image)
        if done.returncode:
            by_hand = f"COSIGN_USER=$(id -u) docker compose --file {PUBLISH} run --rm cosign {options} $IMAGE"
            raise Violation(f"there is no signed SBOM: {done.stderr[-300:]}", by_hand)
        return [json.loads(base64.b64decode(json.loads(line)["payload"]))["predicate"] for line in done.stdout.split()]

    def sign(self, image: str, repository: str) -> None:
        """Sign an image with the folder's key, for a repository."""
        options = "sign --yes --key cosign.key --signing-config signing-config.json --annotations"
        self.cosign(*options.split(), f"repository={repository}", image)

    def deploy(self, image: str) -> Completed:
        """Deploy an image by the folder's own script."""
        lines = (f"{name}={value}\n" for name, value in release(image).items())
        (self.copy.path / "release.env").write_text("".join(lines))
        return self.run(f"./{DEPLOY}", COMPOSE_PROJECT_NAME=self.deployment)

    def up(self, image: str) -> Completed:
        """Deploy an image as somebody does who does not know the script."""
        return self.run(*self.compose, "up", "--detach", self.copy.service, **release(image), **OURSELVES)

    @property
    def deployment(self) -> str:
        """The name of the compose project that is deployed."""
        return f"{SESSION}-{self.copy.slug}-deployed"

    @property
    def compose(self) -> tuple[str, ...]:
        """Compose with the files and the project of the deployment."""
        return "docker", "compose", "--project-name", self.deployment, "--file", "compose.yaml", "--file", RELEASE

    def running(self) -> list[Container]:
        """The container that runs, or none."""
        labels = {"project": self.deployment, "service": self.copy.service}
        return docker.container.list(
            filters=[("label", f"com.docker.compose.{label}={value}") for label, value in labels.items()]
        )

    def deployed(self) -> str:
        """The id of the image of the container that runs, or nothing."""
        return next((str(container.image) for container in self.running()), "")

    def keep_deployed(self) -> str:
        """Deploy what was published, unless something runs; the id of the image of what runs then."""
        if not (runs := self.deployed()):
            done = self.deploy(self.image)
            if not (runs := self.deployed()):
                raise Violation(f"it does not run: {(done.stdout + done.stderr)[-300:]}", f"./{DEPLOY}")
        return runs

    def end(self) -> None:
        """Remove what is deployed."""
        self.run(*self.compose, "down", "--timeout", "0", "--volumes", **release(f"{NAME}@sha256:{64 * '0'}"))


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
        publisher = Publisher(copy, free_port(), subject.built_image())
        name_stand_ins(copy.path)
        try:
            up = publisher.run("docker", "compose", "--file", PUBLISH, "up", "--detach", "registry")
            if not wait_until(lambda: plain_answer(f"http://127.0.0.1:{publisher.port}/v2/") == "200", limit=30):
                raise NotReady(up.stdout + up.stderr, (f"docker compose --file {PUBLISH} up registry",))
            publisher.cosign("generate-key-pair")
            # As under umask 077: nobody but who runs the scripts can read the folder and what is in it.
            for path in (copy.path, *copy.path.glob("cosign.pub")):
                path.chmod(path.stat().st_mode & 0o700)
            yield publisher
        finally:
            publisher.end()
            publisher.run("docker", "compose", "--file", PUBLISH, "down", "--timeout", "0", "--volumes")
            remove_names(f"localhost:{publisher.port}")


# Its practices are not marked as slow, though it takes seconds to publish: they share what is published, and so belong
# into one process.
shared_publisher = Kept(publisher)
