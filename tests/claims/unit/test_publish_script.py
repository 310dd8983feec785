"""What extra 5's publish.sh does with what `docker` answers, without an engine."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from library.tutorial import ROOT

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


@dataclass(frozen=True)
class Ran:
    """What came of the script: its end, each of docker's commands, and release.env."""

    code: int
    said: str
    commands: list[str]
    release: str


# In the place of `curl`: the page is a server error, which the real one prints and takes for an answer, or does not.
SERVER_ERROR = """#!/bin/sh
case " $* " in *" --fail "*) exit 22 ;; esac
echo 'Internal Server Error'
"""


def publish(folder: Path, curl: str = "#!/bin/sh\n") -> Ran:
    """Run the script in a copy of its folder."""
    tools, log, digest = folder / "tools", folder / "log", "d" * 64
    shutil.copytree(ROOT / "extra-5-publishing", project := folder / "project")
    tools.mkdir()
    (tools / "docker").write_text(DOCKER.format(log=log, digest=digest))
    (tools / "curl").write_text(curl)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(folder)}
    environment.pop("COMPOSE_PROJECT_NAME", None)
    command = ["./publish.sh", "localhost:5001/hello:1.0"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    release = project / "release.env"
    return Ran(
        done.returncode, done.stderr, log.read_text().splitlines(), release.read_text() if release.exists() else ""
    )


def test_an_app_that_depends_on_a_database_is_published(tmp_path: Path) -> None:
    ran = publish(tmp_path)
    assert ran.code == 0, ran.said
    assert "tag sha256:web localhost:5001/hello:1.0" in ran.commands
    assert ran.release == f"REPOSITORY=localhost:5001/hello\nDIGEST={'d' * 64}\n"


def test_what_starts_and_serves_an_error_is_not_pushed(tmp_path: Path) -> None:
    ran = publish(tmp_path, SERVER_ERROR)
    assert ran.code
    assert not ran.release
    assert not [command for command in ran.commands if command.startswith(("tag", "push"))]


def test_the_next_candidate_starts_without_what_this_one_has_written(tmp_path: Path) -> None:
    [down] = [command for command in publish(tmp_path).commands if " down " in command]
    assert "--volumes" in down.split()


def test_tests_and_sbom_are_about_the_image_that_is_pushed(tmp_path: Path) -> None:
    """Not about a stage that BuildKit takes from the cache of another build, on layers that differ (seen)."""
    commands = publish(tmp_path).commands
    built = [command.split() for command in commands if command.startswith("build ")]
    assert [words[words.index("--target") + 1] for words in built] == ["test", "sbom"]
    for words in built:
        assert words[words.index("--build-context") + 1] == "production=docker-image://hello-candidate-web"
    assert "--tag hello-candidate-test" in " ".join(built[0])
    assert "compose run --rm test" in commands, "what is built by compose is another image"


def test_no_signature_is_entered_in_a_public_log() -> None:
    """Where somebody names a log (`rekorTlogUrls`), cosign sends it each signature, for ever."""
    assert "Urls" not in (ROOT / "extra-5-publishing/signing-config.json").read_text()
