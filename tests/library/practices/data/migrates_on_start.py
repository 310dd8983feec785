"""At its start the app migrates its database; if two replicas start at once, one does it, and both run."""

import re

from ...engine import NotReady
from ...subject import Running
from .. import Sabotage, Subject, Violation, practice

SLOW_MIGRATION = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("guestbook", "0001_initial")]
    operations = [migrations.RunSQL("SELECT pg_sleep(5)")]
"""


@practice("loss", slow=True, builds=True, needs="database")
def check(subject: Subject) -> None:
    by_hand = ("docker compose down --volumes", "PORT=0 docker compose up --scale {service}=2")
    with subject.copied("with a slow migration") as copy:
        # It takes longer than two replicas differ in their start: without a lock, both find it to do.
        (copy.code / "guestbook/migrations/0002_slow.py").write_text(SLOW_MIGRATION)
        with copy.started(scale=2) as running:
            replicas = [Running(running.project, running.service, running.by_hand, index) for index in (1, 2)]
            for one in replicas:
                try:
                    one.wait_until_ready(path="/ready", limit=40)
                except NotReady as error:
                    raise Violation(f"replica {one.index} is not ready; its log:\n{one.log}", *by_hand) from error
            applied = [len(re.findall("Applying guestbook.0002.* OK", replica.log)) for replica in replicas]
    if sorted(applied) != [0, 1]:
        raise Violation(f"the replicas applied the same migration {applied} times", *by_hand)


TURNS_RED = [
    Sabotage(
        "migrations without a lock",
        "step-5-larger/src/guestbook/management/commands/prepare_database.py",
        r"cursor\.execute\(\"SELECT pg_advisory_lock.*",
        "",
    )
]
