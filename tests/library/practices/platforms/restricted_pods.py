"""Kubernetes' strictest Pod Security Standard, *restricted*, admits every pod of the manifests."""

from ... import manifests
from .. import Sabotage, Subject, Violation, practice
from ..contracts import RENDER, rendered


@practice("access", needs="manifests")
def check(subject: Subject) -> None:
    for what, template in manifests.pod_templates(rendered(subject)):
        if forbidden := manifests.not_restricted(template["spec"]):
            raise Violation(f"{what}: {', '.join(forbidden)}", RENDER)


TURNS_RED = [
    Sabotage(
        "a migration that may run as root",
        "extra-7-platforms/kubernetes/migrate.yaml",
        r"        runAsNonRoot: true\n",
        "",
    )
]
