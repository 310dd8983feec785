#!/bin/sh
# Runs inside the image that python.Dockerfile made; prints the Dockerfile lines that only it can know.
set -eu
export PYTHONDONTWRITEBYTECODE=1
python3 <<'PYTHON'
import os
import platform
import urllib.request

from pip._internal.models.index import PyPI

print(f"ENV PYTHON_VERSION={platform.python_version()}")

# Poetry asks its default index for JSON. A mirror that knows only HTML, or an index elsewhere,
# needs the plugin, which is installed without dependencies: Poetry itself brings them.
index = os.environ.get("PIP_INDEX_URL", "").rstrip("/")
json_type = "application/vnd.pypi.simple.v1+json"
request = urllib.request.Request(f"{index or PyPI.simple_url}/pip/", headers={"Accept": json_type})
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        needed = bool(index) or answer.headers.get_content_type() != json_type
except OSError:
    needed = False  # no index answers, which leaves nothing to install from
if needed:
    print(f"ENV POETRY_PYPI_MIRROR_URL={index or PyPI.simple_url}/")
    print(
        "RUN PYTHONDONTWRITEBYTECODE=1 pip install --quiet --no-cache-dir --no-compile --no-deps"
        " --disable-pip-version-check --root-user-action=ignore poetry-plugin-pypi-mirror"
    )
PYTHON
