from ...subject import Subject
from .. import Violation, practice
from ..health import SEE_HEALTH, health_where_all_answers_are


@practice("ours", slow=True, needs="healthcheck")
def healthy_without_health_page(subject: Subject) -> None:
    """An app that answers 404 to the health check, because it has no page `/health`, is healthy all the same."""
    state = health_where_all_answers_are(404, subject, ("healthy", "unhealthy", "not checked"))
    if state != "healthy":
        raise Violation(f"every answer is a 404, and its health is {state}", *SEE_HEALTH)
