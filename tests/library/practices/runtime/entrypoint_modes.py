"""One image serves (`web`), develops (`dev`) and manages (`manage ...`), and runs any other command as given."""

import re

from ...engine import docker, run_to_its_end
from .. import Sabotage, Subject, Violation, practice


@practice("taste", slow=True, needs="modes")
def check(subject: Subject) -> None:
    for command, expected in (("echo hi", "hi"), ("cat /proc/1/comm", "cat"), ("manage version", r"\d+\.\d+")):
        done = run_to_its_end(subject.built_image(), *command.split(), envs={"ENVIRONMENT": "development"}, check=False)
        if not re.match(expected, output := done.stdout + done.stderr):
            raise Violation(f"`{command}` says: {output.strip()}", f"docker compose run --rm {{service}} {command}")
    by_hand = "docker compose run --rm --service-ports {service} dev"
    with subject.running(command=["dev"]) as running:
        if not running.get("/").headers.get("server", "").startswith("WSGIServer"):
            raise Violation("`dev` does not start the development server", by_hand)
        if (first := str(docker.execute(running.container, ["cat", "/proc/1/comm"])).strip()) != "python":
            raise Violation(f"`dev`: process 1, which gets the signals, is {first}", by_hand)


TURNS_RED = [
    Sabotage(
        "a shell between the engine and the development server",
        "step-5-larger/entrypoint.sh",
        r'(?<=set -- )(python src/manage\.py runserver) "0\.0\.0\.0:\$PORT"',
        r"sh -c '\1 0.0.0.0:$PORT; true'",
    )
]
