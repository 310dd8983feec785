"""Compose watches your files, and brings what you save into the running app."""

from contextlib import nullcontext

from python_on_whales.exceptions import DockerException

from ...engine import one_build_at_a_time, wait_until
from ...subject import Running
from .. import Sabotage, Subject, Violation, practice
from ..developing import on_free_ports, save_in_modules, services_that_watch, while_watching


@practice("cost", slow=True, slow_to_fail=True, needs="watch")
def check(subject: Subject) -> None:
    watching = services_that_watch(subject)
    for name, service in watching.items():
        with subject.copied(f"to watch, as {name}") as folder:
            copy = on_free_ports(folder, name, service)
            rebuilt = (copy.path / rule["path"] for rule in service["develop"]["watch"] if rule["action"] == "rebuild")
            builds = any(map(copy.code.is_relative_to, rebuilt))  # then others' builds must wait, and it takes a while
            with copy.started() as running, one_build_at_a_time() if builds else nullcontext():
                running.wait_until_ready()
                with while_watching(running):
                    if _runs_what_is_saved(copy, running, limit=40 if builds else 10):
                        return
    raise Violation(f"saved, and not run by {', '.join(watching)}", f"docker compose up --watch {' '.join(watching)}")


def _runs_what_is_saved(copy: Subject, running: Running, limit: float) -> bool:
    """Whether the service says a word that saved modules say within so many seconds, here or in another container."""
    word = save_in_modules(copy)

    def runs() -> bool:
        try:
            return word in str(running.project.compose.logs([running.service])) and running.now().answers()
        except DockerException:
            return False  # another container is taking its place

    return wait_until(runs, limit, pause=0.5)


TURNS_RED = [
    Sabotage(
        "saved files brought to where nobody looks",
        "step-5-larger/compose.yaml",
        r"target: /app/src",
        "target: /app/source",
    )
]
