"""The Dockerfile is one stage, read from top to bottom."""

from .. import Subject, Violation, practice


@practice("taste", builds=True)
def check(subject: Subject) -> None:
    if (count := len(subject.parsed.stages)) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")
