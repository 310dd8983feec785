"""The image that passed its test is pushed and deployed by its digest, so moving a tag changes nothing."""

from ...engine import docker
from ...image import layers_of
from .. import Sabotage, Subject, Violation, practice
from ..publisher import DEPLOY, SCRIPT, shared_publisher


@practice("unnoticed", builds=True, needs="release")
def check(subject: Subject) -> None:
    publisher = shared_publisher.of(subject)
    image, _, started, tested = publisher.published
    name = f"{publisher.repository}:1.0"
    if not image.startswith(f"{publisher.repository}@sha256:"):
        seen = f"{image} is deployed, and can be moved to another image"
        raise Violation(seen, f"./{SCRIPT} {name}; cat release.env")
    runs = publisher.keep_deployed()
    published = docker.image.inspect(image)
    if published.id != started:
        raise Violation("what was pushed has not been started before", f"./{SCRIPT} {name}; docker events --since 5m")
    layers = layers_of(image)
    if tested[: len(layers)] != layers:
        raise Violation("the tests ran on other layers than those of what was pushed", f"cat {SCRIPT}")
    if runs != published.id:
        raise Violation(f"another image runs ({runs}) than was published ({published.id})", f"./{DEPLOY}")
    docker.image.tag(published, name)
    docker.image.push(name, quiet=True)
    if publisher.deploy(name).returncode == 0:
        raise Violation(f"{name}, which is signed, is deployed without a digest", f"./{DEPLOY}")


TURNS_RED = [
    Sabotage(
        "deployed by a name that can move",
        "extra-5-publishing/compose.release.yaml",
        r"(?<=REPOSITORY:\?release\.env has it\})@sha256:\S+",
        ":1.0",
    ),
    Sabotage("tested on another build", "extra-5-publishing/publish.sh", r' --build-context "production=[^"]+"', ""),
    Sabotage(
        "another build than the tested one",
        "extra-5-publishing/publish.sh",
        r'docker tag "\$id" "\$1"',
        'echo "FROM $COMPOSE_PROJECT_NAME-web" | docker build --label built=again --tag "$1" -',
    ),
]
