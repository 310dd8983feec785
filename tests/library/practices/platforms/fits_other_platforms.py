"""The files for Cloud Run, Fly.io and Azure Container Apps fit the image: port, paths, proxy, and its stop."""

import json

from ...manifests import Contract
from .. import Sabotage, Subject, Violation, practice
from ..contracts import FILES, require_contracts


@practice("loss", slow=True, needs="vendors")
def check(subject: Subject) -> None:
    alike = dict[object, list[Contract]]()  # what starts the app in the same way
    for name, read in FILES.items():
        try:
            contract = read(subject.path / name)
        except (KeyError, ValueError) as missing:
            raise Violation(f"{name} does not say {missing}", f"cat {name}") from missing
        alike.setdefault((contract.port, json.dumps(contract.environment), contract.stop_signal), []).append(contract)
    for contracts in alike.values():
        require_contracts(subject, *contracts)


TURNS_RED = [
    Sabotage(
        "as patient as everywhere, on Cloud Run",
        "extra-7-platforms/cloudrun.yaml",
        r'value: "8"',
        'value: "30"',
        symptom="On Cloud Run, whoever waits for a large report gets an error when I deploy, and the server's log does"
        " not say that it stopped.",
    ),
    Sabotage(
        "a visitor's HTTPS believed from nobody",
        "extra-7-platforms/containerapp.yaml",
        r" +- \{ name: FORWARDED_ALLOW_IPS, value: \"\*\" \}\n",
        "",
    ),
    Sabotage("as patient as Fly.io by itself", "extra-7-platforms/fly.toml", r'kill_timeout = "40s"\n', ""),
    Sabotage("Fly.io's own signal", "extra-7-platforms/fly.toml", r'kill_signal = "SIGTERM"\n', ""),
    Sabotage("another port on Azure", "extra-7-platforms/containerapp.yaml", r"targetPort: 8000", "targetPort: 80"),
]
