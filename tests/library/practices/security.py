"""What an attacker would like to find otherwise."""

import os
import secrets
from unittest.mock import patch

from .. import edits
from ..engine import NotReady, another_address, docker, listens, run_to_its_end, wait_until
from ..subject import Subject, look
from . import Violation, practice
from .inside import APP_PROCESSES
from .runtime import health_when_looked_at, require_clean, wait_until_listening

# Run inside the container: who runs each of the app's processes, the first one first.
WHO = look(
    APP_PROCESSES
    + """
for pid in sorted(app_processes()):
    try:
        status = dict(line.split(":\\t", 1) for line in open(f"/proc/{pid}/status") if ":\\t" in line)
    except OSError:
        continue  # it has just ended
    print(status["Name"].split()[0], status["Uid"].split()[1], status["Gid"].split()[1])
"""
)
# Run inside the container: where the app works.
DIRECTORY = look("import os; print(os.getcwd())")


@practice("access")
def non_root(subject: Subject) -> None:
    """Neither the app's user nor its group is root, and the user is a number, which Kubernetes can check."""
    (first, uid, gid), *others = map(str.split, subject.shared.look(WHO).splitlines())
    if uid == "0":
        accounts = {f"{name} as UID {account}" for name, account, _ in others}
        if any(account != "0" for _, account, _ in others):  # process 1 is a supervisor
            seen = f"process 1, {first}, runs as root (UID 0), and starts {', '.join(sorted(accounts))}"
            raise Violation(seen, "docker compose top web")
        raise Violation("the server runs as root (UID 0)", "docker compose exec web id")
    if gid == "0":
        raise Violation("the server's group is root's (GID 0)", "docker compose exec web id")
    user = docker.image.inspect(subject.image).config.user or ""
    by_hand = "docker inspect --format '{{.Config.User}}' IMAGE"
    if user.partition(":")[0] in ("", "0", "root") and not subject.services()[subject.service].get("user"):
        seen = f"the image starts as root, and process 1, {first}, has become UID {uid} (by gosu, say): what"
        raise Violation(f"{seen} `docker exec` starts has not", by_hand, "docker compose exec web id", weight="taste")
    if not user.partition(":")[0].isdigit():
        raise Violation(f"USER is a name: {user!r}", by_hand, weight="taste")


@practice("taste")
def own_directory(subject: Subject) -> None:
    """The app has a directory of its own, so that its files replace none of the system's."""
    if (where := subject.shared.look(DIRECTORY)) in ("/", "/root"):
        raise Violation(f"it works in {where}", "docker compose exec web pwd")


@practice("access", needs="published")
def local_only(subject: Subject) -> None:
    """Compose publishes the app on 127.0.0.1 only, so that no other machine reaches it."""
    ports = subject.shared.container.network_settings.ports or {}
    bindings = [binding for bindings in ports.values() for binding in bindings or ()]
    bound = {binding["HostIp"] for binding in bindings}
    if address := another_address():
        bound |= {address for binding in bindings if listens(address, int(binding["HostPort"]))}
    # What else is built from the same folder and listens on the same port is the app, too: a service for development.
    services = subject.services()
    context = (services[subject.service].get("build") or {}).get("context")
    for service in services.values():
        if context and (service.get("build") or {}).get("context") == context:
            same = (port for port in service.get("ports", ()) if port["target"] == subject.port)
            bound |= {port.get("host_ip", "0.0.0.0") for port in same}  # noqa: S104
    if others := sorted(bound - {"127.0.0.1", "::1"}):
        raise Violation(f"published on {', '.join(others)}", f"docker compose port web {subject.port}")


@practice("cost", slow=True, slow_to_fail=True, builds=True)
def readable_code(subject: Subject) -> None:
    """A user who is not root can read the code and start the app, whatever modes the files have in the folder."""
    user = "10001:10001"
    with subject.copied("cloned under umask 077") as copy:
        edits.close_to_others(copy)
        with copy.started(user=user, restart="no", environment=copy.reachable_with) as running:
            try:
                running.wait_until_ready()
            except NotReady as error:
                raise Violation(
                    f"the container's log ends:\n{running.log[-500:]}",
                    "chmod -R go= .",
                    f"docker compose build; docker compose run --rm --user {user} web",
                ) from error


@practice("access", slow=True, needs="database")
def refuses_default_secrets(subject: Subject) -> None:
    """In production, the app refuses to start with a default secret, and says in one line which one it is."""
    own: dict[str, str] = {}  # the image itself is for production: only compose says that it is not
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        # What is not refused would wait for a database.
        given = {**own, name: "development-only", "DATABASE_WAIT": "0"}
        ended = run_to_its_end(subject.image, envs=given, check=False)
        if (
            ended.returncode == 0
            or f"{name} is the development default" not in ended.stderr
            or ended.stderr.count("\n") != 1
        ):
            raise Violation(
                f"exit code {ended.returncode} with the default {name}, and it says:\n{ended.stdout}{ended.stderr}",
                f"docker run --rm --env {name}=development-only IMAGE",
            )
        own[name] = secrets.token_hex()
    with patch.dict(os.environ, own, ENVIRONMENT="production"), subject.running():
        pass  # it started


