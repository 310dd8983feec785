"""What engines do in swarm mode, which extra 6 tells its readers: new privileges, and names that are forgotten."""

import json

import pytest

from library import runner
from library.engine import wait_until
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("extra-6-deploying"), pytest.mark.thorough, pytest.mark.xdist_group("swarm engines")]
BASE = Subject("extra-6-deploying", ROOT / "extra-6-deploying").parsed.base_image


@pytest.mark.parametrize(("daemon", "privileges"), [((), "0"), (("--no-new-privileges",), "1")])
def test_an_engine_takes_new_privileges_from_the_containers_of_stacks(daemon: tuple[str, ...], privileges: str) -> None:
    service = {"image": BASE, "command": "sleep 600", "security_opt": ["no-new-privileges:true"]}
    with runner.container(["dockerd", *daemon], privileged=True) as name:
        machine = runner.Runner(name)
        assert wait_until(lambda: not machine.run("docker", "version").returncode, limit=60)
        machine.load([BASE])
        machine.run("docker", "swarm", "init", "--advertise-addr=127.0.0.1")
        text = json.dumps({"services": {"web": service}})
        machine.run("sh", "-c", f"echo '{text}' | docker stack deploy --resolve-image=never --compose-file=- shop")
        look = "docker exec $(docker ps --quiet --filter name=shop_web) grep NoNewPrivs /proc/1/status"
        assert wait_until(lambda: not machine.run("sh", "-c", look).returncode, limit=60)
        assert machine.run("sh", "-c", look).stdout.split() == ["NoNewPrivs:", privileges]


def test_an_engine_that_leaves_a_swarm_forgets_names_until_the_next_start() -> None:
    with runner.started([BASE]) as machine:

        def done(*command: str) -> bool:
            return not machine.run("docker", *command).returncode

        assert done("network", "create", "shop")
        for name in ("asking", "asked"):
            assert done("run", "--detach", f"--name={name}", "--network=shop", BASE, "sleep", "600")
        look = ("exec", "asking", "getent", "hosts", "asked")
        assert done(*look)
        assert done("swarm", "init", "--advertise-addr=127.0.0.1")
        assert done("swarm", "leave", "--force")
        assert not done(*look)
        assert done("restart", "-t", "0", "asked")
        assert done(*look)
