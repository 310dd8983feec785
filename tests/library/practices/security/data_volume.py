"""The image's own user can write to /tmp and to a volume at /data, and to no directory of the image."""

from ...program import in_container
from .. import Subject, Violation, practice


@in_container()
def writable(directories: list[str]) -> list[str]:
    import tempfile

    possible = []
    for directory in directories:
        try:
            tempfile.TemporaryFile(dir=directory).close()
        except OSError:
            continue
        possible.append(directory)
    return possible


@practice("ours", slow=True, needs="compose")
def check(subject: Subject) -> None:
    directories = ["/", ".", "/tmp", "/data", "/usr/local/lib", "/var/tmp"]  # noqa: S108  it asks whether it may
    with subject.running(volumes=[{"type": "volume", "target": "/data"}]) as running:
        possible = running.run(writable, directories)
    if possible != ["/tmp", "/data"]:  # noqa: S108
        seen = f"it can write to {', '.join(possible) or 'nothing'}"
        raise Violation(seen, "docker compose run --volume /data {service}")
