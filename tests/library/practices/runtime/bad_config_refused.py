"""A variable that is no number or no address makes gunicorn refuse to start, and say so without a traceback."""

import json

from ...engine import last_line, wait_until
from ...subject import PYTHON
from .. import NotAsked, Subject, Violation, practice
from ..sockets import LISTENING

# Run inside the container: start its command with one wrong value after the other, until one is not refused without a
# traceback; print what came of each. A command has started when it listens, however long a busy machine takes to end
# it or to let it listen; one that does neither for a minute has not been refused.
START_WITH = (
    LISTENING
    + """
import json, os, signal, subprocess, sys, time
command, wrong = map(json.loads, sys.argv[1:])
for name, value in wrong:
    environment = {**os.environ, **({name: value} if name else {})}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.Popen(command, env=environment, start_new_session=True, **output)
    end = time.monotonic() + 60
    while run.poll() is None and not listening() and time.monotonic() < end:
        time.sleep(0.02)
    started = run.poll() in (None, 0)
    if started:
        os.killpg(run.pid, signal.SIGKILL)  # also the workers, which hold its output
    said = run.communicate()[0].strip()
    print(json.dumps([name, value, started, said]))
    if name and (started or "Traceback" in said):
        break
"""
)
# The first one is nothing: as compose starts it, the command has to start once more.
WRONG = [
    ("", ""),
    ("WORKERS", "abc"),
    ("WORKERS", "-1"),
    ("THREADS", "1.5"),
    ("PORT", "http"),
    ("TIMEOUT", "-3"),
    ("GRACEFUL_TIMEOUT", "soon"),
    ("KEEP_ALIVE", "yes"),
    ("ACCESS_LOG", "/nowhere/log"),
    ("FORWARDED_ALLOW_IPS", "nowhere"),
]


@practice("ours", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    config = subject.shared.container.config
    command = [*(config.entrypoint or ()), *(config.cmd or ())]
    # In a compose file, two of these signs are one.
    entrypoint = [part.replace("$", "$$") for part in (*PYTHON, START_WITH)]
    arguments = [json.dumps(part).replace("$", "$$") for part in (command, WRONG)]
    alone = {"entrypoint": entrypoint, "command": arguments, "restart": "no", "healthcheck": {"disable": True}}
    with subject.started(environment=subject.reachable_with, **alone) as running:
        wait_until(lambda: not running.is_up, limit=180)
        outcomes = [json.loads(line) for line in running.log.splitlines() if line.startswith("[")]
    if not outcomes:
        raise NotAsked("started a second time, in the same container, it says nothing")
    for name, value, started, said in outcomes:
        by_hand = f"docker compose run --rm --env {name}={value} web"
        if not name:
            if not started:
                raise NotAsked(f"started a second time, in the same container, it ends: {last_line(said)}")
            continue
        if started:
            raise Violation(f"{name}={value}, and it starts", by_hand)
        # Gunicorn's messages name the setting or not, but show what is wrong in it.
        if "Traceback" in said or value not in said:
            raise Violation(f"{name}={value}, and it says:\n{said}", by_hand)
