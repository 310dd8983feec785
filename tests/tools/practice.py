"""Ask one practice of every folder, whether the tutorial lists it or not: ``make practice ONLY=non-root``.

It prints what came of each, and, if all are asked, where ``tests/tutorial.toml`` has to name the practice.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping

from library import engine, tutorial
from library.practices import MARKS, ask, known
from library.subject import subject_of, wrong_subject


def where_it_belongs(holds: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Where ``tutorial.toml`` has to name a practice: the name of each such folder, and the key in its table.

    Args:
        holds: whether it was seen to hold, by the names of those subjects that it applies to.
    """
    for folder in tutorial.load():
        holds_before = any(holds.get(parent, False) for parent in folder.builds_on)
        holds_here = holds.get(folder.name, holds_before)
        if holds_here and not holds_before:
            first_attempt = None if folder.builds_on else wrong_subject(folder)
            yield folder.name, "starts_with" if first_attempt and holds[first_attempt.name] else "adds"
        elif holds_before and not holds_here:
            yield folder.name, "gives_up"


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask one practice of every folder.")
    parser.add_argument("practice", help="its id")
    parser.add_argument("--step", help="the only folder that is asked")
    arguments = parser.parse_args()
    try:
        practice = known(arguments.practice, "ONLY")
    except ValueError as reason:
        sys.exit(f"practice: {reason}")
    holds = {}
    print(practice.sentence)
    with engine.session():
        for folder in (one for one in tutorial.load() if arguments.step in (None, one.name)):
            for subject in (wrong_subject(folder), subject_of(folder)):
                if subject and practice.applies_to(folder.has):
                    answer = ask(practice, subject)
                    print(f"  {MARKS[answer.outcome]} {subject.name} {answer.reason}".rstrip(), flush=True)
                    holds[subject.name] = answer.outcome == "holds"
    if arguments.step:
        return
    for name, key in where_it_belongs(holds):
        print(f"{name}: `{key}` in tests/tutorial.toml has to name it")
    if not any(holds.values()):
        sys.exit(f"practice: no folder holds {practice.id}, so none teaches it")


if __name__ == "__main__":
    main()
