"""The images as others measure them: sections 4 and 5 of the CIS Docker Benchmark, and where a secret may leak.

What the practices see already (the user, the ports, the health check, ...) is asked here again, because these lists are
what an auditor has in hand. What is left out of the benchmark is about the host (5.1, 5.28), about who calls the engine
(4.5, 5.23, 5.24) or a matter of judgement (4.2 to 4.4, 4.12, 5.25); 4.11 is the practice ``verified-hashes``.
"""

import re
import secrets
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from library import tutorial
from library.edits import change
from library.engine import docker, inspect, one_build_at_a_time, run_to_its_end
from library.image import find_in_layers, saved
from library.repository import write_files
from library.subject import Subject, subject_of

# From the folder that teaches non-root on.
HARDENED = [
    pytest.param(subject_of(folder), id=folder.name) for folder in tutorial.load() if "non-root" in folder.holds
]
from_step_4_on = pytest.mark.parametrize("subject", HARDENED)
FINAL = Subject("final", tutorial.ROOT / "final")
FROM_FINAL_ON = {folder.path for folder in tutorial.load() if "read-only-rootfs" in folder.holds}
STEP_3 = Subject("step-3-basic", tutorial.ROOT / "step-3-basic")
SECRET = re.compile(r"PASSW|TOKEN|SECRET|CREDENTIAL|PRIVATE|API_?KEY", re.IGNORECASE)

# What somebody without rights may write to in every image of Debian's.
SCRATCH_DIRECTORIES = {"/tmp", "/var/tmp", "/run/lock"}  # noqa: S108  the container's own


def found(image: str, arguments: str, user: str | None = None) -> set[str]:
    """What `find` finds in a new container of the image; what it may not look into is left out."""
    find = f"find {arguments} 2>/dev/null"
    options = {"networks": ["none"], "entrypoint": "", "user": user}
    return set(run_to_its_end(image, "sh", "-c", find, check=False, **options).stdout.split())


@cache
def setuid_files(image: str) -> set[str]:
    files = found(image, "/ -xdev -type f -perm /6000", user="0")
    assert "/usr/bin/su" in files, "find has looked"
    return files


@from_step_4_on
def test_the_app_can_write_neither_code_nor_dependencies_nor_configuration(subject: Subject) -> None:
    """Also where nobody makes the file system read-only."""
    writable = found(subject.built_image(), "/ -xdev -writable ! -type l")
    assert writable >= SCRATCH_DIRECTORIES, "find has looked"
    # /data is a place for a volume; compose's read-only file system takes it away where there is none.
    assert writable - SCRATCH_DIRECTORIES <= ({"/data"} if subject.path in FROM_FINAL_ON else set())


# The names of what runs in a container, one of which may end meanwhile. (`docker top` needs ps beside the engine.)
COMMANDS = "cat /proc/[0-9]*/comm 2>/dev/null; true"

