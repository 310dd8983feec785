"""What extra 7's article says of a rollout, of probes and of the migration, on a real cluster.

KUBE_CONTEXT names it: any cluster whose nodes have this engine's images, or get them by the command in KUBE_LOAD, which
is called with the name of an image (``kind load docker-image``). Without it, nothing here is run. What an old cluster
does not know yet is left out, and said.

The figures of the article were printed with ``pytest -s`` on Kubernetes 1.20.2, one machine, Debian 12, 2 cores. Two
rollouts: 0 of 3,324 requests lost with the pause, 14 of 3,937 without, 13 of them refused. A broken image: noticed
after 31 s, undone after 0.3 s, 0 of 1,596 lost. Hung: not ready after 14 s, restarted after 47 s; where gunicorn
replaces the worker, not ready after 11 s and never restarted. The app that imports for 45 s was not run there yet:
before, a `sleep` stood in for it.
"""

import copy
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.load import Load
from library import manifests
from library.engine import SCRATCH, SESSION, build_recipe, docker, wait_until
from library.manifests import Manifest
from library.practices.processes import signal_from_inside
from library.subject import Subject
from library.tutorial import ROOT

FOLDER = Subject("extra-7-platforms", ROOT / "extra-7-platforms")
CONTEXT = os.environ.get("KUBE_CONTEXT")
# Read before the tests get a home directory of their own.
KUBECONFIG = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
pytestmark = [
    pytest.mark.about("extra-7-platforms"),
    pytest.mark.xdist_group("cluster"),
    pytest.mark.skipif(not CONTEXT, reason="KUBE_CONTEXT names no cluster: rollouts and probes were not tried on one"),
]
RATE = 150  # requests a second
KNOWS_SLEEP = 30  # Kubernetes 1.30: preStop.sleep is on by default

# Asks so often a second until its file says "end", over new connections and kept ones in turn; says what it counted.
# Lost is every request that was not answered with 200, and was not the second or later on a connection: a server may
# close such a one at any time (RFC 9112, 9.3.1), and clients send again.
LOAD = """
import asyncio, collections, json, sys, time
host, port, rate, file = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
count, kept = collections.Counter(), []
async def ask(keep):
    stream, reused = None, False
    try:
        async with asyncio.timeout(10):
            while keep and kept and stream is None:
                stream, reused = kept.pop(), True
                if stream[0].at_eof():
                    stream[1].close()
                    stream, reused = None, False
            stream = stream or await asyncio.open_connection(host, port)
            close = "" if keep else "Connection: close\\r\\n"
            stream[1].write(f"GET / HTTP/1.1\\r\\nHost: hello\\r\\n{close}\\r\\n".encode())
            head = (await stream[0].readuntil(b"\\r\\n\\r\\n")).lower()
            length = int(head.split(b"content-length: ")[1].split(b"\\r\\n")[0])
            await stream[0].readexactly(length)
            status = head.split()[1].decode()
            count["answered" if status == "200" else "lost: " + status] += 1
            if keep and b"connection: close" not in head:
                kept.append(stream)
                stream = None
    except Exception as error:
        count["kept connection closed" if reused else "lost: " + type(error).__name__] += 1
    finally:
        if stream:
            stream[1].close()
async def main():
    start, sent, tasks = time.monotonic(), 0, set()
    while open(file).read() != "end" and time.monotonic() - start < 600:
        while sent < (time.monotonic() - start) * rate:
            task = asyncio.create_task(ask(sent % 2))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    print(json.dumps({**count, "sent": sent}), flush=True)
open(file, "w").close()
asyncio.run(main())
"""