# Run inside the container: the mount options of the root file system.
ROOT_OPTIONS = look("print(next(m.split()[3] for m in open('/proc/mounts') if m.split()[1] == '/'))")


@practice("access", needs="compose")
def read_only_rootfs(subject: Subject) -> None:
    """Started by compose, the app has a read-only root file system, and serves all the same."""
    options = subject.shared.look(ROOT_OPTIONS).split(",")
    if "ro" not in options:
        raise Violation(
            f"the root file system is mounted {options[0]}", "docker compose exec web grep ' / ' /proc/mounts"
        )
    if not subject.shared.answers():
        raise Violation("it no longer answers", "curl localhost:8000")


# Run inside the container: what each of the app's processes may do beyond an ordinary one's rights, and whether it can
# get more.
RIGHTS = look(
    APP_PROCESSES
    + """
for pid in app_processes():
    try:
        lines = open(f"/proc/{pid}/status").read().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        continue  # it has just ended
    status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
    may = {name: status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb") if int(status[name], 16)}
    if status["NoNewPrivs"].strip() != "1":
        may["NoNewPrivs"] = "0"
    if may:
        print(status["Name"].strip(), *(f"{name}={value.strip()}" for name, value in may.items()))
"""
)


@practice("access", needs="compose")
def no_capabilities(subject: Subject) -> None:
    """Started by compose, no process has a capability, and none can gain one (no-new-privileges)."""
    if found := subject.shared.look(RIGHTS):
        raise Violation(found, "docker compose exec web grep --extended-regexp '^(Cap|NoNewPrivs)' /proc/1/status")


# Run inside the container: who runs the app, and whether it can write to its home directory.
ACCOUNT = "import os, pathlib; print(os.stat('/proc/1').st_uid, home := pathlib.Path.home(), os.access(home, os.W_OK))"


@practice("taste", slow=True, slow_to_fail=True)
def any_uid(subject: Subject) -> None:
    """Any user ID that a platform picks (OpenShift: with group 0) runs the app, with clean logs and a writable home."""
    uid = "1234567"
    by_hand = f"docker compose run --rm --user {uid}:0 web"
    # And as some platforms do, with variables that are there and empty.
    with subject.started(user=f"{uid}:0", environment={"PORT": "", "WORKERS": ""}) as running:
        wait_until_listening(running)
        if not wait_until(running.answers, limit=10):
            raise Violation(f"it does not answer; its log:\n{running.log}", by_hand)
        if (said := health_when_looked_at(running)) not in ("healthy", "not checked"):
            raise Violation(f"its health is {said}", by_hand)
        ran_as, home, writable = running.python(ACCOUNT).split()
        if ran_as != uid:
            raise Violation(f"it runs as {ran_as}", by_hand)
        if writable != "True":
            raise Violation(f"its home directory is {home}, where it cannot write", by_hand)
        running.stop()
        require_clean(running.log)


# Run inside the container: the limits that the kernel holds its processes to; "max" and huge numbers are none.
CGROUP = """
import os
def first(*files):
    for file in files:
        try:
            return open("/sys/fs/cgroup/" + file).read().split()
        except OSError:
            pass
    return ["max"]
cpu = first("cpu.max", "cpu/cpu.cfs_quota_us")
print(*(value if value.isdigit() and int(value) < 2**62 else "max" for value in (
    first("memory.max", "memory/memory.limit_in_bytes")[0], first("pids.max", "pids/pids.max")[0], cpu[0],
)))
"""


@practice("loss", slow=True, needs="compose")
def bounded(subject: Subject) -> None:
    """Started by compose, the app has limits of memory, CPUs and processes, which variables set."""
    by_hand = ("docker compose up --detach", "docker stats --no-stream")
    found = subject.shared.python(CGROUP).split()
    memory, processes, cpus = (int(value) if value.isdigit() else 0 for value in found)
    if not memory or memory > 4 * 2**30:
        raise Violation("it may take all memory of the machine", *by_hand)
    if not processes or processes > 4096:
        raise Violation("it may start as many processes as the machine can", *by_hand)
    if not cpus:
        raise Violation("it may use all CPUs of the machine", *by_hand)
    if not subject.ours:  # other projects' variables have other names
        return
    with patch.dict(os.environ, {"CPUS": "0.5", "MEMORY": "300m"}), subject.running() as running:
        other, _, half = running.python(CGROUP).split()
        if (other, half) != (str(300 * 2**20), "50000"):
            raise Violation(
                "CPUS=0.5 and MEMORY=300m make no difference", "CPUS=0.5 MEMORY=300m docker compose up", *by_hand
            )


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
def data_volume(subject: Subject) -> None:
    """The image's own user can write to /tmp and to a volume at /data, and to no directory of the image."""
    where = ("/", ".", "/tmp", "/data", "/usr/local/lib", "/var/tmp")  # noqa: S108  it asks whether it may
    with subject.running(volumes=[{"type": "volume", "target": "/data"}]) as running:
        found = running.python(WRITABLE, *where).split()
    if found != ["/tmp", "/data"]:  # noqa: S108
        raise Violation(f"it can write to {', '.join(found) or 'nothing'}", "docker compose run --volume /data web")
