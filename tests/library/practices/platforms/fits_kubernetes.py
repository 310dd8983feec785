"""Kubernetes' manifests fit each other and the image: port, paths, user, memory, proxy, and time to stop."""

from ... import manifests
from ...engine import docker
from .. import Sabotage, Subject, Violation, practice
from ..contracts import RENDER, rendered, require_contracts

LEAST_PAUSE = 2  # seconds until proxies know that a pod stops; without any, one machine alone lost requests


@practice("loss", slow=True, needs="manifests")
def check(subject: Subject) -> None:
    objects = rendered(subject)
    if loose := manifests.loose_ends(objects):
        raise Violation("; ".join(loose), RENDER)
    try:
        contract = manifests.kubernetes(objects)
    except (KeyError, ValueError) as missing:
        raise Violation(f"there is not one Deployment that says {missing}", RENDER) from missing
    if contract.pause < LEAST_PAUSE:
        seen = f"{contract.file}: a pod stops after {contract.pause:.0f} s, and proxies elsewhere still send to it"
        raise Violation(seen, RENDER)
    image = docker.image.inspect(subject.built_image()).config.user
    for what, template in manifests.pod_templates(objects):
        for container in template["spec"]["containers"]:
            security = template["spec"].get("securityContext", {}) | container.get("securityContext", {})
            if (user := f"{security.get('runAsUser')}:{security.get('runAsGroup')}") != image:
                raise Violation(f"the image's user is {image}, that of {what} {user}", RENDER)
    require_contracts(subject, contract)


TURNS_RED = [
    Sabotage(
        "a readiness probe of another path",
        "extra-7-platforms/kubernetes/deployment.yaml",
        r"(?<=readinessProbe:\n            httpGet: \{ path: )/health",
        "/healthz",
        symptom="On Kubernetes, my update never ends. The new pod runs, its log shows no error, and nobody gets there.",
    ),
    Sabotage(
        "another user than the image's",
        "extra-7-platforms/kubernetes/deployment.yaml",
        r"runAsUser: 10001",
        "runAsUser: 1000",
    ),
    Sabotage(
        "a Service of another port",
        "extra-7-platforms/kubernetes/service.yaml",
        r"targetPort: http",
        "targetPort: 8080",
    ),
    Sabotage(
        "no time left after the pause",
        "extra-7-platforms/kubernetes/deployment.yaml",
        r"terminationGracePeriodSeconds: 40",
        "terminationGracePeriodSeconds: 30",
    ),
    Sabotage(
        "connections closed before the Gateway closes them",
        "extra-7-platforms/kubernetes/deployment.yaml",
        r'value: "3700"',
        'value: "75"',
    ),
]
