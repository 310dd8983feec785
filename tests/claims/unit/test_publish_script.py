"""What extra 5's publish.sh does with what `docker` answers, without an engine."""

import os
import shutil
import subprocess
from pathlib import Path

from library.repository import write_files
from library.tutorial import ROOT

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


def publish(folder: Path, curl: str = "#!/bin/sh\n") -> tuple[str, list[str], Path]:
    """Run the script in a copy: what it says on standard error if it fails, docker's commands, and release.env."""
    log, project = folder / "log", folder / "project"
    shutil.copytree(ROOT / "extra-5-publishing", project)
    tools = write_files(folder / "tools", {"docker": DOCKER.format(log=log, digest=DIGEST), "curl": curl})
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(folder)}
    environment.pop("COMPOSE_PROJECT_NAME", None)
    command = ["./publish.sh", "localhost:5001/hello:1.0"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
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
    assert "Urls" not in (ROOT / "extra-5-publishing/signing-config.json").read_text()
