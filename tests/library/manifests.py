"""What the files of container platforms say of an app, and what Kubernetes' *restricted* standard says of pods."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .engine import NotAsked, last_line, locked
from .tutorial import ROOT

Manifest = dict[str, Any]

FOLDER = "kubernetes"  # in a project; there is a kustomization.yaml in it
# Kustomize in kubectl before 1.21, which anybody's may be, is too old.
KUBECTL = ROOT / ".venv-kubernetes/bin/kubectl"
# What Azure and Kubernetes, and Fly.io, call memory; Kubernetes counts CPUs in thousandths, too.
UNITS = {"": 1, "m": 1e-3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "mb": 2**20, "gb": 2**30}


@cache
def kubectl() -> str:
    """The path of kubectl: the tests' own, which is installed when it is first needed; else anybody's."""
    with locked("kubectl"):
        make = subprocess.run(["make", ".venv-kubernetes/ready"], cwd=ROOT, capture_output=True, text=True, check=False)
    if make.returncode == 0:
        return str(KUBECTL)
    if anybodys := shutil.which("kubectl"):
        return anybodys
    raise NotAsked(f"kubectl renders the manifests, and cannot be installed: {last_line(make.stderr)}")


def rendered(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization, as `kubectl apply` would send them."""
    command = [kubectl(), "kustomize", str(folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def of_kind(manifests: list[Manifest], *kinds: str) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


def pod_templates(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """The template of each pod that the manifests ask for, and what asks for it."""
    for manifest in manifests:
        if template := (manifest.get("spec") or {}).get("template"):
            yield f"{manifest['kind']} {manifest['metadata']['name']}", template


def quantity(value: str | float) -> float:
    """How many bytes, or CPUs, a value such as 512Mi, 250m or "512mb" stands for."""
    match = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(value))
    if not match or match[2] not in UNITS:
        raise ValueError(f"{value!r} is no quantity")
    return float(match[1]) * UNITS[match[2]]


@dataclass(frozen=True)
class Probe:
    """A question that a platform asks an app."""

    kind: str  # startup, readiness, liveness, or check, which restarts nothing
    path: str | None  # of an HTTP request; None if it only connects
    port: int
    patience: float  # seconds of failures after which the platform acts


@dataclass(frozen=True)
class Contract:
    """How a platform runs the image, as a file says."""

    file: str  # the one that says it, in the project
    port: int  # where it sends requests
    environment: Mapping[str, str]  # what the file sets, and what the platform itself sets for it
    probes: tuple[Probe, ...]  # what it asks
    grace: float  # seconds from the signal until what still runs is killed
    memory: float  # bytes that the container may use
    cpus: float  # that the container may use
    stop_signal: str = "SIGTERM"  # with which a stop begins
    memory_expected: float = 0  # bytes that it is said to need
    user: str | None = None  # "uid:gid", where the file says one
    writable: tuple[str, ...] = ()  # directories that can be written to; nothing else can be relied on
    pause: float = 0  # seconds before the signal, in which the container goes on
    # Seconds for which the proxy in front keeps an idle connection, here Envoy:
    # https://www.envoyproxy.io/docs/envoy/v1.39.0/faq/configuration/timeouts
    idle: float = 3600

    def service(self, context: Path) -> dict[str, Any]:
        """A compose service that runs an app as the platform would, and forbids it more: what final does."""
        return {
            "build": {"context": str(context)},
            "environment": dict(self.environment),
            "read_only": True,
            "tmpfs": list(self.writable),
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            **({"user": self.user} if self.user else {}),
            "mem_limit": int(self.memory),
            "cpus": self.cpus,
            "ports": [f"127.0.0.1::{self.port}"],
            "stop_signal": self.stop_signal,
            "stop_grace_period": f"{self.grace:.0f}s",
        }


def kubernetes(manifests: list[Manifest]) -> Contract:
    """What a Deployment's one container is run like.

    Raises:
        KeyError, ValueError: it does not say something that belongs here.
    """
    [deployment] = of_kind(manifests, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    security = pod["securityContext"] | container["securityContext"]
    in_memory = {volume["name"] for volume in pod.get("volumes", ()) if "emptyDir" in volume}
    before_stop = container.get("lifecycle", {}).get("preStop", {})
    command = before_stop.get("exec", {}).get("command", ())
    # Kubernetes' own sleep, or the command of that name.
    pause = float(command[1] if command[:1] == ["sleep"] else before_stop.get("sleep", {}).get("seconds", 0))
    limits = container["resources"]["limits"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    return Contract(
        f"{FOLDER}/deployment.yaml",
        next(iter(ports.values())),
        _environment(container),
        tuple(_probes(container, ports)),
        pod.get("terminationGracePeriodSeconds", 30) - pause,
        quantity(limits["memory"]),
        quantity(limits["cpu"]),
        memory_expected=quantity(container["resources"]["requests"]["memory"]),
        user=f"{security['runAsUser']}:{security['runAsGroup']}",
        writable=tuple(mount["mountPath"] for mount in container.get("volumeMounts", ()) if mount["name"] in in_memory),
        pause=pause,
    )


def _environment(container: Manifest) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container.get("env", ()) if "value" in entry}


def _probes(container: Manifest, ports: Mapping[str, int], default: int = 0) -> Iterator[Probe]:
    """The probes of a container, whose ports have names; ``default`` is asked where none is said."""
    for kind in ("startup", "readiness", "liveness"):
        if probe := container.get(f"{kind}Probe"):
            yield _probe(kind, probe, ports, default)


def _probe(kind: str, probe: Manifest, ports: Mapping[str, int], default: int = 0) -> Probe:
    where = probe.get("httpGet") or probe.get("tcpSocket") or {}
    port = where.get("port", default)
    # One after the other: an app that is being imported answers none, and each takes all of its time.
    each = max(probe.get("periodSeconds", 10), probe.get("timeoutSeconds", 1))
    return Probe(kind, where.get("path"), ports.get(port, port), each * probe.get("failureThreshold", 3))


def cloud_run(file: Path) -> Contract:
    """What a Cloud Run service says. It injects PORT, and gives ten seconds."""
    container = yaml.safe_load(file.read_text())["spec"]["template"]["spec"]["containers"][0]
    port = container["ports"][0]["containerPort"]
    limits = container["resources"]["limits"]
    return Contract(
        file.name,
        port,
        {**_environment(container), "PORT": str(port)},
        tuple(_probes(container, {}, port)),
        10,
        quantity(limits["memory"]),
        quantity(limits["cpu"]),
        idle=600,  # https://cloud.google.com/load-balancing/docs/https#timeouts_and_retries
    )


def fly(file: Path) -> Contract:
    """What a fly.toml says. Where it does not say how it stops, that is SIGINT and five seconds."""
    settings = tomllib.loads(file.read_text())
    service, [machine] = settings["http_service"], settings["vm"]
    port = service["internal_port"]
    return Contract(
        file.name,
        port,
        settings.get("env", {}),
        tuple(Probe("check", check["path"], port, 0) for check in service["checks"]),
        float(str(settings.get("kill_timeout", 5)).removesuffix("s")),
        quantity(machine["memory"]),
        machine["cpus"],
        settings.get("kill_signal", "SIGINT"),
    )


def azure(file: Path) -> Contract:
    """What an Azure Container App says."""
    properties = yaml.safe_load(file.read_text())["properties"]
    template = properties["template"]
    [container] = template["containers"]
    return Contract(
        file.name,
        properties["configuration"]["ingress"]["targetPort"],
        _environment(container),
        tuple(_probe(probe["type"].lower(), probe, {}) for probe in container["probes"]),
        template.get("terminationGracePeriodSeconds", 30),
        quantity(container["resources"]["memory"]),
        container["resources"]["cpu"],
        idle=240,  # https://learn.microsoft.com/en-us/azure/container-apps/premium-ingress
    )


def loose_ends(manifests: list[Manifest]) -> list[str]:
    """Where a manifest names something that no other one has: a port, a name, a label."""
    loose = []
    templates = dict(pod_templates(manifests))
    ports = {
        what: {name for c in template["spec"]["containers"] for p in c.get("ports", ()) for name in p.values()}
        for what, template in templates.items()
    }
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    services = of_kind(manifests, "Service")
    served = {(service["metadata"]["name"], port["port"]) for service in services for port in service["spec"]["ports"]}
    for manifest in manifests:
        kind, spec = manifest["kind"], manifest.get("spec") or {}
        asked = []
        selector = spec.get("podSelector") or spec.get("selector") or {}
        wanted = selector.get("matchLabels", selector).items()
        pods = [what for what, pod in templates.items() if selector and wanted <= pod["metadata"]["labels"].items()]
        if selector and not pods:
            loose.append(f"{kind} {manifest['metadata']['name']}: its selector matches no pod")
        if kind == "Service":
            if wrong := [pod for pod in pods if not pod.startswith("Deployment")]:
                loose.append(f"Service: requests would go to {wrong[0]}")
            asked = [port.get("targetPort", port["port"]) for port in spec["ports"]]
        elif kind == "NetworkPolicy":
            asked = [port["port"] for rule in spec.get("ingress", ()) for port in rule.get("ports", ())]
        loose += [f"{kind}: no pod has a port {port}" for port in asked if not any(port in ports[p] for p in pods)]
        if (target := spec.get("scaleTargetRef")) and (target["kind"], target["name"]) not in names:
            loose.append(f"{kind}: there is no {target['kind']} {target['name']}")
        for rule in spec.get("rules", ()):
            for backend in rule.get("backendRefs", ()):
                if (backend["name"], backend["port"]) not in served:
                    loose.append(f"{kind}: no Service {backend['name']} has a port {backend['port']}")
    return loose


# https://kubernetes.io/docs/concepts/security/pod-security-standards/, in its order: Baseline, then Restricted.
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image",
}  # fmt: skip
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def not_restricted(pod: Manifest) -> list[str]:
    """What the *restricted* Pod Security Standard forbids in a pod's ``spec``, for Linux: empty if nothing."""
    forbidden = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    whole = pod.get("securityContext", {})
    forbidden += [f"sysctl {s['name']}" for s in whole.get("sysctls", ()) if s["name"] not in SYSCTLS]
    for volume in pod.get("volumes", ()):
        forbidden += [f"volume {kind}" for kind in volume.keys() - {"name"} - VOLUMES]
    containers = [c for key in ("initContainers", "containers", "ephemeralContainers") for c in pod.get(key, ())]
    for container in containers:
        own = container.get("securityContext", {})
        forbidden += [f"{container['name']}: {what}" for what in _forbidden(container, own, {**whole, **own})]
    return forbidden


def _forbidden(container: Manifest, own: Manifest, effective: Manifest) -> Iterator[str]:
    """What is forbidden in a container: by its own security context, or by that and the pod's together."""
    capabilities = own.get("capabilities", {})
    selinux, seccomp = effective.get("seLinuxOptions", {}), effective.get("seccompProfile", {})
    asks = [container.get(key) for key in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle")]
    rules = {
        "hostProcess": effective.get("windowsOptions", {}).get("hostProcess"),
        "privileged": own.get("privileged"),
        "a hostPort": any(port.get("hostPort") for port in container.get("ports", ())),
        "a probe of another host": '"host":' in json.dumps(asks),
        "AppArmor is off": effective.get("appArmorProfile", {}).get("type") == "Unconfined",
        "an SELinux type": selinux.get("type", "") not in SELINUX or selinux.get("user") or selinux.get("role"),
        "a procMount": own.get("procMount", "Default") != "Default",
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
        "not runAsNonRoot": effective.get("runAsNonRoot") is not True,
        "runAsUser 0": effective.get("runAsUser") == 0,
        "no seccomp profile": seccomp.get("type") not in ("RuntimeDefault", "Localhost"),
        "capabilities are not dropped": "ALL" not in capabilities.get("drop", ()),
        "a capability is added": set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"},
    }
    return (what for what, forbidden in rules.items() if forbidden)
