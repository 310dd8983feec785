"""What articles warn of, seen: a line that many projects have and that no folder has."""

import re
import subprocess

import pytest

from library.subject import Subject
from library.tutorial import ROOT

STEP_4 = Subject("step-4-nontrivial", ROOT / "step-4-nontrivial")


@pytest.mark.about("step-4-nontrivial")
def test_without_writing_bytecode_a_build_leaves_more_to_compile() -> None:
    """During the build runs pip, and what it imports of the standard library has bytecode from then on."""
    with STEP_4.copied("without bytecode") as copy:
        dockerfile = copy.path / "Dockerfile"
        first = dockerfile.read_text()
        dockerfile.write_text(first.replace("ENV ", "ENV PYTHONDONTWRITEBYTECODE=1 "))
        assert dockerfile.read_text() != first
        assert compiled_at_import(copy) > 10 * compiled_at_import(STEP_4) > 0


def compiled_at_import(subject: Subject) -> int:
    """How many modules an import of the app compiles in a new container."""
    command = ["docker", "run", "--rm", subject.image, "python", "-v", "-c", "import hello.main"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return len(re.findall(r"^# code object from /", said, re.MULTILINE))
