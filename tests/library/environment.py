"""The environment of whoever runs the tests, without what would change their outcome."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What the folders' compose files and apps read, and settings of tools that change what they do or print.
UNWANTED = {
    "ACCESS_LOG", "APP", "BIND", "BUILD_TIME", "DATABASE_WAIT", "ENVIRONMENT", "ERROR_LOG", "FORWARDED_ALLOW_IPS",
    "GIT_COMMIT", "HOST", "LOG_FORMAT", "IMAGE", "LOG_LEVEL", "MAX_REQUESTS", "REGISTRY_PORT", "RELOAD",
    "SECRET_KEY", "SOURCE", "STEP", "THREADS", "TIMEOUT", "WEB_CONCURRENCY", "WORKERS", "WORKER_CLASS",
    "CDPATH", "GREP_COLORS", "GREP_OPTIONS", "LANGUAGE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "NO_COLOR", "FORCE_COLOR",
    "PYTEST_ADDOPTS", "SKIP", "SOURCE_DATE_EPOCH",
}  # fmt: skip
UNWANTED_PREFIXES = (
    "BUILDKIT_", "BUILDX_", "COMPOSE_", "COSIGN_", "DOCKER_", "FLASK_", "DJANGO_", "GIT_", "GUNICORN_", "LC_",
    "POETRY_", "POSTGRES_", "PYTHON",
)  # fmt: skip
# Where the engine is, and how this machine reaches its package index: without them nothing works at all.
WANTED = {
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
    "GIT_SSL_CAINFO", "POETRY_PYPI_MIRROR_URL",
}  # fmt: skip


@contextmanager
def isolated(home: Path) -> Iterator[None]:
    """Replace the home directory, the locale and Git's settings, and drop what would change an outcome.

    Args:
        home: a folder that becomes ``HOME``.
    """
    before = dict(os.environ)
    user = Path(before.get("HOME", Path.home()))
    for name in before:
        if name not in WANTED and (name in UNWANTED or name.startswith(UNWANTED_PREFIXES)):
            del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        # The folders publish ${PORT:-8000}, a second service ${UV_PORT:-8001}, a debugger ${DEBUG_PORT:-5678}: with 0
        # the engine chooses free ports.
        "PORT": "0",
        "UV_PORT": "0",
        "DEBUG_PORT": "0",
    }
    # Docker's contexts, plug-ins and logins say which engine it is; a cache makes nothing different, only faster;
    # pip's file may name the only index that this machine reaches.
    for variable, path in (
        ("DOCKER_CONFIG", user / ".docker"),
        ("XDG_CACHE_HOME", user / ".cache"),
        ("PIP_CONFIG_FILE", user / ".config/pip/pip.conf"),
    ):
        if path.exists():
            os.environ.setdefault(variable, str(path))
    home.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
