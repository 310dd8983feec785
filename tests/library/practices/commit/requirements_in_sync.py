"""The hooks refuse a new lock with an old `requirements.txt`, and write the correct one."""

import re
import subprocess
import sys
from pathlib import Path

from .. import Sabotage, Subject, Violation, practice


def complaint_of_hooks(repository: Path) -> str:
    """Stage everything and run the hooks; what they print if one fails, else nothing."""
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr if run.returncode else ""


@practice("unnoticed", slow=True, needs="export")
def check(subject: Subject) -> None:
    if not (subject.source / ".pre-commit-config.yaml").exists():
        raise Violation("there are no hooks: nothing compares requirements.txt with poetry.lock", "ls -A")
    with subject.copied("as a repository of its own") as copy:
        lock, requirements, project = (copy.source / f for f in ("poetry.lock", "requirements.txt", "pyproject.toml"))
        subprocess.run(["git", "init", "--quiet"], cwd=copy.source, check=True)
        if complaint := complaint_of_hooks(copy.source):
            raise Violation(f"the hooks refuse the folder as it is:\n{complaint}", "pre-commit run --all-files")

        # What `poetry update` leaves: another version in the lock, and nothing exported.
        name, version = re.findall(r"^([\w.-]+)==([\w.]+)", requirements.read_text(), re.MULTILINE)[0]
        old, new = (f'name = "{name}"\nversion = "{number}"' for number in (version, f"{version}.1"))
        lock.write_text(lock.read_text().replace(old, new))
        by_hand = ("poetry update", "pre-commit run --all-files", "git diff requirements.txt")
        if not complaint_of_hooks(copy.source):
            raise Violation(f"poetry.lock has another {name} than requirements.txt, and the hooks pass", *by_hand)
        if f"{name}=={version}.1" not in requirements.read_text():
            raise Violation("the hooks fail, but requirements.txt is as it was", *by_hand)
        if complaint := complaint_of_hooks(copy.source):
            raise Violation(f"the hooks refuse the file that they corrected themselves:\n{complaint}", *by_hand)

        # Another dependency, and not even the lock knows.
        project.write_text(project.read_text().replace("dependencies = [", 'dependencies = [\n    "cowsay (>=6)",', 1))
        if not complaint_of_hooks(copy.source):
            raise Violation("pyproject.toml has a dependency that poetry.lock lacks, and the hooks pass", *by_hand)


TURNS_RED = [
    Sabotage(
        "export hook that writes elsewhere",
        "extra-3-precommit/.pre-commit-config.yaml",
        r"export --output requirements\.txt",
        "export --output /dev/null",
        symptom="We updated a package because of a security notice, and every check before the commit passed. The"
        " container still runs the old version.",
    )
]
