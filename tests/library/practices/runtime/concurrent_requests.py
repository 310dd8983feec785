"""While three slow requests are under way, another one is answered."""

from concurrent.futures import ThreadPoolExecutor

from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..sockets import in_flight


@practice("loss", slow=True)
def check(subject: Subject) -> None:
    if not subject.slow:
        raise NotAsked("it asks for a path that takes 2 s or so: SLOW=/report")
    path = subject.slow_path(10)
    # The container ends first, and the requests with it: nobody waits for them.
    with ThreadPoolExecutor() as pool, subject.running() as running:
        slow = in_flight(running, pool, path, number=3, seconds=1)
        if any(answer.done() for answer in slow):
            raise NotAsked(f"GET {path} is answered at once: name a path that takes 2 s or so")
        running.get(timeout=70)
        if ended := sum(answer.done() for answer in slow):
            by_hand = f"for i in 1 2 3; do {{curl}} '{{address}}{path}' & done; sleep 1; time {{curl}} {{url}}"
            raise Violation(f"{ended} of three slow requests had to end before another one was answered", by_hand)


TURNS_RED = [Sabotage("one request at a time", "step-3-basic/gunicorn.conf.py", r"\nthreads = .*", "")]
