"""What is put into a copy of a folder, to see where it gets to."""

import secrets
from collections.abc import Iterable

from .. import image
from ..program import in_container
from ..subject import Subject
from . import Violation


def require_kept_out(subject: Subject, what: str, root: Iterable[str], code: Iterable[str], by_hand: str) -> None:
    """See that what is put into a copy of the folder (``by_hand``), at its root and by the code, reaches no layer."""
    canary = secrets.token_hex()
    with subject.copied(what) as copy:
        for file in (*map(copy.source.joinpath, root), *map(copy.code.joinpath, code)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab") as opened:  # a project's own .env is there, and compose reads it
                opened.write(f"\n# CANARY={canary}\n".encode())  # Git reads its own, too
        # Where they are to be seen in the image, no layer has to be unpacked; nor one that is there without them, too.
        if kept := image.run(copy.built_image(), files_with, canary, user="0") or image.find_in_layers(
            copy, lambda _, file: canary.encode() in file.read(), known=[subject.built_image()]
        ):
            seen = f"in the image: {', '.join(sorted(kept))}"
            raise Violation(seen, by_hand, "docker compose build", "docker compose run --rm {service} ls -A")


@in_container()
def files_with(word: str) -> set[str]:
    """The files below the working directory that hold a word."""
    from pathlib import Path

    files = (path for path in Path().rglob("*") if path.is_file())
    return {str(path) for path in files if word.encode() in path.read_bytes()}


# A test for pytest and for unittest, which Django's own command runs. The tests run as the app does: not as root.
CANARY_TEST = """import os
import unittest


class TestCanary(unittest.TestCase):
    def {name}(self):
        self.assertTrue({outcome})
        self.assertNotIn(0, (os.getuid(), os.getgid()), "the tests run as root")
"""
