"""At a stop, a request may take longer than Docker's ten seconds, and is answered; a hang ends in two minutes."""

from .. import NotAsked, Subject, Violation, practice
from ..gunicorn import gunicorn_seconds, gunicorn_settings
from ..stopping import require_answer_in_flight


@practice("loss", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    if not subject.slow or "{seconds}" not in subject.slow:
        raise NotAsked("it asks for a path that takes 14 s: SLOW=/report?seconds={seconds}")
    patience = subject.shared_container().container.config.stop_timeout or 10
    if patience > 120:
        raise Violation(f"a container that hangs is ended after {patience} s", "docker inspect CONTAINER")
    settings = gunicorn_settings(subject.shared_container())
    if (servers := gunicorn_seconds(settings)["graceful_timeout"]) >= patience:
        seen = f"gunicorn gives requests {servers} s to end, and the engine kills it after {patience} s"
        raise Violation(seen, "docker compose config {service} | grep stop_grace_period")
    # Whoever kills after ten seconds ends a long request as soon as a short one, and may come a few seconds late.
    with subject.running() as running:
        require_answer_in_flight(running, subject.slow_path(14 if patience > 10 else 28))
