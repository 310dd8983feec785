"""`docker compose up` answers a `curl` from outside the container."""

import json
import subprocess
from contextlib import nullcontext

from ...engine import wait_until
from .. import Sabotage, Subject, Violation, practice
from ..sockets import wait_until_listening


@practice("loss", slow=True)
def check(subject: Subject) -> None:
    # A container that is helped to be reachable says nothing here: this one is started as it is.
    with subject.started() if subject.reachable_with else nullcontext(subject.shared_container()) as running:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10", running.url() + subject.page]
        command += ["--header", f"Host: {subject.host}"] if subject.host else []

        def curl() -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, capture_output=True, text=True, check=False)

        wait_until_listening(running)
        wait_until(lambda: curl().returncode == 0, limit=3)
        answer = curl()
        if answer.returncode != 0:
            raise Violation(answer.stderr.strip(), "{curl} {url}")
        if subject.ours and json.loads(answer.stdout)["step"] != subject.folder:
            raise Violation(f"another app's answer: {answer.stdout}", "{curl} {url}")


TURNS_RED = [
    Sabotage(
        "bound to 127.0.0.1",
        "step-1-kiss/gunicorn.conf.py",
        r"0\.0\.0\.0",
        "{os.environ.get('HOST', '127.0.0.1')}",
        reachable_with={"HOST": "0.0.0.0"},  # noqa: S104  in a container, all interfaces is the one to listen on
        symptom="The container runs and its log shows no error, but the browser says that the connection was reset.",
    )
]
