"""The image's own user can write to /tmp and to a volume at /data, and to no directory of the image."""

from .. import Subject, Violation, practice

# Run inside the container: in which of these directories this user can write.
WRITABLE = """
import sys, tempfile
for path in sys.argv[1:]:
    try:
        tempfile.TemporaryFile(dir=path).close()
        print(path)
    except OSError:
        pass
"""


@practice("ours", slow=True, needs="compose")
def check(subject: Subject) -> None:
    where = ("/", ".", "/tmp", "/data", "/usr/local/lib", "/var/tmp")  # noqa: S108  it asks whether it may
    with subject.running(volumes=[{"type": "volume", "target": "/data"}]) as running:
        found = running.python(WRITABLE, *where).split()
    if found != ["/tmp", "/data"]:  # noqa: S108
        raise Violation(f"it can write to {', '.join(found) or 'nothing'}", "docker compose run --volume /data web")
