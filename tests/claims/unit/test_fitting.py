"""What several shipped files say fits together, as they and the articles promise: limits, times, addresses, policies.

Each of these files works by itself. What it promises beside the others, no container here shows: there is no cluster,
and a limit that is twice as high is as good as any.
"""

import ipaddress
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from library import manifests
from library.markdown import blocks
from library.repository import files
from library.tutorial import ROOT, Folder, load
from tools.blocks import commands

WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
STEP_4, STEP_5, FINAL, EXTRA_4, EXTRA_6, EXTRA_7 = (
    ROOT / name
    for name in (
        "step-4-nontrivial", "step-5-larger", "final", "extra-4-developing", "extra-6-deploying", "extra-7-platforms",
    )
)  # fmt: skip


def model(file: Path) -> dict[str, Any]:
    """A compose or stack file, with the defaults in the place of its variables."""
    text = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", re.sub(r"!reset \S+", "null", file.read_text()))
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def healthcheck(folder: Path) -> dict[str, int]:
    """The options of a Dockerfile's health check, in seconds."""
    [line] = re.findall(r"^HEALTHCHECK (.*) \\$", (folder / "Dockerfile").read_text(), re.MULTILINE)
    return {name: int(number) for name, number in re.findall(r"--([\w-]+)=(\d+)", line)}


def gunicorn(folder: Path, name: str) -> int:
    """The default of a variable that gunicorn.conf.py reads."""
    [default] = re.findall(rf'"{name}"\) or (\d+)', (folder / "gunicorn.conf.py").read_text())
    return int(default)


APP = model(FINAL / "compose.yaml")["services"]["web"]
STACK, TLS = (model(EXTRA_6 / name) for name in ("stack.yaml", "compose.tls.yaml"))
WEB, PROXY = (STACK["services"][name] for name in ("web", "proxy"))
MIGRATE = model(EXTRA_6 / "stack.migrate.yaml")["services"]["migrate"]
CADDYFILE, PAGE_6, PAGE_7 = (
    file.read_text() for file in (EXTRA_6 / "Caddyfile", EXTRA_6 / "README.md", EXTRA_7 / "README.md")
)
KUBERNETES = {
    manifest["kind"]: manifest
    for file in (EXTRA_7 / "kubernetes").glob("*.yaml")
    for manifest in [yaml.safe_load(file.read_text())]
}
DEPLOYMENT, JOB, ROUTE = (KUBERNETES[kind]["spec"] for kind in ("Deployment", "Job", "HTTPRoute"))
POD, MIGRATION = (spec["template"]["spec"] for spec in (DEPLOYMENT, JOB))
[CONTAINER] = POD["containers"]
PAUSE = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
VENDORS = {name: (EXTRA_7 / name).read_text() for name in ("cloudrun.yaml", "fly.toml", "containerapp.yaml")}
CLOUD_RUN = manifests.cloud_run(EXTRA_7 / "cloudrun.yaml")
FLY = manifests.fly(EXTRA_7 / "fly.toml")
AZURE = manifests.azure(EXTRA_7 / "containerapp.yaml")
Limits = tuple[float, float, int | None]  # bytes, CPUs, and how many processes


def of_compose(service: dict[str, Any]) -> Limits:
    return bytes_of(service["mem_limit"]), float(service["cpus"]), service["pids_limit"]


def of_stack(service: dict[str, Any]) -> Limits:
    limits = service["deploy"]["resources"]["limits"]
    return bytes_of(limits["memory"]), float(limits["cpus"]), limits["pids"]


def of_pod(pod: dict[str, Any]) -> Limits:
    limits = pod["containers"][0]["resources"]["limits"]
    return manifests.quantity(limits["memory"]), manifests.quantity(limits["cpu"]), 256  # the cluster's own


