"""What is put into a copy of a folder, to see where it gets to."""

import secrets
from collections.abc import Iterable

from .. import image
from ..engine import run_to_its_end
from ..subject import Subject
from . import Violation


def require_kept_out(subject: Subject, what: str, root: Iterable[str], code: Iterable[str], by_hand: str) -> None:
    """See that what is put into a copy of the folder, at its root and beside the code, reaches no layer.

    Raises:
        Violation: it does; ``by_hand`` is the command that puts something there.
    """
    canary = secrets.token_hex().encode()
    with subject.copied(what) as copy:
        for file in (*map(copy.source.joinpath, root), *map(copy.code.joinpath, code)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as opened:  # a project's own .env is there, and compose reads it
                opened.write(b"\n# CANARY=" + canary + b"\n")  # Git reads its own, too
        # Where they are to be seen in the image, no layer has to be unpacked; nor one that is there without them, too.
        if found := _in_container(copy, canary) or image.find_in_layers(
            copy, lambda _, file: canary in file.read(), known=[subject.image]
        ):
            raise Violation(
                f"in the image: {', '.join(sorted(found))}",
                by_hand,
                "docker compose build",
                "docker compose run --rm web ls -A",
            )


# Run inside the image: the files below the working directory that hold some bytes.
WITH_BYTES = """
import pathlib, sys
files = (path for path in pathlib.Path().rglob("*") if path.is_file())
print(*(path for path in files if sys.argv[1].encode() in path.read_bytes()), sep="\\n")
"""


def _in_container(subject: Subject, canary: bytes) -> set[str]:
    """The files in the image's working directory that hold these bytes, as its root sees them."""
    look = ["-B", "-c", WITH_BYTES, canary.decode()]
    return set(run_to_its_end(subject.image, *look, entrypoint="python3", user="0").stdout.split())


# A test for pytest and for unittest, which Django's own command runs. The tests run as the app does: not as root.
CANARY_TEST = """import os
import unittest


class TestCanary(unittest.TestCase):
    def {name}(self):
        self.assertTrue({outcome})
        self.assertNotIn(0, (os.getuid(), os.getgid()), "the tests run as root")
"""
