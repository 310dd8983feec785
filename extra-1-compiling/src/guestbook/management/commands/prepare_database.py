import os
import time

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connection

LOCK = 20_130_320  # any number, the same in every replica


class Command(BaseCommand):
    help = "Wait for the database, then migrate it: one replica migrates, the others wait and find nothing to do."

    def handle(self, **_options):
        limit = float(os.environ.get("DATABASE_WAIT", "30"))  # seconds
        deadline = time.monotonic() + limit
        while reason := self.refusal():
            # A wrong password does not get better by waiting.
            if "authentication failed" in reason or time.monotonic() > deadline:
                raise CommandError(f"no database after {limit - deadline + time.monotonic():.0f} s: {reason}")
            self.stdout.write(f"waiting for the database: {reason}")
            time.sleep(1)
        with connection.cursor() as cursor:
            # The lock belongs to this connection: should this process die, the next replica gets it.
            cursor.execute("SET lock_timeout = '5min'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        call_command("migrate", interactive=False)
        connection.close()

    def refusal(self) -> str:
        """Why the database cannot be used, or nothing."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            return " ".join(str(error).split())
        return ""
