"""The published image has a signed bill of materials (SBOM): the packages that the app can import, no others."""

from packaging.utils import canonicalize_name

from .. import Sabotage, Subject, Violation, practice
from ..installed import distributions_of_image
from ..publisher import shared_publisher


@practice("unnoticed", builds=True, needs="release")
def check(subject: Subject) -> None:
    publisher = shared_publisher.of(subject)
    [sbom] = publisher.sboms(publisher.image)
    named = {canonicalize_name(part["name"]): part["version"] for part in sbom["components"]}
    brought = distributions_of_image(subject.base)
    importable = distributions_of_image(publisher.image)
    installed = {name: version for name, version in importable.items() if name not in brought}
    if named != installed:
        more, less = named.items() - installed.items(), installed.items() - named.items()
        raise Violation(f"it names what is not installed: {dict(more)}; it does not name: {dict(less)}", "cat bom.json")


TURNS_RED = [
    Sabotage(
        "an SBOM of what the tests need",
        "extra-5-publishing/Dockerfile",
        r"--output-file /tmp/bom\.json /production",
        "--output-file /tmp/bom.json /venv",
        symptom="Our customer asks why a web server contains pytest. It does not; but our list says so.",
    )
]
