"""Where `compose.tls.yaml` publishes to everybody, plain HTTP answers nothing but a redirect to HTTPS."""

import os
import secrets
from dataclasses import replace
from unittest.mock import patch

from ...engine import another_address
from ...subject import published
from .. import NotAsked, Sabotage, Subject, Violation, practice
from ..rolling import plain_answer

TLS = "compose.tls.yaml"
TLS_ONLY = "400"  # what a port that speaks TLS answers to plain HTTP, if anything


@practice("access", slow=True, builds=True, needs="stack")
def check(subject: Subject) -> None:
    address = another_address()
    if address is None:
        raise NotAsked("this machine has no address but loopback, so nobody can ask as another machine does")
    settings = {"ADDRESS": "0.0.0.0", "HTTP_PORT": "0", "HTTPS_PORT": "0", "EDGE": f"172.16.{secrets.randbelow(254)}"}  # noqa: S104
    by_hand = f"ADDRESS=0.0.0.0 docker compose --file compose.yaml --file {TLS} up --detach; docker compose ps"
    both = replace(subject, compose=(*subject.compose, TLS))
    with patch.dict(os.environ, settings), both.started() as running:
        project = running.project.compose
        project.up(["proxy"], detach=True, quiet=True)
        answers = {}
        for container in project.ps():
            for inside, port in {(inside, port) for inside, _, port in published(container)}:
                if inside.endswith("/tcp"):
                    name = f"port {inside.removesuffix('/tcp')} of {container.name}"
                    answers[name] = plain_answer(f"http://{address}:{port}{subject.page}")
    if "https" not in "".join(answers.values()):
        raise Violation(f"the proxy sends nobody to HTTPS: {answers}", by_hand)
    for name, answer in answers.items():
        if not answer.startswith("https://") and answer not in ("", TLS_ONLY):
            raise Violation(f"{name} answers everybody over plain HTTP: {answer}", by_hand)


TURNS_RED = [
    Sabotage(
        "a way past the proxy",
        "extra-6-deploying/compose.tls.yaml",
        r"    ports: !reset \[\]\n",
        "",
        symptom="We have a certificate, and a firewall that lets two ports through. A stranger sent us a password that"
        " he had read on its way to us.",
    )
]
