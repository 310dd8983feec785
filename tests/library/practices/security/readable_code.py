"""A user who is not root can read the code and start the app, whatever modes the files have in the folder."""

from ... import edits
from ...engine import NotReady
from .. import Sabotage, Subject, Violation, practice


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    user = "10001:10001"
    with subject.copied("cloned under umask 077") as copy:
        edits.close_to_others(copy)
        with copy.started(user=user, restart="no", environment=copy.reachable_with) as running:
            try:
                running.wait_until_ready()
            except NotReady as error:
                raise Violation(
                    f"the container's log ends:\n{running.log[-500:]}",
                    "chmod -R go= .",
                    f"docker compose build; docker compose run --rm --user {user} {{service}}",
                ) from error


TURNS_RED = [
    Sabotage("modes as in the folder", "step-4-nontrivial/Dockerfile", r"RUN chmod .*\n", ""),
    Sabotage("modes as in the folder", "step-5-larger/Dockerfile", r"chmod -R a\+rX \. && ", ""),
    Sabotage("modes as in the folder", "final/Dockerfile", r" && chmod -R a\+rX \.", ""),
]
