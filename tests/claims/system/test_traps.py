"""What articles warn of, or promise in passing, seen."""

import re
import secrets

import pytest

from library.edits import change
from library.engine import BuildFailed, docker, run_to_its_end
from library.image import find_in_layers
from library.subject import Subject
from library.tutorial import ROOT

STEP_4 = Subject("step-4-nontrivial", ROOT / "step-4-nontrivial")
EXTRA_2 = Subject("extra-2-caching", ROOT / "extra-2-caching")
FINAL = Subject("final", ROOT / "final")
# Run as root in a container: change the time of a package's file, then the app's message alone, and not the size or the
# time of its file. Print how often the package was compiled when it was imported, and the message.
OTHER_TIMES = """
import os, pathlib, re, subprocess, sys
import flask, hello.main
os.utime(flask.__file__, (0, 0))
python = [sys.executable, "-B"]
said = subprocess.run([*python, "-v", "-c", "import flask"], capture_output=True, text=True, check=True).stderr
print(len(re.findall("^# code object from /.*/flask/__init__.py", said, re.MULTILINE)))
main = pathlib.Path(hello.main.__file__)
before = main.stat()
main.write_text(main.read_text().replace("Hello from", "Jello from"))
os.utime(main, ns=(before.st_atime_ns, before.st_mtime_ns))
ask = "import hello.main; print(hello.main.app.test_client().get('/').json['message'])"
print(subprocess.run([*python, "-c", ask], capture_output=True, text=True, check=True).stdout)
"""


@pytest.mark.about("step-4-nontrivial")
def test_without_writing_bytecode_a_build_leaves_more_to_compile() -> None:
    """During the build runs pip, and what it imports of the standard library has bytecode from then on."""
    with STEP_4.copied("without bytecode") as copy:
        change(copy.path / "Dockerfile", "ENV ", "ENV PYTHONDONTWRITEBYTECODE=1 ")
        assert compiled_at_import(copy) > 10 * compiled_at_import(STEP_4) > 0


def compiled_at_import(subject: Subject) -> int:
    """How many modules an import of the app compiles in a new container."""
    log = run_to_its_end(subject.built_image(), "python", "-v", "-c", "import hello.main").stderr
    return len(re.findall(r"^# code object from /", log, re.MULTILINE))


@pytest.mark.about("extra-2-caching")
def test_bytecode_counts_whatever_times_the_files_have() -> None:
    """That of the packages is never compared with its source, that of the app is compared by content."""
    printed = run_to_its_end(EXTRA_2.built_image(), "python", "-B", "-c", OTHER_TIMES, user="0").stdout
    assert " ".join(printed.split()) == "0 Jello from a container"


# Run as root in a container of the image, with the numbers of its user and group: what belongs to either.
OWNED = """
import os, sys
owner, image = set(map(int, sys.argv[1:])), os.lstat("/").st_dev
for place, folders, files in os.walk("/"):
    for name in [*folders, *files]:
        status = os.lstat(path := os.path.join(place, name))
        if status.st_dev != image:
            folders[:] = [folder for folder in folders if folder != name]
        elif owner & {status.st_uid, status.st_gid}:
            print(path)
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.about(name))
        for name in (STEP_4.name, "step-5-larger", "extra-1-compiling", EXTRA_2.name, "extra-3-precommit", "final")
    ],
)
def test_the_apps_user_owns_nothing_in_the_image_but_a_place_for_its_data(name: str) -> None:
    """Who may write to a file, its owner decides: whoever takes the app over would change its code."""
    image = Subject(name, ROOT / name).built_image()
    numbers = str(docker.image.inspect(image).config.user).split(":")
    owned = run_to_its_end(image, "-B", "-c", OWNED, *numbers, entrypoint="python3", user="0").stdout.split()
    assert owned == ["/data"] * (name == "final")


# Run in a container: how Python sees whether the bytecode of a module fits (PEP 552), of the standard library, of a
# package, and of the app.
MODES = """
import json, pathlib, gunicorn, hello
for module in (json, gunicorn, hello):
    flags = pathlib.Path(module.__cached__).read_bytes()[4]
    print({0: "timestamp", 1: "unchecked-hash", 3: "checked-hash"}[flags])
"""


@pytest.mark.parametrize(
    "subject", [pytest.param(each, id=each.name, marks=pytest.mark.about(each.name)) for each in (EXTRA_2, FINAL)]
)
def test_each_kind_of_bytecode_has_the_mode_that_extra_2_names(subject: Subject) -> None:
    modes = run_to_its_end(subject.built_image(), "-B", "-c", MODES, entrypoint="python3").stdout.split()
    assert modes == ["timestamp", "unchecked-hash", "checked-hash"]


@pytest.mark.about("final")
def test_the_projects_own_code_does_not_run_while_it_is_built() -> None:
    """What it would download on the way is another thing tomorrow, and nobody looks at it."""
    with FINAL.copied("that would stop a build") as copy:
        for name in ("hello/__init__.py", "hello/main.py", "gunicorn.conf.py"):
            file = copy.path / name
            file.write_text(f"raise SystemExit('ran')  # {secrets.token_hex()}\n{file.read_text()}")
        copy.build()
        assert run_to_its_end(copy.built_image(), check=False).stderr.strip().endswith("ran"), "it does when it starts"


@pytest.mark.about("final")
def test_a_template_that_is_no_python_yet_stops_no_build() -> None:
    """Nobody imports it, and its name ends in .py: what `django-admin startproject` copies, say."""
    with FINAL.copied("with a template") as copy:
        (copy.path / "hello/template.py").write_text("from {{ package }} import {{ name }}\n")
        copy.build()
        change(copy.path / "Dockerfile", "checked-hash . ;", "checked-hash . &&")
        with pytest.raises(BuildFailed) as stopped:
            copy.build()
        assert "Error compiling './hello/template.py'" in stopped.value.output


# What a folder holds, or gets while it is published, for whoever develops, publishes and deploys; no app reads it.
FOR_OTHERS = {
    "extra-4-developing": (".devcontainer/devcontainer.json", "compose.debug.yaml"),
    "extra-5-publishing": (
        ".github/workflows/publish.yml", "compose.release.yaml", "publish.sh", "join.sh", "sign.sh", "deploy.sh",
        "signing-config.json", "release.env", "bom.json", "cosign.key", "cosign.pub",
    ),
    "extra-6-deploying": ("Caddyfile", "compose.tls.yaml", "stack.yaml", "stack.migrate.yaml", "stack.env"),
    "extra-7-platforms": (
        "cloudrun.yaml", "containerapp.yaml", "fly.toml", "kubernetes/deployment.yaml", "podman/kustomization.yaml",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "files"),
    [pytest.param(name, files, id=name, marks=pytest.mark.about(name)) for name, files in FOR_OTHERS.items()],
)
def test_what_is_for_developers_and_deployments_is_not_in_the_image(name: str, files: tuple[str, ...]) -> None:
    """A private key, say; and a file that is not sent to the builder rebuilds nothing when it changes."""
    with Subject(name, ROOT / name).copied("as it is deployed") as copy:
        for file in map(copy.path.joinpath, files):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        wanted = {f"app/{file}" for file in (*files, "gunicorn.conf.py")}
        in_image = find_in_layers(copy, lambda name, _: name in wanted)
    assert in_image == {"app/gunicorn.conf.py"}  # which says that it looks where the app is
