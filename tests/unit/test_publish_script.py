"""What extra 5's publish.sh does with what `docker` answers, without an engine."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from library.tutorial import ROOT

# In the place of `docker`: notes each command, and knows two images. The app has a database, so Compose names the
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
  *Layers*" sha256:web" | *Layers*" hello-candidate-web") echo '{web}' ;;
  *Layers*" hello-candidate-test") echo '{test}' ;;
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


def publish(folder: Path, web: str = "base app", test: str = "base app tests") -> Ran:
    """Run the script where the images `web` and `test` have these layers."""
    tools, log, digest = folder / "tools", folder / "log", "d" * 64
    shutil.copytree(ROOT / "extra-5-publishing", project := folder / "project")
    tools.mkdir()
    (tools / "docker").write_text(DOCKER.format(log=log, digest=digest, web=web, test=test))
    (tools / "curl").write_text("#!/bin/sh\n")
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


def test_the_next_candidate_starts_without_what_this_one_has_written(tmp_path: Path) -> None:
    [down] = [command for command in publish(tmp_path).commands if " down " in command]
    assert "--volumes" in down.split()


@pytest.mark.parametrize("tested", ["newer-base app tests", "base other-app tests", "base"])
def test_what_was_tested_on_other_layers_is_not_pushed(tested: str, tmp_path: Path) -> None:
    """As where the base image's tag moves, or the cache is emptied, between the two builds."""
    ran = publish(tmp_path, test=tested)
    assert ran.code == 1
    assert "not published: the tests ran on another image" in ran.said
    assert [command for command in ran.commands if command.startswith(("push", "tag"))] == []
    assert not ran.release
