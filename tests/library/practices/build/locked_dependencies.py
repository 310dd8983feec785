"""Every installed package, transitive ones too, has the version that the lock file names."""

from ... import locks
from .. import Sabotage, Subject, Violation, practice
from ..installed import brought_by_tools, installed


@practice("unnoticed")
def check(subject: Subject) -> None:
    locked = locks.versions(subject.source)
    own = locks.own_name(subject.source)  # the project itself may be installed, too
    packages = {name: version for name, version in installed(subject).items() if name != own}
    loose = {name: version for name, version in packages.items() if locked.get(name) != version}
    if loose and (loose := {name: loose[name] for name in loose.keys() - brought_by_tools(subject)}):
        seen = f"installed, but not locked at that version: {', '.join(f'{n} {v}' for n, v in sorted(loose.items()))}"
        raise Violation(seen, "docker compose run --rm {service} pip list")


TURNS_RED = [
    Sabotage(
        "a hotfix beside the lock",
        "step-2-poetry/Dockerfile",
        r"&& poetry install",
        r"&& poetry add 'click<8.5'",
        also={"verified-hashes"},
        symptom="The security scan of the running container names an old version of a package. Our lock file has had a"
        " newer one for months.",
    )
]
