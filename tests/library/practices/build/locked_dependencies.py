from ... import locks
from ...subject import Subject
from .. import Violation, practice
from ..installed import brought_by_tools, installed


@practice("unnoticed")
def locked_dependencies(subject: Subject) -> None:
    """Every installed package, transitive ones too, has the version that the lock file names."""
    locked = locks.versions(subject.source)
    own = locks.own_name(subject.source)  # the project itself may be installed, too
    found = {name: version for name, version in installed(subject).items() if name != own}
    loose = {name: version for name, version in found.items() if locked.get(name) != version}
    if loose and (loose := {name: loose[name] for name in loose.keys() - brought_by_tools(subject)}):
        raise Violation(
            f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}",
            "docker compose run --rm web pip list",
        )
