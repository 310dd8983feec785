"""Gunicorn's settings ("Dockerizing Python, step by step", final, 2.1), from environment variables.

A wrong value stops the start with one line. What has no variable here, GUNICORN_CMD_ARGS takes: "--max-requests=1000".
"""

import ipaddress
import json
import logging
import math
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from gunicorn.glogging import Logger
from gunicorn.util import load_class, parse_address
from gunicorn.workers.base import Worker


def setting(name, default, must_be, accepts):
    """The variable's value, or the default where it is unset or empty."""
    value = os.environ.get(name) or str(default)
    try:
        accepted = accepts(value)
    except (ValueError, TypeError, RuntimeError, AttributeError):
        accepted = False
    if not accepted:
        sys.exit(f"{name} must be {must_be}, got {value!r}")
    return value


def number(name, default, least=1, most=1_000_000):
    must_be = f"a whole number from {least} to {most}"
    return int(setting(name, default, must_be, lambda value: value.isdecimal() and least <= int(value) <= most))


def choice(name, *values):
    return setting(name, values[0], "one of " + ", ".join(values), values.__contains__)


def is_there(module):
    """Whether the module's file is there. It is not imported: an app may want what the build does not have."""
    path = None
    for name in module.split("."):
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return False
        path = spec.submodule_search_locations or []
    return True


def is_app(app):
    return is_there(app.partition(":")[0])


def is_worker(name):
    return issubclass(load_class(name), Worker)


def is_address(value):
    return isinstance(parse_address(value), tuple)  # the health check can ask neither unix: nor fd://


def limit(*files):
    """The limit in these files of the container's cgroup, version 2 or 1: a number, or quota and period of a CPU."""
    try:
        first, *period = " ".join(Path("/sys/fs/cgroup", file).read_text() for file in files).split()
        return int(first) / int(*period or "1") if int(first) > 0 else math.inf
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return math.inf


def workers_that_fit():
    """As many as CPUs that this container may use, where its memory has room for them; at least one."""
    cpus = min(len(os.sched_getaffinity(0)), limit("cpu.max"), limit("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
    memory = min(limit("memory.max"), limit("memory/memory.limit_in_bytes"), 2**60)
    return max(1, min(math.ceil(cpus), int(memory / 2**20 / number("WORKER_MEMORY_MB", 128))))


# Your app. Its workers are uvicorn's where uvicorn-worker is installed (FastAPI), or else have threads (Flask, Django).
wsgi_app = setting("APP", "hello.main:app", "module:attribute of a module that is there", is_app)
default = "uvicorn_worker.UvicornWorker" if is_there("uvicorn_worker") else "gthread"
worker_class = setting("WORKER_CLASS", default, "a worker class that is installed", is_worker)

host = setting("HOST", "0.0.0.0", "an IP address", ipaddress.ip_address)
port = number("PORT", 8000, most=65535)
bind = setting("BIND", f"[{host}]:{port}", "address:port", is_address)  # the health check asks there, too
workers = number("WORKERS", os.environ.get("WEB_CONCURRENCY") or workers_that_fit())
threads = number("THREADS", 4 if worker_class == "gthread" else 1)  # of a worker; only gthread reads it

# Seconds: until a worker that does not react is replaced, for requests to end at a stop, for the next on a connection.
timeout = number("TIMEOUT", 30, least=0)
graceful_timeout = number("GRACEFUL_TIMEOUT", 30)
keepalive = number("KEEP_ALIVE", 5, least=0)

worker_tmp_dir = "/dev/shm"  # workers show that they live by touching a file: in memory, a busy disk cannot block them
control_socket_disable = True  # nothing here uses it, and it wants a home directory to write to
loglevel = choice("LOG_LEVEL", "info", "debug", "warning", "error", "critical")
accesslog = os.environ.get("ACCESS_LOG") or None  # off; "-" is standard output


class JsonFormatter(logging.Formatter):
    def format(self, record):
        message = super().format(record)  # with the traceback, if there is one
        return json.dumps(
            {"time": self.formatTime(record), "level": record.levelname, "logger": record.name, "message": message}
        )


class JsonLogger(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        logging.basicConfig(level=self.error_log.level)  # what the app itself logs
        for handler in (*logging.root.handlers, *self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(JsonFormatter())


if choice("LOG_FORMAT", "text", "json") == "json":
    logger_class = JsonLogger
