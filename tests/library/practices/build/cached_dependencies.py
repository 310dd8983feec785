from ... import edits
from ...buildlog import BRINGS, INSTALLS
from ...subject import Subject
from .. import NotAsked, Violation, practice


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def cached_dependencies(subject: Subject) -> None:
    """When only the app's code has changed, a build installs no dependency again."""
    with subject.copied("with changed code") as copy:
        copy.build()  # fills the cache: what an engine has dropped from it is no fault of the Dockerfile
        try:
            code = edits.change_code(copy)
        except LookupError as nothing:
            raise NotAsked(str(nothing)) from nothing
        edits.change_settings(copy)
        build = copy.build(alone=True)
        installs = [name for name in build.ran if INSTALLS.search(name)]
        again = [name for name in installs if not build.installs_one(name)]
        if not installs:  # the same packages in another layer, which everybody downloads again
            again = [name for name in build.ran if BRINGS.search(name)]
        if again:
            raise Violation(
                f"ran again: {'; '.join(again)}", f"echo '# changed' >> {code.name}", "docker compose build"
            )
