"""The environment of whoever runs the tests, without what would change their outcome."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What the folders' compose files, scripts and apps read, what the Makefile reads, and settings of tools that change
# what they do or print.
UNWANTED = {
    "ACCESS_LOG", "ADDRESS", "ALLOWED_HOSTS", "APP", "BUILD_TIME", "CPUS", "DATABASE_URL", "DATABASE_WAIT", "DEV_USER",
    "ADD", "AFTER", "AGAIN", "BEFORE", "COMPOSE", "DIGEST", "EDGE", "ENGINE", "ENVIRONMENT", "ENV_FILE",
    "FORCE", "FORMAT", "FORWARDED_ALLOW_IPS", "GIT_COMMIT", "GRACEFUL_TIMEOUT", "HOST", "HTTPS_PORT", "HTTP_PORT",
    "IMAGE", "K", "KEEP_ALIVE", "KEY", "LOG_LEVEL", "MAKEFLAGS", "MAKELEVEL", "MANAGER", "MEMORY", "MFLAGS", "MORE",
    "N", "ONLY", "PAGE", "PIDS", "PROJECT", "REGISTRY_PORT", "REPLICAS", "REPOSITORY", "REQUIRE", "SAMPLE",
    "SECRET_KEY", "SEED", "SERVE", "SERVICE", "SITE", "SKIP", "SLOW", "SOURCE", "STEP", "THREADS", "TIMEOUT",
    "TMP_SIZE", "TRY", "WEB_CONCURRENCY", "WORKERS", "WORKER_CLASS",
    "BASH_ENV", "CDPATH", "CURL_HOME", "ENV", "FORCE_COLOR", "GREP_COLORS", "GREP_OPTIONS", "LANGUAGE", "NO_COLOR",
    "PYTEST_ADDOPTS", "SOURCE_DATE_EPOCH", "TZ", "XDG_CONFIG_HOME",
}  # fmt: skip
UNWANTED_PREFIXES = (
    "BUILDKIT_", "BUILDX_", "COMPOSE_", "COSIGN_", "DOCKER_", "FLASK_", "DJANGO_", "GIT_", "GUNICORN_", "LC_",
    "POETRY_", "POSTGRES_", "PYTHON",
)  # fmt: skip
# Where the engine is, and how this machine reaches its package index: without them nothing works at all.
WANTED = {
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
    "GIT_SSL_CAINFO", "OSV_URL", "POETRY_PYPI_MIRROR_URL",
}  # fmt: skip


@contextmanager
def isolated(home: Path) -> Iterator[None]:
    """Replace the home directory, the locale and Git's settings, and drop what would change an outcome."""
    before = dict(os.environ)
    user = Path(before.get("HOME", Path.home()))
    config = Path(before.get("XDG_CONFIG_HOME") or user / ".config")
    for name in before:
        if name not in WANTED and (name in UNWANTED or name.startswith(UNWANTED_PREFIXES)):
            del os.environ[name]
    os.environ |= {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        # The folders publish ${PORT:-8000}, a debugger ${DEBUG_PORT:-5678}: with 0 the engine chooses free ports.
        "PORT": "0",
        "DEBUG_PORT": "0",
    }
    # A cache makes nothing different, only faster: hooks are installed once, and not in each process.
    os.environ.setdefault("XDG_CACHE_HOME", str(user / ".cache"))
    # Docker's contexts, plug-ins and logins say which engine it is; pip's file may name the only index that this
    # machine reaches.
    for variable, path in (("DOCKER_CONFIG", user / ".docker"), ("PIP_CONFIG_FILE", config / "pip/pip.conf")):
        if path.exists():
            os.environ.setdefault(variable, str(path))
    home.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
