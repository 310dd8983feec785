"""When only the app's code has changed, a build installs no dependency again."""

from ... import edits
from ...buildlog import BRINGS, INSTALLS
from .. import Sabotage, Subject, Violation, practice


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def check(subject: Subject) -> None:
    with subject.copied("with changed code") as copy:
        copy.build()  # fills the cache: what an engine has dropped from it is no fault of the Dockerfile
        code = edits.change_code(copy)
        edits.change_settings(copy)
        build = copy.build()
        installs = [name for name in build.ran if INSTALLS.search(name)]
        again = [name for name in installs if not build.installs_one(name)]
        if not installs:  # the same packages in another layer, which everybody downloads again
            again = [name for name in build.ran if BRINGS.search(name)]
        if again:
            seen = f"ran again: {'; '.join(again)}"
            raise Violation(seen, f"echo '# changed' >> {code.name}", "docker compose build")


TURNS_RED = [
    Sabotage(
        "code copied before the dependencies",
        "step-3-basic/Dockerfile",
        r"COPY pyproject\.toml poetry\.lock \./\n(RUN poetry install\n)[\s\S]*COPY \. \.",
        r"COPY . .\n\1",
        symptom="I correct one word on a page, and wait for the build as long as on the first day.",
    ),
    Sabotage(
        "settings copied before the packages",
        "step-5-larger/Dockerfile",
        r"(COPY --from=build /venv /venv\n)(COPY entrypoint\.sh .*\n)",
        r"\2\1",
    ),
]
