"""When a README, a compose file or a hook changes, nothing is built again."""

import secrets
from pathlib import Path

from .. import Subject, Violation, practice

# What is about the repository: the app does not read it.
OF_REPOSITORY = ("README.md", "Dockerfile", "compose.yaml", ".dockerignore", ".gitignore", ".pre-commit-config.yaml")


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    with subject.copied("with another README") as copy:
        copy.build()  # fills the cache
        changed = [copy.source / name for name in OF_REPOSITORY]
        if (copy.source / "requirements.txt").exists():
            changed.append(copy.source / "poetry.lock")  # what is installed stands in the list
        for file in filter(Path.exists, changed):
            file.write_text(f"{file.read_text()}\n# {secrets.token_hex()}\n")
        asks_git = (copy.source / ".git").exists()  # the build, which then has to notice a change there
        for folder in (".idea", ".vscode") if asks_git else (".git", ".idea", ".vscode"):
            (copy.source / folder).mkdir(exist_ok=True)
            (copy.source / folder / "changed").write_text(secrets.token_hex())
        (copy.source / ".gitignore").touch()
        if ran := copy.build().ran:
            raise Violation(f"ran again: {'; '.join(ran)}", "echo >>README.md", "docker compose build")
