"""A variable that is no number or no address makes gunicorn refuse to start, and say so without a traceback."""

import json

from ...engine import last_line
from ...program import in_container
from .. import NotAsked, Subject, Violation, practice
from ..sockets import listening


@in_container(listening)
def start_with(command: list[str], values: list[tuple[str, str]]) -> None:
    """Start a command with one value after the other, until one is not refused without a traceback.

    What came of each is printed as JSON. A command has started when it listens, however long a busy machine takes to
    end it or to let it listen; one that does neither for a minute has not been refused.
    """
    import json
    import os
    import signal
    import subprocess
    import time

    for name, value in values:
        env = {**os.environ, name: value} if name else None
        run = subprocess.Popen(
            command, env=env, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        end = time.monotonic() + 60
        while run.poll() is None and not listening() and time.monotonic() < end:
            time.sleep(0.02)
        started = run.poll() in (None, 0)
        if started:
            os.killpg(run.pid, signal.SIGKILL)  # also the workers, which hold its output
        output = run.communicate()[0].strip()
        print(json.dumps([name, value, started, output]))
        if name and (started or "Traceback" in output):
            break


# The first one is nothing: as compose starts it, the command has to start once more.
WRONG = [
    ("", ""), ("WORKERS", "abc"), ("WORKERS", "-1"), ("THREADS", "1.5"), ("PORT", "http"), ("TIMEOUT", "-3"),
    ("GRACEFUL_TIMEOUT", "soon"), ("KEEP_ALIVE", "yes"), ("ACCESS_LOG", "/nowhere/log"),
    ("FORWARDED_ALLOW_IPS", "nowhere"),
]  # fmt: skip


@practice("ours", slow=True, slow_to_fail=True)
def check(subject: Subject) -> None:
    config = subject.shared_container().container.config
    command = [*(config.entrypoint or ()), *(config.cmd or ())]
    # In a compose file, two of these signs are one.
    entrypoint = [part.replace("$", "$$") for part in start_with.command(command, WRONG)]
    alone = {"entrypoint": entrypoint, "command": [], "restart": "no", "healthcheck": {"disable": True}}
    with subject.started(environment=subject.reachable_with, **alone) as running:
        running.ends(180)
        outcomes = [json.loads(line) for line in running.log.splitlines() if line.startswith("[")]
    if not outcomes:
        raise NotAsked("started a second time, in the same container, it says nothing")
    for name, value, started, output in outcomes:
        by_hand = f"docker compose run --rm --env {name}={value} {{service}}"
        if not name:
            if not started:
                raise NotAsked(f"started a second time, in the same container, it ends: {last_line(output)}")
            continue
        if started:
            raise Violation(f"{name}={value}, and it starts", by_hand)
        # Gunicorn's messages name the setting or not, but show what is wrong in it.
        if "Traceback" in output or value not in output:
            raise Violation(f"{name}={value}, and it says:\n{output}", by_hand)
