"""Compose publishes the app on 127.0.0.1 only: since Docker 28, no other machine reaches it."""

from ...engine import another_address, listens
from ...subject import published
from .. import Subject, Violation, practice


@practice("access", needs="published")
def check(subject: Subject) -> None:
    here = published(subject.shared_container().container)
    bound = {address for _, address, _ in here}
    if address := another_address():
        bound |= {address for _, _, port in here if listens(address, port)}
    # What else is built from the same folder and listens on the same port is the app, too: a service for development.
    services = subject.services()
    context = (services[subject.service].get("build") or {}).get("context")
    for service in services.values():
        if context and (service.get("build") or {}).get("context") == context:
            same = (port for port in service.get("ports", ()) if port["target"] == subject.port)
            bound |= {port.get("host_ip", "0.0.0.0") for port in same}  # noqa: S104
    if others := sorted(bound - {"127.0.0.1", "::1"}):
        raise Violation(f"published on {', '.join(others)}", "docker compose port {service} {port}")
