"""A laptop that has Poetry and uv: an image with the versions that final's files name."""

import re
from functools import cache

from library.engine import SESSION, build_recipe
from library.tutorial import FINAL_FILES, ROOT

from . import hooks


@cache
def exporter(base: str, debian: tuple[str, ...] = (), *, poetry: bool = True) -> str:
    """The name of the image, made from this base image; its layers stay in the build cache.

    Args:
        base: the image that it is made from.
        debian: Debian's packages that it has besides: who lists a package that has no wheel may have to build it.
        poetry: whether it has Poetry, which takes ten times as long to install as uv.

    Raises:
        CalledProcessError: it cannot be built; ``stderr`` says why.
    """
    texts = "".join((ROOT / "final" / name).read_text() for name in FINAL_FILES) + hooks.of_uv()
    tools = sorted(set(re.findall(r"\b(?:poetry|poetry-plugin-export|uv)==[\d.]+", texts)))
    if not poetry:
        tools = [tool for tool in tools if not tool.startswith("poetry")]
    recipe = f"FROM {base}\nRUN pip install --root-user-action ignore {' '.join(tools)}\n"
    if debian:
        recipe += f"RUN apt-get update && apt-get install --yes --no-install-recommends {' '.join(debian)}\n"
    name = f"{SESSION}-exporter-{re.sub('[^a-z0-9]+', '-', f'{base} {len(debian)} {len(tools)}'.lower())}"
    build_recipe(recipe, name)
    return name
