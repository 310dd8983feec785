import json

from ...manifests import Contract
from ...subject import Subject
from .. import Violation, practice
from ..contracts import FILES, require_contracts


@practice("loss", slow=True, needs="vendors")
def fits_other_platforms(subject: Subject) -> None:
    """The files for Cloud Run, Fly.io and Azure Container Apps fit the image: port, paths, proxy, and its stop."""
    alike = dict[object, list[Contract]]()  # what starts the app in the same way
    for name, read in FILES.items():
        try:
            contract = read(subject.path / name)
        except (KeyError, ValueError) as missing:
            raise Violation(f"{name} does not say {missing}", f"cat {name}") from missing
        alike.setdefault((contract.port, json.dumps(contract.environment), contract.stop_signal), []).append(contract)
    for contracts in alike.values():
        require_contracts(subject, *contracts)
