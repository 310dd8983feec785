FROM python:3.14-trixie AS base
RUN python -m compileall -q -j 0 /usr/local/lib/python3.14


FROM base AS uv
RUN pip install uv==0.13.8
# Bytecode as in the other Dockerfile. Copies instead of hard links: the cache mount is a file system of its own.
# This image's Python, never a downloaded one.
ENV UV_PROJECT_ENVIRONMENT=/venv \
    UV_COMPILE_BYTECODE=1 \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=0
WORKDIR /app


# Only here because this folder's one lock file is Poetry's. A project managed by uv commits its uv.lock, drops this
# stage, and mounts the file below with `source=uv.lock`.
FROM uv AS lock
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=/root/.cache/uv python - <<'END'
import pathlib, re, subprocess, sys, tomllib

pyproject, lock = pathlib.Path("pyproject.toml"), pathlib.Path("poetry.lock").read_text()
project = pyproject.read_text()
pins = [f"{package['name']}=={package['version']}" for package in tomllib.loads(lock)["package"]]
# The first run finds the versions under these constraints, the second one keeps them without.
for constraints in f"\n[tool.uv]\nconstraint-dependencies = {pins}\n", "":
    pyproject.write_text(project + constraints)
    subprocess.run(["uv", "lock"], check=True)
# What the index offers now must be what Poetry locked then.
hashes = re.findall("sha256:[0-9a-f]{64}", pathlib.Path("uv.lock").read_text())
if unknown := [hash for hash in hashes if hash not in lock]:
    sys.exit(f"hashes that do not match those of poetry.lock: {unknown}")
END


FROM uv AS build
RUN --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,from=lock,source=/app/uv.lock,target=uv.lock \
    --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-editable


FROM base
ENV PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PATH=/venv/bin:$PATH
RUN useradd --uid 10001 app
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode checked-hash .

USER 10001

HEALTHCHECK --interval=30s --timeout=3s --start-period=10s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os; \
        c = http.client.HTTPConnection('127.0.0.1', os.environ.get('PORT') or 8000); \
        c.request('GET', '/health'); exit(c.getresponse().status >= 500)"]

CMD ["gunicorn", "hello.main:app"]