def seconds(time: str) -> int:
    """Docker's way to say a time: 90s, 1m."""
    [[number, unit]] = re.findall(r"^(\d+)([sm])$", time)
    return int(number) * {"s": 1, "m": 60}[unit]


def bytes_of(size: str) -> float:
    """Docker counts in 1024s, and writes m and M."""
    return manifests.quantity(size[:-1] + size[-1].upper() + "i")


def test_stack_and_manifests_have_the_limits_of_compose() -> None:
    assert [of_stack(WEB), of_stack(MIGRATE), of_pod(POD), of_pod(MIGRATION)] == [of_compose(APP)] * 4


def test_tmp_has_the_same_size_everywhere() -> None:
    size = bytes_of(APP["tmpfs"].partition("size=")[2])
    for service in (WEB, MIGRATE):
        [volume] = service["volumes"]
        assert (volume["target"], volume["tmpfs"]["size"]) == ("/tmp", size)  # noqa: S108
    for pod in (POD, MIGRATION):
        assert [manifests.quantity(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"]] == [size]


def test_swarm_watches_an_update_for_longer_than_the_health_check_needs_to_notice_that_a_container_hangs() -> None:
    """Otherwise it is `completed` by then, and the broken version is replaced for ever, and not rolled back.

    The time counts from when a container is healthy (swarmkit's manager/orchestrator/update/updater.go).
    """
    interval, timeout = (seconds(WEB["healthcheck"][name]) for name in ("interval", "timeout"))
    assert seconds(WEB["deploy"]["update_config"]["monitor"]) > healthcheck(EXTRA_6)["retries"] * (interval + timeout)


def test_a_rollback_is_as_careful_as_an_update() -> None:
    """Otherwise, it would stop a version that was healthy at first before the old one answers."""
    for name in ("order", "parallelism"):
        assert WEB["deploy"]["rollback_config"][name] == WEB["deploy"]["update_config"][name]


def test_a_migration_may_and_finds_what_the_app_does() -> None:
    """Its secret, too: with another owner, the app's user could not read it, and hello's migration reads none."""
    for name in ("image", "init", "read_only", "cap_drop", "secrets"):
        assert WEB[name] == MIGRATE[name]


def test_the_proxy_knows_each_container_and_the_containers_believe_it() -> None:
    """`dynamic a` looks up addresses: with another mode, the name has one for all. No visitor comes past the proxy."""
    [kept] = re.findall(r"keepalive (\d+)s", CADDYFILE)
    assert int(kept) < gunicorn(EXTRA_6, "KEEP_ALIVE")
    assert STACK["networks"]["default"]["driver_opts"] == {"encrypted": "true"}, "plain HTTP from machine to machine"
    assert "dynamic a web 8000" in CADDYFILE
    assert WEB["deploy"]["endpoint_mode"] == "dnsrr"
    assert "ports" not in WEB
    assert WEB["environment"]["FORWARDED_ALLOW_IPS"] == "*"


def test_the_proxy_of_a_swarm_stays_where_the_pages_command_puts_it() -> None:
    """Elsewhere, its volume has no certificates, and the DNS names the old machine."""
    [label, value] = re.findall(r"--label-add (\w+)=(\w+)", PAGE_6)[0]
    assert PROXY["deploy"]["placement"]["constraints"] == [f"node.labels.{label} == {value}"]


def test_the_proxys_address_is_one_that_nobody_else_gets() -> None:
    """Neither a container of this network, nor a network to which Docker gives one of its own choice.

    Those are in https://github.com/moby/moby/blob/v26.1.5/libnetwork/ipamutils/utils.go.
    """
    [config] = TLS["networks"]["edge"]["ipam"]["config"]
    network, others = (ipaddress.IPv4Network(config[name]) for name in ("subnet", "ip_range"))
    proxy = ipaddress.IPv4Address(TLS["services"]["proxy"]["networks"]["edge"]["ipv4_address"])
    assert proxy in network
    assert proxy not in others
    assert others.subnet_of(network)
    dockers = ("172.17.0.0/16", "172.18.0.0/15", "172.20.0.0/14", "172.24.0.0/13", "192.168.0.0/16")
    assert not any(network.overlaps(ipaddress.IPv4Network(pool)) for pool in dockers)


def test_the_proxy_is_the_same_with_a_swarm_and_without() -> None:
    """Version, limits, what it may, what it can write to, and what it publishes, but HTTP/3.

    A second protocol of a port takes the first one's place in the mode `host`: https://github.com/moby/moby/issues/43429
    """
    one, many = TLS["services"]["proxy"], PROXY
    assert of_stack(many) == of_compose(one)
    for name in ("image", "read_only", "cap_drop", "cap_add"):
        assert one[name] == many[name]
    assert one["environment"].keys() == many["environment"].keys()
    certificates, in_memory = many["volumes"]
    assert one["tmpfs"] == f"{in_memory['target']}:size={in_memory['tmpfs']['size'] // 2**20}m"
    assert certificates == "certificates:/data"
    assert certificates in one["volumes"]
    assert {port["mode"] for port in many["ports"]} == {"host"}, "the mesh hides the visitors' addresses"
    published = [re.search(r":(\d+)(?:/(\w+))?$", port) for port in one["ports"]]
    assert [int(port[1]) for port in published if port and port[2] != "udp"] == [p["target"] for p in many["ports"]]


def test_the_settings_of_a_stack_do_not_stay_in_the_readers_shell() -> None:
    """SITE=:80 would take HTTPS away from compose.tls.yaml later, without a word."""
    shown = [command.command for command in commands(PAGE_6)]
    shown += [line.removeprefix("# ") for file in EXTRA_6.glob("stack*.yaml") for line in file.read_text().splitlines()]
    settings = [command for command in shown if "set -a" in command]
    assert len(settings) >= 4
    assert [command for command in settings if not re.fullmatch(r"\(set -a; .*\)", command)] == []


def test_extra_6_says_which_of_its_files_to_copy() -> None:
    section = PAGE_6.partition("\n## In your project\n")[2].partition("\n## ")[0]
    extra_6, final = ({str(file) for file in files(folder)} for folder in (EXTRA_6, FINAL))
    assert (own := extra_6 - final)
    assert own == {name for name in own if f"`{name}`" in section}


def test_a_machine_has_as_much_left_for_a_container_of_a_stack_as_for_a_pod() -> None:
    reserved, requested = WEB["deploy"]["resources"]["reservations"], CONTAINER["resources"]["requests"]
    assert bytes_of(reserved["memory"]) == manifests.quantity(requested["memory"])


def test_a_stack_offers_no_secret_as_a_variable() -> None:
    """`docker service inspect` shows it to everybody who may ask; the page says that a secret is a file."""
    for name in ("stack.yaml", "stack.migrate.yaml"):
        assert not re.search("PASSWORD|_URL|SECRET_KEY|TOKEN", (EXTRA_6 / name).read_text())


def test_swarm_replaces_after_as_many_failures_as_its_comment_says() -> None:
    assert healthcheck(EXTRA_6)["retries"] == 3
    assert "retries" not in WEB["healthcheck"]


def test_a_pod_has_five_seconds_more_than_its_pause_and_gunicorns_patience() -> None:
    assert POD["terminationGracePeriodSeconds"] == PAUSE + gunicorn(EXTRA_7, "GRACEFUL_TIMEOUT") + 5


def test_an_app_may_take_a_minute_to_import_on_every_platform_and_a_rollout_waits_for_longer() -> None:
    """Otherwise a pod gets ready after its rollout has been reported as failed."""
    platforms = (manifests.kubernetes([KUBERNETES["Deployment"]]), CLOUD_RUN, AZURE)
    startups = [probe for platform in platforms for probe in platform.probes if probe.kind == "startup"]
    assert [probe.patience for probe in startups] == [60, 60, 60]
    assert DEPLOYMENT["progressDeadlineSeconds"] > 60


def test_the_way_in_is_https_alone() -> None:
    """Without the name of a listener, a route belongs to all of its Gateway's, that for plain HTTP among them."""
    gateway = {"name": "gateway", "namespace": "gateway", "sectionName": "https"}  # as the page says
    assert ROUTE["parentRefs"] == [gateway]


def test_every_platform_lets_visitors_in_and_says_for_which_processor_its_image_is() -> None:
    cloud_run, azure = (yaml.safe_load(VENDORS[name]) for name in ("cloudrun.yaml", "containerapp.yaml"))
    # https://docs.cloud.google.com/run/docs/authenticating/public: otherwise, a visitor gets 403.
    assert cloud_run["metadata"]["annotations"]["run.googleapis.com/invoker-iam-disabled"] == "true"
    assert azure["properties"]["configuration"]["ingress"]["external"] is True
    assert [name for name, text in VENDORS.items() if "It has to be for amd64" not in text] == []


def test_the_pods_that_are_to_be_on_different_machines_are_these() -> None:
    [spread] = POD["topologySpreadConstraints"]
    assert spread["labelSelector"] == DEPLOYMENT["selector"]
    assert (spread["topologyKey"], spread["maxSkew"]) == ("kubernetes.io/hostname", 1), "two on one machine"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway", "on one machine, the second pod would wait for ever"


def test_on_cloud_run_the_number_of_workers_does_not_depend_on_what_the_machine_shows() -> None:
    """Its first generation, gVisor, has cgroup 1 or none (google/gvisor#13007)."""
    assert CLOUD_RUN.environment["WORKERS"] == "1"


def test_a_rollout_takes_no_old_pod_before_a_new_one_is_ready() -> None:
    assert DEPLOYMENT["strategy"].get("type", "RollingUpdate") == "RollingUpdate"
    assert DEPLOYMENT["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in DEPLOYMENT, "each rollout would undo what the autoscaler has done"


def test_when_a_machine_is_emptied_one_pod_may_be_away_and_a_broken_one_stops_nothing() -> None:
    budget = KUBERNETES["PodDisruptionBudget"]["spec"]
    assert budget["maxUnavailable"] == 1, "minAvailable would let all others go at once"
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"] == DEPLOYMENT["selector"], "a migration is none of these pods"


def test_a_migration_that_failed_is_not_tried_again() -> None:
    assert (JOB["backoffLimit"], MIGRATION["restartPolicy"]) == (0, "Never")
    swarm = MIGRATE["deploy"]
    assert (swarm["mode"], swarm["restart_policy"]) == ("replicated-job", {"condition": "none"})


def test_the_cluster_enforces_its_strictest_standard() -> None:
    labels = KUBERNETES["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "warn and audit admit the pod"


def test_the_network_policy_is_about_the_web_pods_and_names_who_comes_in() -> None:
    policy = KUBERNETES["NetworkPolicy"]["spec"]
    assert policy["podSelector"] == DEPLOYMENT["selector"], "the migration has to reach its database"
    assert policy["policyTypes"] == ["Ingress", "Egress"], "a direction that is not named is open"
    [rule], [gateway] = policy["ingress"], ROUTE["parentRefs"]
    named = {"matchLabels": {"kubernetes.io/metadata.name": gateway["namespace"]}}
    assert rule["from"] == [{"namespaceSelector": named}], "{} stands for every namespace"
    # The page: it lets the app ask name servers alone, which answer over TCP where an answer is long.
    assert policy["egress"] == [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]


def test_what_was_seen_on_the_cluster_is_what_these_probes_do() -> None:
    """The last failure comes so many periods after the first one, and the cluster acts soon after."""
    for name, acts in (("readinessProbe", "no requests"), ("livenessProbe", "the container starts anew")):
        probe = CONTAINER[name]
        period, last = probe["periodSeconds"], (probe["failureThreshold"] - 1) * probe["periodSeconds"]
        [*seen] = map(int, re.findall(rf"{acts} after (\d+) s", PAGE_7))
        assert seen
        assert all(last + probe["timeoutSeconds"] <= after <= last + 3 * period for after in seen)


@pytest.mark.parametrize("pod", [POD, MIGRATION], ids=["app", "migration"])
def test_a_pod_is_closed_as_the_page_and_its_comments_say(pod: dict[str, Any]) -> None:
    """*restricted* asks for none of this, and the pods run without it, too."""
    [container] = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod.get("automountServiceAccountToken") is False
    assert pod.get("enableServiceLinks") is False
    assert container["imagePullPolicy"] == "IfNotPresent", "no registry has what `kind load` brings"


def test_the_commands_of_the_page_name_what_the_manifests_have() -> None:
    """No cluster runs them here; a selector that matches nothing applies nothing, and reports no error."""
    typed = "\n".join(blocks(PAGE_7, "Try it", "console"))
    [(label, value)] = re.findall(r"--selector (\S+)=(\S+)", typed)
    labels = {kind: manifest.get("metadata", {}).get("labels", {}) for kind, manifest in KUBERNETES.items()}
    assert [kind for kind in labels if labels[kind].get(label) == value] == ["Job"]
    kinds = {"job": "Job", "deployment": "Deployment", "service": "Service"}
    named = re.findall(r"\b(job|deployment|service)[/ ](\w+)", typed)
    assert {kind for kind, _ in named} == kinds.keys()
    assert set(re.findall(r"--namespace (\w+)", typed)) == {KUBERNETES["Namespace"]["metadata"]["name"]}
    for kind, name in named:
        assert KUBERNETES[kinds[kind]]["metadata"]["name"] == name
    [kustomization] = yaml.safe_load((EXTRA_7 / "kubernetes/kustomization.yaml").read_text())["images"]
    assert set(re.findall(r"\bhello:(\S+)", typed)) == {kustomization["newTag"]}
    [forwarded] = re.findall(r"service/hello \d+:(\d+)", typed)
    assert [int(forwarded)] == [port["port"] for port in KUBERNETES["Service"]["spec"]["ports"]]
    [patience] = re.findall(r"--for condition=complete --timeout (\d+)s", typed)
    assert int(patience) >= JOB["activeDeadlineSeconds"], "the Job goes on, and nobody looks"


def test_each_vendors_file_starts_what_the_reference_pushes_from_where_it_may_pull() -> None:
    page = (ROOT / "reference-platforms/README.md").read_text()
    images = [image for text in VENDORS.values() for image in re.findall(r"(\S+)@sha256:DIGEST", text)]
    assert images == re.findall(r"docker push (\S+):1$", page, re.MULTILINE)
    regions = re.findall(r"--region (\S+)", VENDORS["cloudrun.yaml"] + page)
    assert {images[0].partition("-docker.pkg.dev/")[0]} == set(regions)
    assert images[1].endswith(f"/{tomllib.loads(VENDORS['fly.toml'])['app']}")
    azure = yaml.safe_load(VENDORS["containerapp.yaml"])
    [registry] = azure["properties"]["configuration"]["registries"]
    assert images[2].startswith(f"{registry['server']}/")
    assert [registry["identity"]] == list(azure["identity"]["userAssignedIdentities"])


# Where an article promises that only this machine reaches what is published: since step 4.
LOCAL = [folder for folder in load() if "local-only" in folder.holds]


@pytest.mark.parametrize("folder", LOCAL, ids=lambda folder: folder.name)
def test_every_file_publishes_on_this_machine_alone_unless_somebody_says_otherwise(folder: Folder) -> None:
    """Swarm publishes on all addresses: that file is for servers."""
    published = [
        (file, str(port))
        for file in files(folder.path)
        if re.search(r"compose[\w.]*\.yaml$", str(file))
        for service in (model(folder.path / file)["services"] or {}).values()
        for port in service.get("ports") or ()
    ]
    assert published
    assert [each for each in published if not each[1].startswith("127.0.0.1:")] == []


def test_what_is_mounted_to_write_and_test_with_cannot_be_changed_from_inside() -> None:
    """Extra 4: what production forbids, `dev` forbids, too, a place to write to for example."""
    services = model(EXTRA_4 / "compose.yaml")["services"]
    assert "--reload-delay" not in services["dev"]["command"], "it looks four times a second, says the page"
    mounts = [mount for name in ("dev", "test") for mount in services[name]["volumes"]]
    assert [mount for mount in mounts if not mount.endswith(":ro")] == []


def test_an_editor_finds_the_packages_where_the_image_has_them() -> None:
    settings = (EXTRA_4 / ".devcontainer/devcontainer.json").read_text()
    [environment] = re.findall(r"VIRTUAL_ENV=(\S+)", (EXTRA_4 / "Dockerfile").read_text())
    assert re.findall(r'"python.defaultInterpreterPath": "(\S+)"', settings) == [f"{environment}/bin/python"]


OF_FINAL = [folder for folder in load() if folder.name == "final" or "final" in folder.builds_on]


def with_database() -> dict[str, Any]:
    """The services of final's compose file with the reference's database, in the places that the page names."""
    section = (ROOT / "reference-final/README.md").read_text().partition("\n## A database\n")[2].partition("\n## ")[0]
    app, database = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    text = (FINAL / "compose.yaml").read_text().replace("  # environment:\n", f"{app}  # environment:\n")
    services: dict[str, Any] = yaml.safe_load(text.replace("\n# volumes: { data: }\n", f"\n{database}"))["services"]
    return services


LOGGING = [EXTRA_6 / name for name in ("stack.yaml", "stack.migrate.yaml", "compose.tls.yaml")]
LOGGING += [folder.path / "compose.yaml" for folder in OF_FINAL]


@pytest.mark.parametrize("file", LOGGING, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_no_log_grows_until_the_disk_is_full(file: Path) -> None:
    """Docker's default keeps all; `bounded` sees what the engine makes of it, for the app alone."""
    services = model(file)["services"] | {"db": with_database()["db"]}
    if file.name == "compose.tls.yaml":
        del services["web"]  # what it adds to compose.yaml, where its log is bounded
    assert [name for name, service in services.items() if service.get("logging") != {"driver": "local"}] == []


def test_the_database_comes_back_as_the_app_does_and_has_the_time_that_its_image_asks_for() -> None:
    """After a reboot `depends_on` starts nothing: an app without its database is healthy, and every page an error."""
    services = with_database()
    [database] = (services[name] for name in services["web"]["depends_on"])
    assert database["restart"] == services["web"]["restart"] == "unless-stopped"
    assert database["mem_limit"], "it takes the app's memory"
    # https://github.com/docker-library/postgres/blob/master/17/trixie/Dockerfile, above its last line
    assert database["stop_grace_period"] == "90s"


@pytest.mark.parametrize("folder", OF_FINAL, ids=lambda folder: folder.name)
def test_the_tests_get_none_of_the_apps_variables(folder: Folder) -> None:
    """Once these are no comment any more, its tests would empty the app's database."""
    text = (folder.path / "compose.yaml").read_text()
    with_variables = re.sub(r"^  # (environment:|  \w+: )", r"  \1", text, flags=re.MULTILINE)
    services = yaml.safe_load(with_variables)["services"]
    assert services["web"]["environment"]["DATABASE_URL"]
    assert "environment" not in services["test"]


def test_the_database_is_the_one_that_step_5_explains() -> None:
    """Its image, where that keeps the data, and how it says that it is ready."""
    one, other = with_database()["db"], model(STEP_5 / "compose.yaml")["services"]["db"]
    assert one["image"] == other["image"]
    assert one["volumes"] == other["volumes"]
    command = " ".join(other["healthcheck"]["test"][1:]).replace("=guestbook", "=postgres")
    assert one["healthcheck"] == {**other["healthcheck"], "test": command}


def test_the_guestbook_waits_for_its_database_within_the_start_period_of_its_health_check() -> None:
    """Otherwise, it could be unhealthy before it says why it ends."""
    command = (STEP_5 / "src/guestbook/management/commands/prepare_database.py").read_text()
    [wait] = re.findall(r'"DATABASE_WAIT", "(\d+)"', command)
    assert int(wait) < healthcheck(STEP_5)["start-period"]


@pytest.mark.parametrize("folder", OF_FINAL, ids=lambda folder: folder.name)
def test_labels_that_nobody_sets_are_empty(folder: Folder) -> None:
    """What created and source have to be, the OCI says, and that they may be empty: no word fits."""
    labels = model(folder.path / "compose.yaml")["services"]["web"]["build"]["labels"]
    assert len(labels) == 3
    assert set(labels.values()) == {None}, "a word in the place of a time and an address"


def test_without_a_variable_certificates_come_from_lets_encrypt_and_not_from_its_staging() -> None:
    assert "acme_ca {$ACME_CA:https://acme-v02.api.letsencrypt.org/directory}\n" in CADDYFILE


OWN_SETTINGS = [folder.path for folder in load() if folder.name[:6] in ("step-1", "step-2", "step-3", "step-4")]
OWN_SETTINGS += [ROOT / "extra-2-caching", ROOT / "extra-3-precommit"]


@pytest.mark.parametrize("folder", OWN_SETTINGS, ids=lambda path: path.name)
def test_gunicorn_starts_one_worker_that_answers_several_and_keeps_its_own_times(folder: Path) -> None:
    """Step 1 says how many, and that WEB_CONCURRENCY is heard; step 4, when gunicorn replaces a worker."""
    settings = runpy.run_path(str(folder / "gunicorn.conf.py"))
    assert settings["threads"] > 1
    assert not {"workers", "worker_class", "timeout", "graceful_timeout"} & settings.keys()


def test_step_1_pins_what_it_names() -> None:
    assert re.fullmatch(r"(\w+==[\d.]+\n){2}", (ROOT / "step-1-kiss/requirements.txt").read_text())


def hooks(folder: Path) -> dict[str, dict[str, Any]]:
    config = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())
    return {hook["id"]: hook for repository in config["repos"] for hook in repository["hooks"]}


# Which files a hook compares or reads: a commit that changes one of them alone has to start it.
CONCERNS = {
    "poetry-check": ("pyproject.toml", "poetry.lock"),
    "poetry-export": ("pyproject.toml", "poetry.lock"),
    "pyproject-schema": ("pyproject.toml",),
    "compose-schema": ("compose.yaml",),
    "hadolint": ("Dockerfile",),
}
WITH_HOOKS = [folder.path for folder in load() if (folder.path / ".pre-commit-config.yaml").exists()]


@pytest.mark.parametrize("folder", WITH_HOOKS, ids=lambda path: path.name)
def test_a_hook_starts_when_one_of_its_files_is_changed_and_can_fail(folder: Path) -> None:
    for name, hook in hooks(folder).items():
        written = re.findall(r"(?:-o|--output) (\S+?)'?(?= |$)", hook["entry"])
        assert bool(written) == (name == "poetry-export")
        for file in (*CONCERNS[name], *written):
            assert (folder / file).exists()
            assert re.search(hook["files"], file), f"{name} does not notice a change of {file}"
        assert not re.search(r"--no-fail|\|\| ", hook["entry"]), f"{name} never fails"


@pytest.mark.parametrize("folder", WITH_HOOKS, ids=lambda path: path.name)
def test_hadolint_refuses_a_mistake_and_final_also_where_a_comment_allows_it(folder: Path, tmp_path: Path) -> None:
    tool, *options = hooks(folder)["hadolint"]["entry"].split()
    for comment, refused in (("", True), ("# hadolint ignore=DL3007\n", folder.name != "extra-3-precommit")):
        (tmp_path / "Dockerfile").write_text(f"{comment}FROM python:latest\n")
        command = [Path(sys.executable).with_name(tool), *options, "Dockerfile"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert bool(done.returncode) == refused, done.stdout


def test_finals_health_check_is_the_one_that_step_4_explains() -> None:
    assert healthcheck(FINAL) == healthcheck(STEP_4)


def said_of_times() -> list[tuple[str, str]]:
    """Pages, and what they have to say in these words as long as the files have these values."""
    check, swarm, deploy = healthcheck(STEP_4), WEB["healthcheck"], WEB["deploy"]
    retries, start = WORDS[check["retries"]], WORDS[check["start-period"]]
    every = "" if check["start-interval"] == 1 else f"{check['start-interval']} "
    more, room = WORDS[deploy["update_config"]["parallelism"]], deploy["resources"]["reservations"]["memory"]
    scale = KUBERNETES["HorizontalPodAutoscaler"]["spec"]
    patience, requests = CLOUD_RUN.environment["GRACEFUL_TIMEOUT"], gunicorn(FINAL, "GRACEFUL_TIMEOUT")
    grace = APP["stop_grace_period"].removesuffix("s")
    kept = [each.environment["KEEP_ALIVE"] for each in (CLOUD_RUN, FLY, AZURE)]
    step_4, extra_6, extra_7 = (f"{path.name}/README.md" for path in (STEP_4, EXTRA_6, EXTRA_7))
    reference = "reference-final/README.md"
    return [
        (step_4, f"Every {check['interval']} seconds Docker runs it, for at most {check['timeout']} seconds."),
        (step_4, f"{retries.capitalize()} failures in a row make"),
        (step_4, f"first {start} seconds, until the app answers, it asks every {every}second"),
        ("step-5-larger/README.md", f"start period of {healthcheck(STEP_5)['start-period']} seconds"),
        (extra_6, f"needs room for {more} more containers ({room.removesuffix('M')} MB each)"),
        (extra_6, f"asks every {healthcheck(FINAL)['interval']} seconds"),
        (extra_6, f"This one asks every {swarm['interval'].removesuffix('s')}."),
        (reference, f"raise `--timeout={healthcheck(FINAL)['timeout']}s` of `HEALTHCHECK` in the Dockerfile"),
        (reference, f"(../extra-6-deploying/README.md) sets {swarm['timeout'].removesuffix('s')} seconds"),
        (extra_7, f"includes the pause of {PAUSE}, and {requests} for gunicorn's requests"),
        (extra_7, f"({WORDS[scale['minReplicas']]} to {WORDS[scale['maxReplicas']]} pods"),
        (extra_7, f"`GRACEFUL_TIMEOUT: {patience}` | `{FLY.stop_signal}`, `{FLY.grace:.0f}s` | `{AZURE.grace}` |"),
        (extra_7, f"requests get {WORDS[int(patience)]} seconds to end"),
        (extra_7, f"`KEEP_ALIVE: {kept[0]}` | `{kept[1]}` | `{kept[2]}` |"),
        (extra_7, f"the file says {DEPLOYMENT['progressDeadlineSeconds']}"),
        ("final/README.md", f"{grace} here, because requests get {requests} seconds to end"),
    ]


def test_pages_say_the_times_of_the_files() -> None:
    """A page that says them in other words since needs these words here."""
    pages = {page: " ".join((ROOT / page).read_text().split()) for page, _ in said_of_times()}
    assert [(page, said) for page, said in said_of_times() if said not in pages[page]] == []