# The benchmark's checks of an image's Dockerfile and configuration (4) and of a container (5), by its numbers in
# versions 1.6 and 1.7. Each says what it finds, or nothing. ``c`` is what `docker inspect` says of the container.
Check = Callable[[Subject, dict[str, Any]], object]
CIS: dict[str, Check] = {
    "4.1 a user": lambda _, c: c["Config"]["User"].partition(":")[0] in ("", "0", "root"),
    "4.6 HEALTHCHECK": lambda _, c: not c["Config"].get("Healthcheck"),
    "4.7 no update alone": lambda s, _: [
        line for line in s.parsed.instructions if "apt-get update" in line and "apt-get install" not in line
    ],
    "4.8 setuid": lambda s, _: setuid_files(s.built_image()) - setuid_files(s.base),
    "4.9 no ADD": lambda s, _: [line for line in s.parsed.instructions if line.startswith("ADD ")],
    "4.10 no secrets": lambda s, _: [
        line for line in s.parsed.instructions if line.startswith(("ARG ", "ENV ")) and SECRET.search(line)
    ],
    "5.2 AppArmor": lambda _, c: c["AppArmorProfile"] == "unconfined",
    "5.3 SELinux": lambda _, c: "label=disable" in options(c),
    "5.4 capabilities": lambda _, c: c["HostConfig"]["CapAdd"] or "ALL" not in (c["HostConfig"]["CapDrop"] or ()),
    "5.5 privileged": lambda _, c: c["HostConfig"]["Privileged"],
    "5.6 host's directories": lambda _, c: [m["Source"] for m in c["Mounts"] if m["Type"] == "bind"],
    "5.7 sshd": lambda s, _: "sshd" in str(docker.execute(s.shared_container().container, ["sh", "-c", COMMANDS])),
    "5.8 privileged ports": lambda _, c: [port for port in c["Config"]["ExposedPorts"] or () if int(port[:-4]) < 1024],
    "5.9 needed ports": lambda s, c: set(c["NetworkSettings"]["Ports"]) - {f"{s.port}/tcp"},
    "5.10 host's network": lambda _, c: c["HostConfig"]["NetworkMode"] == "host",
    "5.11 memory": lambda _, c: not c["HostConfig"]["Memory"],
    "5.12 CPU": lambda _, c: not (c["HostConfig"]["CpuShares"] or c["HostConfig"]["NanoCpus"]),
    "5.13 read-only": lambda _, c: not c["HostConfig"]["ReadonlyRootfs"],
    "5.14 one interface": lambda _, c: [
        b["HostIp"]
        for ports in c["NetworkSettings"]["Ports"].values()
        for b in ports or ()
        if b["HostIp"] != "127.0.0.1"
    ],
    "5.15 on-failure:5": lambda _, c: c["HostConfig"]["RestartPolicy"]["Name"] not in ("no", "on-failure"),
    "5.16 host's processes": lambda _, c: c["HostConfig"]["PidMode"] == "host",
    "5.17 host's IPC": lambda _, c: c["HostConfig"]["IpcMode"] == "host",
    "5.18 devices": lambda _, c: c["HostConfig"]["Devices"],
    "5.19 ulimits": lambda _, c: c["HostConfig"]["Ulimits"],
    "5.20 propagation": lambda _, c: [m for m in c["Mounts"] if "shared" in m.get("Propagation", "")],
    "5.21 host's UTS": lambda _, c: c["HostConfig"]["UTSMode"] == "host",
    "5.22 seccomp": lambda _, c: "seccomp=unconfined" in options(c),
    "5.26 no new privileges": lambda _, c: "no-new-privileges:true" not in options(c),
    "5.27 health at run time": lambda _, c: not c["State"].get("Health"),
    "5.29 processes": lambda _, c: (c["HostConfig"]["PidsLimit"] or 0) <= 0,
    "5.30 docker0": lambda _, c: "bridge" in c["NetworkSettings"]["Networks"],
    "5.31 user namespaces": lambda _, c: c["HostConfig"]["UsernsMode"] == "host",
    "5.32 Docker's socket": lambda _, c: [m for m in c["Mounts"] if "docker.sock" in m.get("Source", "")],
}
# What they find, and why it is so. Limits and a read-only file system are final's lesson.
BEFORE_FINAL = {
    "5.4 capabilities": "Docker's default set, of which a user who is not root has none; final drops it",
    "5.11 memory": "final sets a limit",
    "5.12 CPU": "final sets a limit",
    "5.13 read-only": "final does",
    "5.26 no new privileges": "final does",
    "5.29 processes": "final sets a limit",
}
FINALS = {
    "5.15 on-failure:5": "unless-stopped: a container that was killed for its memory has to come back a sixth time"
}


def options(container: dict[str, Any]) -> list[str]:
    return container["HostConfig"]["SecurityOpt"] or []


def findings(subject: Subject) -> set[str]:
    """What the benchmark finds in a folder, as compose starts it."""
    container = inspect(subject.shared_container().container.id)
    return {name for name, check in CIS.items() if check(subject, container)}


@from_step_4_on
def test_cis_benchmark_finds_what_is_known(subject: Subject) -> None:
    known = FINALS if subject.path in FROM_FINAL_ON else BEFORE_FINAL
    assert findings(subject) == known.keys()


