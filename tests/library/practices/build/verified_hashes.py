"""A package that is not the one that was locked stops the build, and the message says so."""

import re
from dataclasses import replace

from ... import locks
from .. import NotAsked, Sabotage, Subject, Violation, practice


@practice("access", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    with subject.copied("with another hash for one package") as copy:
        # All hashes of one package: with one left, installers take the file that it belongs to.
        lock_files = locks.files(copy.source)
        if not lock_files:
            raise Violation("there is no lock file: whatever the index sends is installed", "ls")
        named = ", ".join(lock.name for lock in lock_files)
        tampered = 0
        for lock in lock_files:
            locked = lock.read_text()
            text = locks.with_other_hashes(locked)
            lock.write_text(text)
            tampered += text != locked
        if not tampered and any(locks.SHA256.search(lock.read_text()) for lock in lock_files):
            raise NotAsked(f"no framework or server that is known here is in {named}: it changes the hashes of one")
        if not tampered:
            raise Violation(f"{named}: no hashes, so whatever the index sends is installed", f"grep sha256 {named}")
        by_hand = (f"change the hashes of the framework in {named}", "docker compose build")
        if not (stopped := copy.stopped_build()):
            raise Violation("the build does not notice", *by_hand)
        if not re.search(r"^#\d+ [\d.]+ .*(not match|mismatch)", stopped.output, re.IGNORECASE | re.MULTILINE):
            raise Violation(f"the build stops, but does not say that a hash does not match:\n{stopped}")
    if (subject.source / "requirements.txt").exists():
        _refuse_a_package_without_hashes(subject, "requirements.txt")
    if (subject.source / "requirements-dev.txt").exists() and "test" in subject.parsed.stage_names:
        _refuse_a_package_without_hashes(replace(subject, target="test"), "requirements-dev.txt")


# The hashes of a package, on the lines that continue its own.
HASHES = re.compile(r" \\\n +--hash=\S+")


def _refuse_a_package_without_hashes(subject: Subject, name: str) -> None:
    with subject.copied("with one package that has no hash") as copy:
        listed = copy.source / name
        listed.write_text(locks.change_entries(listed.read_text(), lambda entry: HASHES.sub("", entry)))
        if copy.stopped_build():
            return
    raise Violation(f"one package in {name} has no hash, and is installed all the same", "docker compose build")


TURNS_RED = [
    Sabotage(
        "hashes dropped and a dependency bumped",
        "step-4-nontrivial/Dockerfile",
        r"RUN pip install --require-hashes .*",
        r"RUN grep -oE '^[a-z]+==[^ ]+' requirements.txt | sed 's/click==.*/click<8.5/' > loose.txt"
        r" && pip install -r loose.txt",
        also={"locked-dependencies"},
    )
]
