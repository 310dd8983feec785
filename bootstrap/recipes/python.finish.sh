#!/bin/sh
# Runs inside the image that python.Dockerfile made; prints the Dockerfile lines that only it can know.
set -eu
export PYTHONDONTWRITEBYTECODE=1
python3 <<'PYTHON'
import json
import os
import platform
import urllib.error
import urllib.request

import pip
from pip._internal.models.index import PyPI

print(f"ENV PYTHON_VERSION={platform.python_version()}")

# Poetry asks its default index for JSON, about a package and about one version of it. A mirror that knows only HTML, or
# no single version, or an index elsewhere, needs the plugin, which is installed without dependencies: Poetry itself
# brings them.
index = os.environ.get("PIP_INDEX_URL", "").rstrip("/")
needed = bool(index)
try:
    for address in f"{PyPI.simple_url}/pip/", f"{PyPI.pypi_url}/pip/{pip.__version__}/json":
        request = urllib.request.Request(address, headers={"Accept": "application/vnd.pypi.simple.v1+json, */*;q=0.1"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            json.load(answer)
except (urllib.error.HTTPError, ValueError):
    needed = True
except OSError:
    pass  # no index answers, which leaves nothing to install from
if needed:
    print(f"ENV POETRY_PYPI_MIRROR_URL={index or PyPI.simple_url}/")
    print(
        "RUN PYTHONDONTWRITEBYTECODE=1 pip install --quiet --no-cache-dir --no-compile --no-deps"
        " --disable-pip-version-check --root-user-action=ignore poetry-plugin-pypi-mirror"
    )
PYTHON