@dataclass(frozen=True)
class Cluster:
    """A namespace of the cluster, and the folder's manifests in it."""

    namespace: str
    image: str
    served: frozenset[str]
    minor: int = 0

    def kubectl(self, *arguments: str, check: bool = True, **options: Any) -> str:
        """What kubectl prints; it must succeed."""
        command = [manifests.kubectl(), f"--context={CONTEXT}", f"--namespace={self.namespace}", *arguments]
        done = subprocess.run(
            command, env={**os.environ, "KUBECONFIG": KUBECONFIG}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}"
        return str(done.stdout).strip()

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def manifests(self, *kinds: str) -> list[Manifest]:
        """The folder's manifests of some kinds, or all that this cluster knows, for this namespace."""
        found = manifests.rendered(FOLDER.path / manifests.FOLDER)
        for manifest in found:
            manifest["metadata"].pop("namespace", None)
            if manifest["kind"] == "Namespace":
                manifest["metadata"]["name"] = self.namespace
            if manifest["kind"] == "Deployment":
                # Where the autoscaler is left out, nobody else says it.
                manifest["spec"]["replicas"] = 2
            if manifest["kind"] == "NetworkPolicy":
                # The load comes from a pod beside the app, in the place of the Gateway's proxies.
                [rule] = manifest["spec"]["ingress"]
                rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] = self.namespace
        for _, template in manifests.pod_templates(found):
            for container in template["spec"]["containers"]:
                container["image"] = self.image
                if "lifecycle" in container and self.minor < KNOWS_SLEEP:
                    seconds = container["lifecycle"]["preStop"].pop("sleep")["seconds"]
                    container["lifecycle"]["preStop"] = {"exec": {"command": ["sleep", str(seconds)]}}
        return [m for m in found if m["apiVersion"] in self.served and (not kinds or m["kind"] in kinds)]

    def apply(self, *wanted: Manifest) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
        self.kubectl("apply", "--filename=-", input=text)

    def wait_for_rollout(self, name: str = "hello") -> None:
        self.kubectl("rollout", "status", f"deployment/{name}", "--timeout=180s")

    def load_of_two_rollouts(self) -> Load:
        """What was counted while other pods of the same image took over, twice."""
        with self.load(RATE) as load:
            for _ in range(2):
                self.kubectl("rollout", "restart", "deployment/hello")
                self.wait_for_rollout()
        return load

    def containers(self, name: str) -> list[dict[str, Any]]:
        """What is said of the containers in the pods with a label that the test has given them."""
        pods = self.get("pods", f"--selector=test={name}")["items"]
        return [status for pod in pods for status in pod["status"].get("containerStatuses", ())]

    @contextmanager
    def load(self, rate: float) -> Iterator[Load]:
        """Ask the Service so often a second, from a pod in the cluster, until the end of the block."""
        [job] = self.manifests("Job")
        pod = job["spec"]["template"]
        pod |= {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load", "labels": {"test": "load"}}}
        service = self.get("service", "hello")["spec"]
        address = [service["clusterIP"], str(service["ports"][0]["port"])]
        command = ["python", "-B", "-c", LOAD, *address, str(rate), "/tmp/load"]  # noqa: S108  in the pod
        pod["spec"]["containers"][0] |= {"command": command, "name": "load"}
        self.apply(pod)
        try:
            self.kubectl("wait", "--for=condition=Ready", "pod/load", "--timeout=60s")
            seen = Load()
            yield seen
            self.kubectl("exec", "load", "--", "sh", "-c", "printf end > /tmp/load")
            done = wait_until(lambda: self.get("pod", "load")["status"]["phase"] == "Succeeded", limit=60, pause=0.5)
            log = self.kubectl("logs", "load")
            assert done, log
            seen.counted = json.loads(log.splitlines()[-1])
            print(rate, "requests a second:", seen.counted)
        finally:
            self.kubectl("delete", "pod", "load", "--grace-period=0", "--force", check=False)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    image = f"{SESSION}-cluster:1"
    docker.image.tag(FOLDER.built_image(), image)
    bare = Cluster(SESSION, image, frozenset())
    version = json.loads(bare.kubectl("version", "--output=json"))["serverVersion"]
    minor = int("".join(filter(str.isdigit, version["minor"])))
    here = Cluster(SESSION, image, frozenset(bare.kubectl("api-versions").split()), minor)
    bring(image)
    everything = {m["apiVersion"] for m in manifests.rendered(FOLDER.path / manifests.FOLDER)}
    print("the cluster:", version["gitVersion"], "left out:", *(everything - here.served))
    here.apply(*here.manifests("Namespace"))
    try:
        yield here
    finally:
        here.kubectl("delete", "namespace", SESSION, "--timeout=180s", check=False)
        docker.image.remove(image, force=True)


def bring(image: str) -> None:
    """Give the cluster's nodes an image, where they do not share this engine's."""
    if command := os.environ.get("KUBE_LOAD"):
        subprocess.run([*command.split(), image], check=True, capture_output=True)


def changed(manifest: Manifest, change: Callable[[Manifest, Manifest], object], name: str = "") -> Manifest:
    """A copy of a Deployment or Job with a change of its pod and the one container; a name brings labels of its own."""
    new = copy.deepcopy(manifest)
    template = new["spec"]["template"]
    if name:
        new["metadata"]["name"] = name
        template["metadata"]["labels"] |= {"test": name, "app.kubernetes.io/name": name}
        if manifest["kind"] == "Deployment":
            new["spec"]["selector"]["matchLabels"] |= {"app.kubernetes.io/name": name}
            new["spec"]["replicas"] = 1
    change(template["spec"], template["spec"]["containers"][0])
    return new


@pytest.fixture(scope="module")
def deployed(cluster: Cluster) -> Cluster:
    """All of it, and the Deployment is there."""
    cluster.apply(*(manifest for manifest in cluster.manifests() if manifest["kind"] != "Job"))
    cluster.wait_for_rollout()
    return cluster


def test_the_migration_runs_before_the_rollout_and_says_when_it_fails(cluster: Cluster) -> None:
    [job] = cluster.manifests("Job")
    failing = changed(job, lambda _, container: container.update(command=["python", "-c", "exit(3)"]), "fails")
    overlay = SCRATCH / "overlay"
    shutil.copytree(FOLDER.path / manifests.FOLDER, overlay / "base")
    unknown = [m for m in manifests.rendered(overlay / "base") if m["apiVersion"] not in cluster.served]
    name, _, tag = cluster.image.rpartition(":")
    kustomization = {
        "resources": ["base"],
        "namespace": cluster.namespace,
        "images": [{"name": "hello", "newName": name, "newTag": tag}],
        "patches": [{"patch": json.dumps({**m, "$patch": "delete"}), "target": {"kind": m["kind"]}} for m in unknown],
    }
    (overlay / "kustomization.yaml").write_text(json.dumps(kustomization))
    # The article's command, with this cluster's overlay.
    selector = "--selector=app.kubernetes.io/component=migrate"
    assert cluster.kubectl("apply", f"--kustomize={overlay}", selector).endswith("job.batch/migrate created")
    cluster.apply(failing)
    cluster.kubectl("wait", "--for=condition=complete", "job/migrate", "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=failed", "job/fails", "--timeout=60s")
    assert cluster.get("job", "fails")["status"].get("failed") == 1, "it was tried again"


def test_two_rollouts_under_load_lose_nothing(deployed: Cluster) -> None:
    load = deployed.load_of_two_rollouts()
    assert load.counted["answered"] > 1500
    assert load.lost == 0, load.counted


def test_without_the_pause_requests_are_lost(deployed: Cluster) -> None:
    [deployment] = deployed.manifests("Deployment")
    deployed.apply(changed(deployment, lambda _, container: container.pop("lifecycle")))
    try:
        deployed.wait_for_rollout()
        lost = any(deployed.load_of_two_rollouts().lost for _ in range(6))
        assert lost, "twelve rollouts lost nothing: the pause is not needed here"
    finally:
        deployed.apply(deployment)
        deployed.wait_for_rollout()


def test_a_broken_image_does_not_take_over_and_is_undone(deployed: Cluster) -> None:
    broken = f"{SESSION}-cluster:broken"
    build_recipe(f'FROM {deployed.image}\nCMD ["gunicorn", "hello.gone:app"]\n', broken)
    bring(broken)
    [deployment] = deployed.manifests("Deployment")
    deployment["spec"]["progressDeadlineSeconds"] = 30
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = broken
    try:
        with deployed.load(RATE / 3) as load:
            start = time.monotonic()
            deployed.apply(deployment)
            said = deployed.kubectl("rollout", "status", "deployment/hello", "--timeout=120s", check=False)
            assert "exceeded its progress deadline" in said
            print(f"noticed after {time.monotonic() - start:.0f} s")
            assert deployed.get("deployment", "hello")["status"]["availableReplicas"] == 2
            start = time.monotonic()
            deployed.kubectl("rollout", "undo", "deployment/hello")
            deployed.wait_for_rollout()
            print(f"undone after {time.monotonic() - start:.1f} s")
        assert load.lost == 0, load.counted
        assert load.counted["answered"] > 500
    finally:
        deployed.apply(*deployed.manifests("Deployment"))
        deployed.wait_for_rollout()
        docker.image.remove(broken, force=True)


def test_an_image_of_roots_is_refused(cluster: Cluster) -> None:
    roots = f"{SESSION}-cluster:root"
    build_recipe(f"FROM {cluster.image}\nUSER 0\n", roots)
    bring(roots)
    [job] = cluster.manifests("Job")

    def as_the_image_says(pod: Manifest, container: Manifest) -> None:
        del pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
        container["image"] = roots

    cluster.apply(changed(job, as_the_image_says, "root"))

    def reason() -> str:
        return " ".join(c["state"].get("waiting", {}).get("message", "") for c in cluster.containers("root"))

    try:
        assert wait_until(lambda: "runAsNonRoot" in reason(), limit=60, pause=0.5), reason()
    finally:
        cluster.kubectl("delete", "job", "root")
        docker.image.remove(roots, force=True)


def test_the_group_is_the_manifests(cluster: Cluster) -> None:
    [job] = cluster.manifests("Job")
    show = ["python", "-c", "import os; print(os.getuid(), os.getgid())"]
    cluster.apply(changed(job, lambda _, container: container.update(command=show), "user"))
    cluster.kubectl("wait", "--for=condition=complete", "job/user", "--timeout=60s")
    assert cluster.kubectl("logs", "job/user") == "10001 10001"


def test_every_probe_does_what_it_is_there_for(cluster: Cluster) -> None:
    [deployment] = cluster.manifests("Deployment")
    importing = f"{SESSION}-cluster:importing"
    sleep = "sed --in-place '1i import time; time.sleep(45)' hello/main.py"
    build_recipe(f"FROM {cluster.image}\nUSER 0\nRUN {sleep}\nUSER 10001:10001\n", importing)
    bring(importing)

    def slow(_: Manifest, container: Manifest) -> None:
        container["image"] = importing

    def slow_without_startup(pod: Manifest, container: Manifest) -> None:
        slow(pod, container)
        del container["startupProbe"]

    def hung(_: Manifest, container: Manifest) -> None:
        # gunicorn replaces no worker, and does not wait for one that will never end.
        container["env"] = [{"name": "TIMEOUT", "value": "0"}, {"name": "GRACEFUL_TIMEOUT", "value": "1"}]

    variants = {
        "slow": slow, "slow-without-startup": slow_without_startup, "hung": hung, "hung-and-replaced": lambda *_: None,
    }  # fmt: skip
    start = dict.fromkeys(variants, time.monotonic())
    # After how many seconds each was ready, was not any more, and was started anew.
    seen: dict[str, dict[str, float]] = {name: {} for name in variants}

    def look(name: str) -> None:
        now = time.monotonic() - start[name]
        for status in cluster.containers(name):
            if status["ready"]:
                seen[name].setdefault("ready", now)
            elif "ready" in seen[name]:
                seen[name].setdefault("unready", now)
            if status["restartCount"]:
                seen[name].setdefault("restarted", now)

    try:
        cluster.apply(*(changed(deployment, change, name) for name, change in variants.items()))
        for name in ("hung", "hung-and-replaced"):
            cluster.wait_for_rollout(name)
            command = signal_from_inside.command(int(signal.SIGSTOP))
            cluster.kubectl("exec", f"deployment/{name}", "--", *command)
            start[name], seen[name]["ready"] = time.monotonic(), 0

        def done() -> bool:
            for name in variants:
                look(name)
            restarted = {name for name in variants if "restarted" in seen[name]}
            return "ready" in seen["slow"] and restarted >= {"slow-without-startup", "hung"}

        assert wait_until(done, limit=150, pause=0.5), seen
        print(seen)
        assert seen["slow"]["ready"] >= 45
        assert "restarted" not in seen["slow"], "the liveness probe did not wait for the startup probe"
        assert seen["hung"]["unready"] < seen["hung"]["restarted"], "it got requests until it was started anew"
        assert "unready" in seen["hung-and-replaced"]
        assert "restarted" not in seen["hung-and-replaced"], (
            "gunicorn replaces the worker before the liveness probe acts"
        )
    finally:
        cluster.kubectl("delete", "deployment", *variants, "--wait=false")
        docker.image.remove(importing, force=True)
