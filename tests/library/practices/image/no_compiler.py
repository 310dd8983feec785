"""No C compiler is in the image."""

from .. import Sabotage, Subject, Violation, practice
from ..installed import programs


@practice("cost")
def check(subject: Subject) -> None:
    if compilers := programs(subject, "cc", "gcc", "g++", "clang"):
        raise Violation(f"in the image: {compilers}", "docker compose run --rm {service} gcc --version")


TURNS_RED = [
    Sabotage(
        "headers where libraries are enough",
        "extra-1-compiling/Dockerfile",
        r"libpcre2-8-0 libpq5",
        "gcc libc6-dev libpcre2-dev libpq-dev",
        also={"small-image"},
        symptom="The image has doubled in size since last month, and the security scan lists programs that the app"
        " never starts. The app itself has not changed.",
    )
]
