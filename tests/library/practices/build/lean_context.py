"""Secrets, version control, local environments and caches in the folder reach no layer of the image."""

from .. import Sabotage, Subject, practice
from ..canaries import require_kept_out

CANARIES = (".git/config", ".idea/workspace.xml")
CANARIES_IN_CODE = (
    ".env", ".env.production", ".venv/pyvenv.cfg", "old.pyc", "__pycache__/main.cpython-314.pyc",
    "__pycache__/numba.nbi", ".mypy_cache/x.json",
)  # fmt: skip


@practice("access", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    what, everything = "with things that do not belong in an image", (*CANARIES, *CANARIES_IN_CODE)
    require_kept_out(subject, what, everything, CANARIES_IN_CODE, "echo SECRET=1 > .env")


TURNS_RED = [
    Sabotage(
        "Git's files sent along", "step-3-basic/.dockerignore", r"\n\.git\n\.gitignore", "", also={"unrelated-changes"}
    ),
    Sabotage(
        "secrets left out at the root only",
        "step-3-basic/.dockerignore",
        r"\*\*/\.env\n\*\*/\.env\.\*",
        ".env\n.env.*",
        symptom="A stranger wrote to us: a password is in the image that we published. Git has never seen that file.",
    ),
]
