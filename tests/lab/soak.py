"""How much each server answers, how quickly, and whether it takes more memory after two minutes under load.

``python -m lab.soak [--seconds 120]`` (``make soak``) writes ``load`` into ``assets/measurements.json``. Each server
runs as final's compose file starts it (step 5: as its own does), with one CPU. wrk asks it over 16 connections, then
over 32, then for two minutes over 16. It ends with 1 if any request has no answer, or a server keeps taking more
memory; what was measured of the others is written all the same.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from typing import Any, NamedTuple

from adopt.strangers import adopted
from lab.measure import FILE, describe_machine
from lab.wrk import LoadFailed, memory_mb, require_wrk, serve
from library import engine
from library.subject import Subject
from library.tutorial import ROOT

COMFORTABLE = 16  # connections
# After the first quarter of the time, in which caches fill, memory may grow by this much: allocators keep some pages.
FLAT = 1.05


class Server(NamedTuple):
    """A row of the table.

    Args:
        folder: whose article shows it.
        app: what is asked; figures of one app are compared with those of its first row.
        name: what the table calls the server.
        subject: a folder, or a project of tests/projects that gets final's files.
        page: a page that is always there.
        worker: the class of gunicorn's workers, if it is not that of the files.
    """

    folder: str
    app: str
    name: str
    subject: str
    page: str = "/"
    worker: str = ""


SERVERS = (
    Server("final", "final's hello, FastAPI", "uvicorn's worker (**final**)", "final"),
    Server("final", "final's hello, FastAPI", "gunicorn's own `asgi`", "final", worker="asgi"),
    Server("final", "a file that Flask serves", "`gthread`, 4 threads", "flask", "/static/style.css"),
    Server("final", "a file that Flask serves", "`gevent`", "flask", "/static/style.css", "gevent"),
    Server("final", "a page of Django", "`gthread`, 4 threads", "django"),
    Server("step-5-larger", "the guestbook", "uWSGI, as the folder has it", "step-5-larger"),
)


def measure(server: Server, seconds: int) -> dict[str, Any]:
    """What one server answers: requests and milliseconds at both loads, and its memory while it is under load.

    Raises:
        LoadFailed: a request had no answer, or the memory kept growing.
    """
    folder = ROOT / server.subject
    subject = Subject(server.subject, folder) if folder.is_dir() else adopted(server.subject)
    environment = {"WORKER_CLASS": server.worker} if server.worker else {}
    with replace(subject, page=server.page).running(environment=environment, cpus=1) as running:
        serve(running, 2, connections=COMFORTABLE)  # warm
        found: dict[str, Any] = {
            "comfortable": serve(running, 5, connections=COMFORTABLE),
            "twice": serve(running, 5, connections=2 * COMFORTABLE),
        }
        memory = [memory_mb(running)]
        for _ in range(4):
            serve(running, seconds // 4, connections=COMFORTABLE)
            time.sleep(1)  # what is being answered belongs to no connection any more
            memory.append(memory_mb(running))
        running.container.reload()
        if running.container.restart_count:
            raise LoadFailed("it was started again")
    found["memory_mb"] = [round(value, 1) for value in memory]
    if memory[-1] > FLAT * memory[1]:
        raise LoadFailed(f"it takes more and more memory, in MB: {found['memory_mb']}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    require_wrk("soak")
    rows, failed = [], []
    with engine.session():
        machine = describe_machine()
        for server in SERVERS:
            try:
                found = measure(server, arguments.seconds)
            except LoadFailed as failure:
                failed.append(f"soak: {server.app}, {server.name}: {failure}")
                continue
            rows.append({"folder": server.folder, "app": server.app, "server": server.name, **found})
            print(json.dumps(rows[-1]), flush=True)
    data = json.loads(FILE.read_text())
    data["load"] = {"machine": machine, "seconds": arguments.seconds, "rows": rows}
    FILE.write_text(json.dumps(data, indent=2) + "\n")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
