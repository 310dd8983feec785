"""What articles warn of, or promise in passing, seen."""

import re
import secrets

import pytest

from library.engine import run_to_its_end
from library.subject import Subject
from library.tutorial import ROOT

STEP_4 = Subject("step-4-nontrivial", ROOT / "step-4-nontrivial")
EXTRA_2 = Subject("extra-2-caching", ROOT / "extra-2-caching")
FINAL = Subject("final", ROOT / "final")
# Run as root in a container: change the time of a package's file, then the app's message alone, and not the size or the
# time of its file. Print how often the package was compiled when it was imported, and the message.
OTHER_TIMES = """
import os, pathlib, re, subprocess, sys
import flask, hello.main
os.utime(flask.__file__, (0, 0))
python = [sys.executable, "-B"]
said = subprocess.run([*python, "-v", "-c", "import flask"], capture_output=True, text=True, check=True).stderr
print(len(re.findall("^# code object from /.*/flask/__init__.py", said, re.MULTILINE)))
main = pathlib.Path(hello.main.__file__)
before = main.stat()
main.write_text(main.read_text().replace("Hello from", "Jello from"))
os.utime(main, ns=(before.st_atime_ns, before.st_mtime_ns))
ask = "import hello.main; print(hello.main.app.test_client().get('/').json['message'])"
print(subprocess.run([*python, "-c", ask], capture_output=True, text=True, check=True).stdout)
"""


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
    said = run_to_its_end(subject.image, "python", "-v", "-c", "import hello.main").stderr
    return len(re.findall(r"^# code object from /", said, re.MULTILINE))


@pytest.mark.about("extra-2-caching")
def test_bytecode_counts_whatever_times_the_files_have() -> None:
    """That of the packages is never compared with its source, that of the app is compared by content."""
    said = run_to_its_end(EXTRA_2.image, "python", "-B", "-c", OTHER_TIMES, user="0").stdout.split(maxsplit=1)
    assert [line.strip() for line in said] == ["0", "Jello from a container"]


# Appended to a file that the build runs: prints the network interfaces that it sees.
INTERFACES = """
import socket, sys
print("interfaces:", *(name for _, name in socket.if_nameindex()), file=sys.stderr)  # {unlike_any_before}
"""


@pytest.mark.about("final")
def test_the_projects_own_code_sees_no_network_while_it_is_built() -> None:
    """What it would download on the way is another thing tomorrow, and nobody looks at it."""
    with FINAL.copied("that looks for a network") as copy:
        with (copy.path / "gunicorn.conf.py").open("a") as file:
            file.write(INTERFACES.format(unlike_any_before=secrets.token_hex()))
        assert re.findall(r"interfaces: (.*)$", copy.build().output, re.MULTILINE) == ["lo"]
