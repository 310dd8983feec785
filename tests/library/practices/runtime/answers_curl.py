import json
import subprocess
from contextlib import nullcontext

from ...engine import wait_until
from ...subject import Subject
from .. import Violation, practice
from ..sockets import wait_until_listening


@practice("loss", slow=True)
def answers_curl(subject: Subject) -> None:
    """`docker compose up` answers a `curl` from outside the container."""
    # A container that is helped to be reachable says nothing here: this one is started as it is.
    with subject.started() if subject.reachable_with else nullcontext(subject.shared) as running:
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "10", running.url() + subject.page]
        command += ["--header", f"Host: {subject.host}"] if subject.host else []

        def curl() -> subprocess.CompletedProcess[str]:
            return subprocess.run(command, capture_output=True, text=True, check=False)

        wait_until_listening(running)
        wait_until(lambda: curl().returncode == 0, limit=3)
        answer = curl()
        if answer.returncode != 0:
            raise Violation(answer.stderr.strip(), "curl localhost:8000")
        if subject.ours and json.loads(answer.stdout)["step"] != subject.folder:
            raise Violation(f"another app's answer: {answer.stdout}", "curl localhost:8000")
