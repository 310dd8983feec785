from ...subject import Subject
from .. import Violation, practice


@practice("taste", builds=True)
def single_stage(subject: Subject) -> None:
    """The Dockerfile is one stage, read from top to bottom."""
    if (count := len(subject.parsed.stages)) > 1:
        raise Violation(f"{count} stages", "grep FROM Dockerfile")
