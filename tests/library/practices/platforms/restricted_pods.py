from ... import manifests
from ...subject import Subject
from .. import Violation, practice
from ..contracts import RENDER, rendered


@practice("access", needs="manifests")
def restricted_pods(subject: Subject) -> None:
    """Kubernetes' strictest Pod Security Standard, *restricted*, admits every pod of the manifests."""
    for what, template in manifests.pod_templates(rendered(subject)):
        if forbidden := manifests.not_restricted(template["spec"]):
            raise Violation(f"{what}: {', '.join(forbidden)}", RENDER)
