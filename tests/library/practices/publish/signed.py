"""An image without your key's signature for this repository never starts; with `deploy.sh`, the old one goes on."""

from .. import Sabotage, Subject, Violation, practice
from ..publisher import DEPLOY, RELEASE, shared_publisher


@practice("access", builds=True, needs="release")
def check(subject: Subject) -> None:
    publisher = shared_publisher.of(subject)
    key = publisher.copy.path / "cosign.pub"
    ours, unsigned = key.read_text(), publisher.published.another
    runs = publisher.keep_deployed()
    try:
        publisher.deploy(unsigned)
        if (now := publisher.deployed()) != runs:
            raise Violation(f"an image that nobody has signed {'runs' if now else 'ended what ran'}", f"./{DEPLOY}")
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
            by_hand = f"docker compose --file compose.yaml --file {RELEASE} up {{service}}"
            raise Violation("without the script, an image runs that nobody has signed", by_hand)
    finally:
        key.write_text(ours)
        publisher.end()


TURNS_RED = [
    Sabotage(
        "signed for whatever repository",
        "extra-5-publishing/compose.release.yaml",
        r" +--annotations repository=\$\{REPOSITORY\}",
        "     ",
    ),
    Sabotage(
        "deployed beside its verification",
        "extra-5-publishing/compose.release.yaml",
        r"service_completed_successfully",
        "service_started",
        symptom="A neighbour has the password of our registry. Since last night our own server runs their image.",
    ),
    Sabotage("verified too late", "extra-5-publishing/deploy.sh", r"release run --rm --no-TTY verify\n", ""),
]
