from ...subject import Subject
from .. import practice
from ..canaries import require_kept_out

CANARIES = (".git/config", ".idea/workspace.xml")
CANARIES_IN_CODE = (
    ".env", ".env.production", ".venv/pyvenv.cfg", "old.pyc", "__pycache__/main.cpython-314.pyc",
    "__pycache__/numba.nbi", ".mypy_cache/x.json",
)  # fmt: skip


@practice("access", slow=True, slow_to_fail=True, builds=True)
def lean_context(subject: Subject) -> None:
    """Secrets, version control, local environments and caches in the folder reach no layer of the image."""
    require_kept_out(
        subject,
        "with things that do not belong in an image",
        (*CANARIES, *CANARIES_IN_CODE),
        CANARIES_IN_CODE,
        "echo SECRET=1 > .env",
    )
