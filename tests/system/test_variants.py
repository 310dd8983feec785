"""A second service of a compose file, which builds the same app by another Dockerfile: extra 2's, with uv."""

import subprocess

import pytest

from library import tutorial
from library.engine import inspect
from library.subject import Subject

CASES = [
    pytest.param(folder, variant, marks=pytest.mark.about(folder.name), id=f"{folder.name}-{variant.service}")
    for folder in tutorial.load()
    for variant in folder.variants
]


@pytest.mark.parametrize(("folder", "variant"), CASES)
def test_it_runs_beside_the_first_on_a_port_of_its_own(folder: tutorial.Folder, variant: tutorial.Variant) -> None:
    first, second = (
        Subject(folder.name, folder.path),
        Subject(f"{folder.name} its second", folder.path, service=variant.service),
    )
    services = ["docker", "compose", "config", "--services"]
    started = subprocess.run(services, cwd=folder.path, capture_output=True, text=True, check=True).stdout.split()
    assert started == ["web"], "what nobody has named is started as well"
    with first.running() as web, second.running() as running:
        assert running.get().json() == web.get().json()
        [binding] = inspect(running.container.id, "NetworkSettings.Ports")[f"{running.port}/tcp"]
        assert binding["HostIp"] == "127.0.0.1"
        assert binding["HostPort"] not in ("8000", "8001"), "the environment says another one"
        assert running.python("import sys; print(sys.prefix)") == "/venv", f"not built by {variant.dockerfile}"
