"""The image has at most a quarter of the full Python image's size, and no layer repeats what another one has."""

import re

from ... import image
from ...dockerfile import OF_PYTHON
from ...engine import docker
from .. import NotAsked, Subject, Violation, practice


@practice("cost")
def check(subject: Subject) -> None:
    base = subject.parsed.base_image
    full = re.sub(r"-slim|-alpine[\d.]*", "", base)
    if not OF_PYTHON.match(base):
        raise NotAsked(f"FROM {base}: there is no full image of Python's to compare it with")
    if not docker.image.exists(full):
        raise NotAsked(f"{full} is not on this machine to compare it with: docker pull {full}")
    size, size_of_full = image.weight(subject.built_image()), image.weight(full)
    if size > size_of_full / 4:
        seen = f"{size:.0f} MB, {size / size_of_full:.0%} of the {size_of_full:.0f} MB of {full}"
        raise Violation(seen, "docker history IMAGE")
    if (twice := image.wasted(subject)) > 1:
        raise Violation(f"{twice:.0f} MB are in two layers or more", "docker history IMAGE")
