"""Visitors lose no request while replicas are added, a new version starts, or a broken one is rolled back."""

from ... import swarm
from ...engine import last_line, wait_until
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..gunicorn import gunicorn_seconds, gunicorn_settings
from ..rolling import plain_answer, roll, versions, visitors

STACK = "stack.yaml"


@practice("loss", slow=True, slow_to_fail=True, builds=True, needs="stack")
def check(subject: Subject) -> None:
    patience = gunicorn_seconds(gunicorn_settings(subject.shared_container()))["graceful_timeout"]
    grace = float(swarm.services(subject)["web"].get("stop_grace_period", "10s").removesuffix("s"))
    if patience >= grace:
        seen = f"gunicorn gives requests {patience} s to end, and is killed after {grace:.0f} s"
        raise Violation(seen, f"grep stop_grace_period {STACK}")
    first, second, broken = versions(subject)
    by_hand = f"IMAGE=shop:2 docker stack deploy --detach=false --resolve-image never --compose-file {STACK} shop"
    with swarm.stack(subject, (first, second, broken)) as stack:
        done = stack.deploy(first)
        if done.returncode or not wait_until(lambda: stack.update == ("", [first] * 2), limit=60, pause=1):
            raise NotAsked(f"docker stack deploy: {last_line(done.stdout)}")
        wait_until(lambda: plain_answer(stack.url + subject.page) == "200", limit=30)
        with visitors(stack.url + subject.page) as visits:
            if seen := roll(stack, visits, second, broken, stack.deploy):
                raise Violation(seen, by_hand, "docker stack ps shop")
    if visits.failed:
        what = "; ".join(f"{number} {kind}" for kind, number in visits.failed.most_common())
        raise Violation(f"{visits.failed.total()} of {visits.requests.total()} requests failed: {what}", by_hand)


TURNS_RED = [
    # Seen before anything is deployed.
    Sabotage("as patient as Swarm by itself", "extra-6-deploying/stack.yaml", r"    stop_grace_period: 40s\n", ""),
    Sabotage(
        "addresses that are kept for a minute",
        "extra-6-deploying/Caddyfile",
        r"refresh 1s",
        "refresh 1m",
        symptom="Each new version starts well. Then visitors get errors, and after a minute all is fine again.",
    ),
]
