"""An app that answers 404 to the health check, because it has no page `/health`, is healthy all the same."""

from .. import Sabotage, Subject, Violation, practice
from ..health import SEE_HEALTH, health_where_all_answers_are


@practice("ours", slow=True, needs="healthcheck")
def check(subject: Subject) -> None:
    state = health_where_all_answers_are(404, subject)
    if state != "healthy":
        raise Violation(f"every answer is a 404, and its health is {state}", *SEE_HEALTH)


TURNS_RED = [Sabotage("a health check that wants its page", "step-4-nontrivial/Dockerfile", ">= 500", "!= 200")]
