"""What extra 5's publish.sh does with what `docker` answers, and what its files say, without an engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from library.repository import write_files
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-5-publishing")
EXTRA_5 = ROOT / "extra-5-publishing"
DIGEST = 64 * "d"
# In the place of `docker`: notes each command, and knows one image. The app has a database, so Compose names the
# database's image, too, where somebody asks for that of `web`: runConfigImages in cmd/compose/config.go (v5.5) takes
# "selected services and dependencies".
DOCKER = """#!/bin/sh
echo "$*" >>'{log}'
case "$*" in
  "compose config --images web") printf '%s\\n' postgres:18 hello-candidate-web ;;
  "compose port web 8000") echo 127.0.0.1:1 ;;
  "push "*) echo '1.0: digest: sha256:{digest} size: 1' ;;
  *stand-in*) ;;
  *Id*" hello-candidate-web") echo sha256:web ;;
  "image inspect "*) echo "no such image: $*" >&2 && exit 1 ;;
esac
"""
# In the place of `curl`: the page is a server error, which the real one prints and takes for an answer, or does not.
SERVER_ERROR = """#!/bin/sh
case " $* " in *" --fail "*) exit 22 ;; esac
echo 'Internal Server Error'
"""


def replaced(folder: Path, **programs: str) -> dict[str, str]:
    """An environment in which these programs are in the place of others, and whatever is made for a while is there."""
    tools = write_files(folder / "tools", programs)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    (folder / "scratch").mkdir()
    return os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(folder / "scratch")}


def publish(folder: Path, curl: str = "#!/bin/sh\n") -> tuple[str, list[str], Path]:
    """Run the script in a copy: what it says on standard error if it fails, docker's commands, and release.env."""
    log, project = folder / "log", folder / "project"
    shutil.copytree(EXTRA_5, project)
    environment = replaced(folder, docker=DOCKER.format(log=log, digest=DIGEST), curl=curl)
    command = [f"{project}/publish.sh", "localhost:5001/hello:1.0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    error = f"exit code {done.returncode}: {done.stderr}" if done.returncode else ""
    return error, log.read_text().splitlines(), project / "release.env"


def test_an_app_that_depends_on_a_database_is_published(tmp_path: Path) -> None:
    error, commands, release = publish(tmp_path)
    assert not error
    assert "tag sha256:web localhost:5001/hello:1.0" in commands
    assert release.read_text() == f"REPOSITORY=localhost:5001/hello\nDIGEST={DIGEST}\n"


def test_what_starts_and_serves_an_error_is_not_pushed(tmp_path: Path) -> None:
    error, commands, release = publish(tmp_path, SERVER_ERROR)
    assert error
    assert not release.exists()
    assert not [command for command in commands if command.startswith(("tag", "push"))]


def test_the_next_candidate_starts_without_what_this_one_has_written(tmp_path: Path) -> None:
    _, commands, _ = publish(tmp_path)
    [down] = [command for command in commands if " down " in command]
    assert "--volumes" in down.split()


def test_tests_and_sbom_are_about_the_image_that_is_pushed(tmp_path: Path) -> None:
    """Not about a stage that BuildKit takes from the cache of another build, on layers that differ (seen)."""
    _, commands, _ = publish(tmp_path)
    built = [command.split() for command in commands if command.startswith("build ")]
    assert [words[words.index("--target") + 1] for words in built] == ["test", "sbom"]
    for words in built:
        assert words[words.index("--build-context") + 1] == "production=docker-image://hello-candidate-web"
    assert "--tag hello-candidate-test" in " ".join(built[0])
    assert "compose run --rm test" in commands, "what is built by compose is another image"


def test_no_signature_is_entered_in_a_public_log() -> None:
    """Where somebody names a log (`rekorTlogUrls`), cosign sends it each signature, for ever."""
    assert "Urls" not in (EXTRA_5 / "signing-config.json").read_text()


def test_a_name_without_a_tag_is_refused() -> None:
    """Its registry's port would pass for the tag, and release.env would name the registry alone."""
    done = subprocess.run([EXTRA_5 / "publish.sh", "localhost:5001/hello"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


# In the place of `docker`: notes what a build would see, and ends the script, as somebody does who has seen enough.
ENDING = """#!/bin/sh
case "$*" in
  "compose build web") { echo "$GIT_COMMIT"; ls -A; } >'%s' && kill "$PPID" ;;
  *" down "*) touch '%s' ;;
esac
"""


def test_a_script_that_is_ended_leaves_nothing_and_its_copy_has_the_commit_and_no_key(tmp_path: Path) -> None:
    """The shell that Debian calls sh ends at a signal without what it would do at the end."""
    folder, scratch, seen, cleaned = map(tmp_path.joinpath, ("project", "scratch", "seen", "cleaned"))
    shutil.copytree(EXTRA_5, folder)
    write_files(folder, {".gitignore": "cosign.key\n.env\n", "cosign.key": "", ".env": ""})
    environment = replaced(tmp_path, docker=ENDING % (seen, cleaned))
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=all"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()

    def noted() -> list[str]:
        done = subprocess.run([folder / "publish.sh", "localhost:5001/hello:1.0"], env=environment, check=False)
        assert done.returncode
        assert not list(scratch.iterdir()), "its copy is still there"
        assert cleaned.exists(), "its containers are still there"
        cleaned.unlink()
        return seen.read_text().split()

    label, *files = noted()
    assert label == commit
    assert ".env" in files, "Compose needs it"
    assert "cosign.key" not in files
    (folder / "new.py").touch()
    label, *files = noted()
    assert label == commit, "Git does not know the file"
    assert "new.py" in files
    (folder / "hello/main.py").write_text("changed")
    assert noted()[0] == f"{commit}-dirty"


def test_cosign_has_one_version_and_digest() -> None:
    texts = [(EXTRA_5 / f"compose.{name}.yaml").read_text() for name in ("publish", "release")]
    [[version, _]] = {named for text in texts for named in re.findall(r"cosign/cosign:v([\d.]+)@sha256:(\w+)", text)}
    assert f"cosign/releases/tag/v{version})" in (EXTRA_5 / "README.md").read_text()
