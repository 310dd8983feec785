from ... import edits
from ...engine import NotReady
from ...subject import Subject
from .. import Violation, practice


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def readable_code(subject: Subject) -> None:
    """A user who is not root can read the code and start the app, whatever modes the files have in the folder."""
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
                    f"docker compose build; docker compose run --rm --user {user} web",
                ) from error
