"""What a day's work leaves in any directory (databases, reports, secrets of tools) stays out of the image."""

from .. import Subject, practice
from ..canaries import require_kept_out

# What stays in a folder after a day's work, in whichever directory: secrets of other tools, databases, environments,
# reports and caches.
LEFTOVERS = (
    ".envrc", ".netrc", ".pypirc", "pip.conf", "db.sqlite3", "venv/pyvenv.cfg", ".venv/pyvenv.cfg",
    ".mypy_cache/x.json", ".coverage", "htmlcov/index.html", "node_modules/left-pad/index.js", "old.pyc", ".env.local",
    "server.key", "server.pem",
)  # fmt: skip
# And at the root of a project alone: what Flask's and Django's users have written.
OF_USERS = ("instance/shop.sqlite", "media/photo.jpg")


@practice("access", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    require_kept_out(subject, "after a day's work", (*LEFTOVERS, *OF_USERS), LEFTOVERS, "touch db.sqlite3")
