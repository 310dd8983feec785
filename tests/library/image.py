"""What is in an image: its layers, its files, its size."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from typing import IO

from .engine import SCRATCH, docker
from .subject import Subject


def find_in_layers(subject: Subject, wanted: Callable[[str, IO[bytes]], object]) -> set[str]:
    """The names of the files in any layer of the image, the base image's aside, that are wanted by name or content."""
    found = set()
    inherited = len(docker.image.inspect(subject.parsed.base_image).root_fs.layers or [])
    archive = SCRATCH / f"{subject.slug}.tar"
    docker.image.save(subject.image, output=archive)
    with tarfile.open(archive) as image:
        for name in json.load(image.extractfile("manifest.json") or io.BytesIO())[0]["Layers"][inherited:]:
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                for file in layer:
                    # ".wh." marks a file of an earlier layer as removed.
                    if "/.wh." in file.name:
                        continue
                    if file.isfile() and (stream := layer.extractfile(file)) and wanted(file.name, stream):
                        found.add(file.name)
    archive.unlink()
    return found


def weight(image: str) -> float:
    """The size of an image's unpacked layers in millions of bytes, which both of Docker's image stores report alike."""
    history = ["docker", "history", "--human=false", "--format", "{{.Size}}", image]
    return sum(map(int, subprocess.run(history, capture_output=True, text=True, check=True).stdout.split())) / 1e6


def files(image: str) -> dict[str, tuple[object, ...]]:
    """Every file of an image: kind, mode, owner, and what it holds or points to. Times are not compared."""
    container = docker.container.create(image)
    archive = SCRATCH / f"{container.id}.tar"
    try:
        container.export(archive)
        with tarfile.open(archive) as files:
            return {
                file.name: (file.type, file.mode, file.uid, file.gid, file.linkname, _digest(files, file))
                for file in files
            }
    finally:
        container.remove()
        archive.unlink(missing_ok=True)


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = archive.extractfile(member) if member.isfile() else None
    return hashlib.sha256(content.read()).hexdigest() if content else ""