@pytest.mark.parametrize("subject", [pytest.param(STEP_3, id=STEP_3.name)])
def test_one_step_earlier_there_is_more_to_find(subject: Subject) -> None:
    more = findings(subject) - BEFORE_FINAL.keys()
    assert more >= {"4.1 a user", "4.6 HEALTHCHECK", "5.14 one interface", "5.27 health at run time"}
    writable = found(subject.built_image(), "/app /usr/local/bin -writable")
    assert len(writable) > 10


# Where people keep secrets, in the folder or in a home directory that is a project's.
PLANTED = [
    ".env", ".env.production", ".git/config", ".netrc", "hello/.env", "pip.conf", ".config/pip/pip.conf", ".pypirc",
]  # fmt: skip
DESCRIPTION = "configuration, history, label or provenance"
# The instruction that installs, as final's article gives it a secret.
INSTALLS = "    --mount=type=bind,source=requirements.txt,target=requirements.txt \\\n"
WITH_NETRC = "    --mount=type=secret,id=netrc,target=/root/.netrc \\\n"


def describes(image: str) -> str:
    """What `docker save` says about an image besides its layers: configuration, history, labels, attestations."""
    with saved(image) as archive:
        small = (archive.extractfile(file) for file in archive if file.isfile() and file.size < 2**20)
        return "\n".join(stream.read().decode(errors="replace") for stream in small if stream)


def leaks(subject: Subject, canary: str, *options: str) -> set[str]:
    """Build a copy of final that is full of secrets; where the image has one: files, or what describes it."""
    write_files(subject.path, dict.fromkeys(PLANTED, f"https://reader:{canary}@index.example.org/simple\n"))
    secret = subject.path.parent / "netrc"
    secret.write_text(f"machine index.example.org login reader password {canary}\n")
    change(subject.path / "Dockerfile", INSTALLS, WITH_NETRC + INSTALLS)
    # The instruction sees the secret, and is not in the cache.
    change(subject.path / "Dockerfile", "    uv venv ", f"    grep -q {canary[:8]} ~/.netrc && uv venv ")
    name = f"{subject.image_name}-with-secrets"
    command = ["docker", "buildx", "build", "--quiet", f"--tag={name}", f"--secret=id=netrc,src={secret}"]
    command.append(f"--build-arg=TOKEN={canary}")  # a Dockerfile that does not take it does not get it
    with one_build_at_a_time():
        subprocess.run([*command, *options, str(subject.path)], check=True, capture_output=True)
    subject.take_image(name)
    files = find_in_layers(subject, lambda _, file: canary.encode() in file.read())
    return files | ({DESCRIPTION} if canary in describes(subject.built_image()) else set())


def test_no_secret_is_in_any_layer_history_label_or_provenance() -> None:
    with FINAL.copied("with secrets") as copy:
        assert leaks(copy, secrets.token_hex()) == set()


def test_a_full_provenance_names_the_values_of_all_build_arguments() -> None:
    """Also of those that no Dockerfile takes, as extra 5's article says."""
    if "containerd" not in str(docker.system.info().driver_status):
        pytest.skip("the classic image store holds no attestations")
    with FINAL.copied("with secrets in its provenance") as copy:
        found = leaks(copy, secrets.token_hex(), "--provenance=mode=max")
        assert found == {DESCRIPTION}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("file", "old", "new", "where"),
    [
        (".dockerignore", "**/.env\n", "", "app/hello/.env"),
        (".dockerignore", "**/pip.conf\n", "", "app/.config/pip/pip.conf"),
        ("Dockerfile", "uv venv /venv &&", "uv venv /venv && cp ~/.netrc /venv/ &&", "venv/.netrc"),
        ("Dockerfile", "\nUSER 10001:10001\n", "\nARG TOKEN\nRUN true\nUSER 10001:10001\n", "configuration"),
        ("Dockerfile", "\nFROM production\n", "\nFROM production\nARG TOKEN\nLABEL token=$TOKEN\n", "configuration"),
    ],
)
def test_a_secret_that_leaks_is_seen(file: str, old: str, new: str, where: str) -> None:
    with FINAL.copied("that leaks") as copy:
        change(copy.path / file, old, new)
        assert [name for name in leaks(copy, secrets.token_hex()) if name.startswith(where)]
