"""What extra 5's article says besides its practices: what is not published."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from library.edits import change
from library.engine import docker, one_build_at_a_time, run_to_its_end
from library.practices.publisher import PUBLISH, RELEASE, Publisher, publisher, release
from library.repository import write_files
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-5-publishing")
FOLDER = Subject("extra-5-publishing", ROOT / "extra-5-publishing")


def candidates(ours: Publisher) -> list[str]:
    """The images that were made to be tested, and are still there."""
    project = ours.environment["COMPOSE_PROJECT_NAME"]
    return [tag for image in docker.image.list(f"{project}-candidate*") for tag in image.repo_tags]


def test_what_fails_its_tests_is_not_published() -> None:
    with publisher(FOLDER) as ours:
        (ours.copy.path / "tests/test_canary.py").write_text("def test_canary():\n    assert False\n")
        done = ours.publish("1.0")
        assert "1 failed, 13 passed" in done.stdout, done.stderr
        assert done.returncode, done.stderr
        assert not ours.tags()
        assert not candidates(ours)


# What a project with a database has: Compose names its image, too, and its data lies in a volume.
DATABASE = """
  db:
    image: {image}
    command: sleep infinity
    init: true
    volumes: ["data:/data"]
volumes: {{ data: }}
"""


def test_an_app_with_a_database_is_published_and_the_next_candidate_gets_no_data_of_this_one() -> None:
    with publisher(FOLDER) as ours:
        compose = ours.copy.path / "compose.yaml"
        change(compose, "\n  web:\n    <<: *app\n", "\n  web:\n    <<: *app\n    depends_on: [db]\n")
        compose.write_text(compose.read_text() + DATABASE.format(image=FOLDER.parsed.base_image))
        done = ours.publish("1.0")
        assert done.returncode == 0, done.stderr
        assert ours.tags() == ["1.0"]
        project = f"{ours.environment['COMPOSE_PROJECT_NAME']}-candidate"
        assert "Volume" in done.stderr
        assert docker.volume.list(filters=[("label", f"com.docker.compose.project={project}")]) == []


@pytest.mark.thorough
def test_what_passes_its_tests_and_is_healthy_and_has_no_page_is_not_published() -> None:
    with publisher(FOLDER) as ours:
        fails = '    import sys\n    assert "gunicorn" not in sys.modules\n'
        change(ours.copy.path / "hello/main.py", "async def index():\n", f"async def index():\n{fails}")
        done = ours.publish("1.0")
        assert "13 passed" in done.stdout, done.stderr
        assert done.returncode, done.stderr
        assert not ours.tags()


def test_what_is_deployed_has_the_settings_of_the_server() -> None:
    """Compose reads .env by itself only where no other file is named."""
    with publisher(FOLDER) as ours:
        (ours.copy.path / ".env").write_text("CPUS=0.5\n")
        try:
            deployed = ours.deploy(ours.image)
            assert ours.running(), deployed.stderr
            assert ours.running()[0].host_config.nano_cpus == 5e8
        finally:
            ours.end()


def test_the_sbom_is_the_same_when_it_is_made_again(tmp_path: Path) -> None:
    for name in ("one", "another"):
        options = ["--quiet", "--target=sbom", "--no-cache-filter=cyclonedx", f"--output={tmp_path / name}"]
        with one_build_at_a_time():
            subprocess.run(["docker", "build", *options, str(FOLDER.path)], check=True, capture_output=True)
    assert (tmp_path / "one/bom.json").read_text() == (tmp_path / "another/bom.json").read_text()


def test_what_has_the_key_has_no_other_privileges() -> None:
    """Neither signing nor verifying runs as root, with a capability, or, unless told, on the host's network."""
    for files, service in (([PUBLISH], "cosign"), (["compose.yaml", RELEASE], "verify")):
        subject = replace(FOLDER, compose=tuple(files))
        with patch.dict(os.environ, {"REPOSITORY": "hello", "DIGEST": 64 * "0"}):
            settings = subject.services()[service]
        assert settings["user"] == "65532"
        assert settings["network_mode"] == "bridge"
        assert settings["read_only"]
        assert settings["cap_drop"] == ["ALL"]
        assert settings["security_opt"] == ["no-new-privileges:true"]


def test_what_is_published_is_all_that_stays_and_was_made_without_history_and_environment() -> None:
    """Without .dockerignore, the image would have them if they were copied for it."""
    with publisher(FOLDER) as ours:
        (ours.copy.path / ".dockerignore").unlink()
        for name in (".git", ".venv"):
            (ours.copy.path / name).mkdir()
            (ours.copy.path / name / "large").touch()
        names = run_to_its_end(ours.image, "ls", "-A").stdout.split()
        assert "publish.sh" in names
        assert not {".git", ".venv"} & set(names)
        assert not candidates(ours)


def test_an_index_of_two_images_has_one_signature_and_its_sboms() -> None:
    """As the workflow publishes for two platforms: signature and SBOMs are those of the digest that is deployed."""
    with publisher(FOLDER) as ours:
        images = ours.published.image, ours.published.another
        for platform, image in zip(("amd64", "arm64"), images, strict=True):
            named = "".join(f"{name}={value}\n" for name, value in release(image).items())
            folder = write_files(ours.copy.path / platform, {"release.env": named})
            shutil.copy(ours.copy.path / "bom.json", folder)
        joined = ours.run("./join.sh", "2.0", "amd64", "arm64")
        assert joined.returncode == 0, joined.stderr
        index = ours.named()
        assert index not in images
        assert ours.deploy(index).returncode, "it is deployed, and nobody has signed it"
        signed = ours.run("./sign.sh", "amd64/bom.json", "arm64/bom.json")
        assert signed.returncode == 0, signed.stderr
        try:
            deployed = ours.deploy(index)
            assert ours.deployed(), deployed.stderr
        finally:
            ours.end()
        assert len(ours.sboms(index)) == 2
