"""Labels of the image (OCI annotations) name the repository, the commit and the time that it was built from."""

import os
import secrets
from unittest.mock import patch

from ...engine import docker
from .. import Sabotage, Subject, Violation, practice


@practice("taste", slow=True, builds=True)
def check(subject: Subject) -> None:
    given = {
        "GIT_COMMIT": secrets.token_hex(20),
        "BUILD_TIME": "2026-11-20T12:00:00Z",
        "SOURCE": "https://example.org/x",
    }
    expected = dict(zip(("revision", "created", "source"), given.values(), strict=True))
    look = "docker inspect --format '{{.Config.Labels}}' IMAGE"
    by_hand = ("GIT_COMMIT=$(git rev-parse HEAD) docker compose build", look)

    def labels(name: str) -> dict[str, str | None]:
        all_labels = docker.image.inspect(name).config.labels or {}
        return {label: all_labels.get(f"org.opencontainers.image.{label}") for label in expected}

    if not subject.ours:  # other projects' build arguments have other names
        if not any(labels(subject.built_image()).values()):
            raise Violation("the image has none of these labels", *by_hand)
        return
    with patch.dict(os.environ, given), subject.copied("with build arguments") as copy:
        labels_of_copy = labels(copy.built_image())
    if labels_of_copy != expected:
        raise Violation(f"{labels_of_copy} instead of {expected}", *by_hand)


TURNS_RED = [Sabotage("commit not passed on", "final/compose.yaml", r" +org.*revision: .*\n", "")]
