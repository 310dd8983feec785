"""What is in an image: its layers, its files, its size."""

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from .engine import SCRATCH, docker, run_to_its_end
from .program import PYTHON, Program
from .subject import Subject

T = TypeVar("T")


def find_in_layers(
    subject: Subject, wanted: Callable[[str, IO[bytes]], object], known: Collection[str] = ()
) -> set[str]:
    """The names of the files in any layer of the image that are wanted by name or content.

    Nobody looks at the layers of the base image, and of those that are ``known``. Where there are no others, nothing is
    unpacked: a full image takes the engine ten seconds of a CPU to save.
    """
    file_names = set()
    layers = layers_of(subject.built_image())
    aside = {layer for image in (subject.base, *known) for layer in layers_of(image)}
    if aside.issuperset(layers):
        return set()
    digests = {layer.partition(":")[2] for layer in aside}
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        layer_files = Path(folder)
        with saved(subject.built_image()) as archive:
            for file in archive:
                # A full base image is a gigabyte: it never reaches the disk. (containerd's image store calls layers by
                # the digest of their compressed form; there, all of them are written.)
                if Path(file.name).name not in digests:
                    archive.extract(file, folder, filter="data")
        names = json.loads((layer_files / "manifest.json").read_text())[0]["Layers"]
        for layer in (name for layer, name in zip(layers, names, strict=True) if layer not in aside):
            with tarfile.open(layer_files / layer) as files:
                for file in files:
                    # ".wh." marks a file of an earlier layer as removed.
                    if "/.wh." in file.name:
                        continue
                    if file.isfile() and (stream := files.extractfile(file)) and wanted(file.name, stream):
                        file_names.add(file.name)
    return file_names


def layers_of(image: str) -> list[str]:
    """The digests of an image's unpacked layers, which both of Docker's image stores call the same."""
    return docker.image.inspect(image).root_fs.layers or []


def wasted(subject: Subject) -> float:
    """Millions of bytes that a later layer brings again, of those above the base image."""
    seen, again = dict[str, int](), 0

    def count(name: str, stream: IO[bytes]) -> None:
        nonlocal again
        size = stream.seek(0, os.SEEK_END)
        again += size if name in seen else 0
        seen[name] = size

    find_in_layers(subject, count)
    return again / 1e6


def run(image: str, program: Program[T], *arguments: Any, interpreter: str = PYTHON[0], **options: Any) -> T:
    """What a program returns that runs in a new container of an image, with options as `docker run` has them."""
    return program.ask(
        lambda command: run_to_its_end(image, *command[1:], entrypoint=interpreter, **options).stdout, *arguments
    )


@contextmanager
def saved(image: str) -> Iterator[tarfile.TarFile]:
    """What `docker save` writes, as it comes through a pipe: one file after the other."""
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
            yield archive
        # tarfile knows the end of an archive by its first bytes. Who writes the others into a pipe that has been closed
        # is ended by SIGPIPE: seen once, on a busy machine.
        for _ in saving.stdout or ():
            pass
    if saving.returncode:
        raise RuntimeError(f"docker save {image}: exit code {saving.returncode}")


def weight(image: str) -> float:
    """The size of an image's unpacked layers in millions of bytes, which both of Docker's image stores report alike."""
    return sum(map(int, history(image, "Size"))) / 1e6


def history(image: str, field: str) -> list[str]:
    """What the engine says of each instruction that an image was made by: its ``Size``, or ``CreatedBy``."""
    command = ["docker", "history", "--no-trunc", "--human=false", f"--format={{{{.{field}}}}}", image]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


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
