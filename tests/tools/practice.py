"""Ask one practice of every folder, whether the tutorial lists it or not: ``make practice ONLY=non-root``.

It prints what came of each, and where ``tests/tutorial.toml`` has to name the practice.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping

from library import engine, tutorial
from library.practices import MARKS, ask, known
from library.subject import subject_of, wrong_subject


def places(holds: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Where a practice that ``holds`` of these subjects belongs in ``tutorial.toml``: folders, and the key of each."""
    for folder in tutorial.load():
        inherited = any(holds.get(parent, False) for parent in folder.builds_on)
        here = holds.get(folder.name, inherited)
        if here and not inherited:
            first_attempt = None if folder.builds_on else wrong_subject(folder)
            yield folder.name, "starts_with" if first_attempt and holds[first_attempt.name] else "adds"
        elif inherited and not here:
            yield folder.name, "gives_up"


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask one practice of every folder.")
    parser.add_argument("only", help="the practice")
    try:
        practice = known(parser.parse_args().only, "ONLY")
    except ValueError as reason:
        sys.exit(f"practice: {reason}")
    holds = {}
    print(practice.sentence)
    with engine.session():
        for folder in tutorial.load():
            for subject in (wrong_subject(folder), subject_of(folder)):
                if subject and practice.applies_to(folder.has):
                    answer = ask(practice, subject)
                    print(f"  {MARKS[answer.outcome]} {subject.name} {answer.reason}".rstrip(), flush=True)
                    holds[subject.name] = answer.outcome == "holds"
    for name, key in places(holds):
        print(f"{name}: `{key}` in tests/tutorial.toml has to name it")
    if not any(holds.values()):
        sys.exit(f"practice: no folder holds {practice.id}, so none teaches it")


if __name__ == "__main__":
    main()
