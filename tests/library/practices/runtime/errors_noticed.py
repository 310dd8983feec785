"""An app that answers every request with a server error becomes unhealthy."""

from .. import Subject, Violation, practice
from ..health import SEE_HEALTH, health_where_all_answers_are


@practice("unnoticed", slow=True)
def check(subject: Subject) -> None:
    state = health_where_all_answers_are(500, subject)
    if state != "unhealthy":
        raise Violation(f"every answer is a server error, and its health is {state}", *SEE_HEALTH)
