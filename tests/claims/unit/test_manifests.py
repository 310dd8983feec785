"""What the library says of manifests, and that each schema in tests/schemas refuses what is none."""

import copy
import json
import tomllib
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml

from library import manifests
from library.manifests import Manifest
from library.tutorial import ROOT

FOLDER = ROOT / "extra-7-platforms"
FILES = sorted((FOLDER / manifests.FOLDER).glob("*.yaml"))
PLAIN = [yaml.safe_load(file.read_text()) for file in FILES if file.name != "kustomization.yaml"]
DEPLOYMENT = next(manifests.of_kind(PLAIN, "Deployment"))
SCHEMAS = {
    "cloudrun.yaml": "cloudrun.json",
    "fly.toml": "fly.json",
    "containerapp.yaml": "containerapp.json",
    "kubernetes/httproute.yaml": "httproute.json",
}


def test_the_kustomization_names_every_manifest() -> None:
    kustomization = yaml.safe_load((FOLDER / "kubernetes/kustomization.yaml").read_text())
    assert {*kustomization["resources"], "kustomization.yaml"} == {file.name for file in FILES}


def test_podman_is_told_the_same_port_and_path_and_publishes_on_this_machine_alone() -> None:
    [change] = yaml.safe_load((FOLDER / "podman/kustomization.yaml").read_text())["patches"]
    [changed] = yaml.safe_load(change["patch"])["spec"]["template"]["spec"]["containers"]
    [container] = DEPLOYMENT["spec"]["template"]["spec"]["containers"]
    assert changed["name"] == container["name"]
    [port] = container["ports"]
    assert changed["ports"] == [{"containerPort": port["containerPort"], "hostPort": 8000, "hostIP": "127.0.0.1"}]
    for probe in ("startupProbe", "livenessProbe"):
        asked = f'//127.0.0.1:{port["containerPort"]}{container[probe]["httpGet"]["path"]}"'
        assert asked in changed[probe]["exec"]["command"][-1]


@pytest.mark.parametrize(
    ("value", "number"), [("512Mi", 2**29), ("1Gi", 2**30), ("250m", 0.25), ("1", 1), (0.5, 0.5), ("512mb", 2**29)]
)
def test_quantity(value: str | float, number: float) -> None:
    assert manifests.quantity(value) == number


@pytest.mark.parametrize("value", ["", "Mi", "1 Gi", "12xy"])
def test_no_quantity(value: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        manifests.quantity(value)


@pytest.mark.parametrize(
    ("probe", "seconds"),
    [
        ({"periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": 60}, 180),
        ({"periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 4}, 40),
        ({}, 30),
    ],
)
def test_a_probe_is_asked_again_when_the_last_one_has_been_given_up(probe: Manifest, seconds: float) -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    container["startupProbe"] = {"httpGet": {"path": "/health", "port": "http"}, **probe}
    assert manifests.kubernetes([deployment]).probes[0].patience == seconds


Change = Callable[[Manifest, Manifest], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pod, _: pod.update(hostNetwork=True), "hostNetwork"),
        (lambda pod, _: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "volume hostPath"),
        (lambda pod, _: pod["securityContext"].update(runAsNonRoot=False), "web: not runAsNonRoot"),
        (lambda pod, _: pod["securityContext"].update(runAsUser=0), "web: runAsUser 0"),
        (lambda pod, _: pod["securityContext"].pop("seccompProfile"), "web: no seccomp profile"),
        (lambda pod, _: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax"}]), "sysctl kernel.msgmax"),
        (lambda _, web: web["securityContext"].update(privileged=True), "web: privileged"),
        (lambda _, web: web["securityContext"].pop("allowPrivilegeEscalation"), "web: allowPrivilegeEscalation"),
        (lambda _, web: web["securityContext"].pop("capabilities"), "web: capabilities are not dropped"),
        (lambda _, web: web["securityContext"]["capabilities"].update(add=["KILL"]), "web: a capability is added"),
        (lambda _, web: web["securityContext"].update(runAsNonRoot=False), "web: not runAsNonRoot"),
        (lambda _, web: web["ports"][0].update(hostPort=80), "web: a hostPort"),
        (lambda _, web: web["livenessProbe"]["httpGet"].update(host="10.0.0.1"), "web: a probe of another host"),
    ],
)
def test_what_restricted_forbids(change: Change, message: str) -> None:
    pod = copy.deepcopy(DEPLOYMENT["spec"]["template"]["spec"])
    assert manifests.not_restricted(pod) == []
    change(pod, pod["containers"][0])
    assert manifests.not_restricted(pod) == [message]


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("Service", lambda spec: spec["selector"].update(app="x"), "Service hello: its selector matches no pod"),
        (
            "Service",
            lambda spec: spec["selector"].update({"app.kubernetes.io/component": "migrate"}),
            "would go to Job",
        ),
        ("Service", lambda spec: spec["ports"][0].update(targetPort="web"), "Service: no pod has a port web"),
        ("Service", lambda spec: spec["ports"][0].update(port=81), "HTTPRoute: no Service hello has a port 80"),
        ("NetworkPolicy", lambda spec: spec["ingress"][0]["ports"][0].update(port=80), "no pod has a port 80"),
        ("PodDisruptionBudget", lambda spec: spec["selector"].update(matchLabels={"a": "b"}), "matches no pod"),
        ("HorizontalPodAutoscaler", lambda spec: spec["scaleTargetRef"].update(name="x"), "there is no Deployment x"),
    ],
)
def test_loose_ends(kind: str, change: Callable[[Manifest], object], message: str) -> None:
    copies = copy.deepcopy(PLAIN)
    assert manifests.loose_ends(copies) == []
    change(next(manifests.of_kind(copies, kind))["spec"])
    assert message in "; ".join(manifests.loose_ends(copies))


def _read(file: str) -> tuple[Any, Any]:
    """A file of the folder, and its vendor's schema."""
    text = (FOLDER / file).read_text()
    content = tomllib.loads(text) if file.endswith(".toml") else yaml.safe_load(text)
    return content, json.loads((ROOT / "tests/schemas" / SCHEMAS[file]).read_text())


def _mistyped(content: Any) -> list[Any]:
    """Copies of a value, in each of which one name has a letter more, at any depth; free names are left alone."""
    if isinstance(content, list):
        return [[*content[:i], new, *content[i + 1 :]] for i, value in enumerate(content) for new in _mistyped(value)]
    if not isinstance(content, dict):
        return []
    renamed = [{(f"{key}x" if key == wrong else key): value for key, value in content.items()} for wrong in content]
    return renamed + [
        {**content, key: new}
        for key, value in content.items()
        if key not in ("annotations", "env", "limits", "metadata", "userAssignedIdentities")
        for new in _mistyped(value)
    ]


@pytest.mark.parametrize("file", SCHEMAS)
def test_the_vendors_schema_accepts_the_file_and_no_mistyped_one(file: str) -> None:
    content, schema = _read(file)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(content)
    wrong = _mistyped(content)
    assert len(wrong) > 5
    assert [copy for copy in wrong if validator.is_valid(copy)] == []


def test_azure_fails_at_most_ten_times() -> None:
    content, schema = _read("containerapp.yaml")
    content["properties"]["template"]["containers"][0]["probes"][0]["failureThreshold"] = 11
    with pytest.raises(jsonschema.ValidationError, match="maximum of 10"):
        jsonschema.validate(content, schema)
