"""Projects as strangers have them, in ``tests/projects``, and the steps of final's article that give them its files."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from library.edits import change, uncomment
from library.engine import SCRATCH
from library.repository import copy_files
from library.subject import Subject
from library.tutorial import FINAL_FILES, ROOT

from . import hooks
from .draft import FINAL
from .lists import APT, run_beside

# How a project gets them is in the article, and what few projects need on its second page.
ARTICLE = (FINAL / "README.md").read_text() + (ROOT / "reference-final/README.md").read_text()
BASE = Subject("final", FINAL).parsed.base_image


@dataclass(frozen=True)
class Project:
    """A project as a stranger has it."""

    name: str  # its folder in tests/projects
    manager: str  # who keeps its dependencies, as the article calls it
    app: str  # what gunicorn starts, the one line that every project changes
    page: str  # what its page contains
    static_file: tuple[str, str] | None = None  # a path that is not served by a view, and what it must contain
    uncommented: Mapping[str, Sequence[str]] = field(default_factory=dict)  # beginnings of commented lines, by file
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # what the first aid changes by file: old, new
    worker: str = ""  # the worker that serves it, if it is not final's


# fmt: off
PROJECTS = [
    Project("flask", "a plain list", "shop:create_app()", "Our shop", ("/static/style.css", "green"),
        # It writes to its instance folder: "Read-only file system".
        uncommented={"compose.yaml": ["  # volumes: [", "# volumes:"]},
        changed={"Dockerfile": (" /data\n", " /app/instance\n"), "compose.yaml": ("data:/data", "data:/app/instance")},
        worker="gthread"),
    Project("django", "Poetry", "mysite.wsgi:application", "My site",
        # Hashed names: "Missing staticfiles manifest entry".
        uncommented={"Dockerfile": ["# RUN SECRET_KEY"], "compose.yaml": ["  # environment:"]},
        changed={"compose.yaml": ("DATABASE_URL: ${DATABASE_URL:?}", "SECRET_KEY: a stranger's")},
        worker="gthread"),
    Project("fastapi", "uv", "orders.main:app", "17 apples"),
    Project("workspace", "uv", "orders.main:app", "25.50",
        changed={"Dockerfile": ("=/app:/app/src", "=/app:/app/src:/app/packages/orders/src:/app/packages/prices/src")}),
    Project("compiled", "a plain list", "stock:app", "c, libpq",
        # No wheel: "pg_config executable not found"; then "no pq wrapper available".
        uncommented={"Dockerfile": [f"# RUN {APT} build-essential", f"# RUN {APT} libpq5"]},
        worker="gthread"),
    Project("websocket", "a plain list", "chat:app", "A room"),
    Project("numpy", "a plain list", "matrix:app", "determinant 8", worker="gthread"),
    Project("celery", "a plain list", "shop:app", "Our back office",
        uncommented={"compose.yaml": ["  # worker:"]},
        changed={"compose.yaml": ("celery --app=shop worker", "celery --app=shop.tasks worker")},
        worker="gthread"),
]
# fmt: on


def export_commands(manager: str) -> list[str]:
    """The commands that the article gives for this manager."""
    block = re.search(rf"\*\*{manager}\*\*[\s\S]*?```console\n([\s\S]*?)```", ARTICLE)
    if not block:
        raise LookupError(f"final/README.md has no commands for {manager}")
    return [line.removeprefix("$ ") for line in block[1].splitlines()]


def adopt(project: Project, folder: Path) -> Subject:
    """Make a copy of a project in this folder, and take the steps of the article there."""
    copy_files(ROOT / "tests/projects" / project.name, folder)
    for name in FINAL_FILES:
        shutil.copy2(FINAL / name, folder / name)
    # Step 2 of the article: what is started, with which worker, and the hooks of who keeps the packages.
    change(folder / "gunicorn.conf.py", '"hello.main:app"', f'"{project.app}"')
    if project.worker:
        change(folder / "gunicorn.conf.py", '"uvicorn_worker.UvicornWorker"', f'"{project.worker}"')
    if project.manager != "Poetry":
        own = hooks.OF_UV if project.manager == "uv" else hooks.OF_A_LIST
        (folder / hooks.FILE.name).write_text(hooks.instead_of_poetrys(own))
    for name, beginnings in project.uncommented.items():
        uncomment(folder / name, beginnings)
    for name, (old, new) in project.changed.items():
        change(folder / name, old, new)
    run_beside(folder, BASE, export_commands(project.manager))
    has = frozenset({"compose", "published"})
    return Subject(f"tests/projects/{project.name} with final's files", folder, has=has)


@cache
def adopted(name: str) -> Subject:
    """The project of this name after those steps, made once in a process."""
    (project,) = (project for project in PROJECTS if project.name == name)
    return adopt(project, SCRATCH / "adopted" / name)
