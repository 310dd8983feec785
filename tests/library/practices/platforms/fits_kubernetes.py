from ... import manifests
from ...engine import docker
from ...subject import Subject
from .. import Violation, practice
from ..contracts import RENDER, rendered, require_contracts

LEAST_PAUSE = 2  # seconds until proxies know that a pod stops; without any, one machine alone lost requests


@practice("loss", slow=True, needs="manifests")
def fits_kubernetes(subject: Subject) -> None:
    """Kubernetes' manifests fit each other and the image: port, paths, user, memory, proxy, and time to stop."""
    found = rendered(subject)
    if loose := manifests.loose_ends(found):
        raise Violation("; ".join(loose), RENDER)
    try:
        contract = manifests.kubernetes(found)
    except (KeyError, ValueError) as missing:
        raise Violation(f"there is not one Deployment that says {missing}", RENDER) from missing
    if contract.pause < LEAST_PAUSE:
        seen = f"{contract.file}: a pod stops after {contract.pause:.0f} s, and proxies elsewhere still send to it"
        raise Violation(seen, RENDER)
    image = docker.image.inspect(subject.image).config.user
    for what, template in manifests.pod_templates(found):
        for container in template["spec"]["containers"]:
            security = template["spec"].get("securityContext", {}) | container.get("securityContext", {})
            if (user := f"{security.get('runAsUser')}:{security.get('runAsGroup')}") != image:
                raise Violation(f"the image's user is {image}, that of {what} {user}", RENDER)
    require_contracts(subject, contract)
