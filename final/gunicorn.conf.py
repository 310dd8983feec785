"""Gunicorn's settings, from environment variables; a wrong value stops the start with one line and exit code 2."""

import ipaddress
import json
import logging
import math
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from gunicorn.glogging import Logger
from gunicorn.util import load_class


def text(name, default, must_be="", accepted=None):
    """The variable's value, or the default where it is unset or empty; ``accepted`` says whether it will do."""
    value = os.environ.get(name) or default
    if accepted and not accepted(value):
        print(f"{name} must be {must_be}, got {value!r}", file=sys.stderr)
        sys.exit(2)
    return value


def choice(name, default, *others):
    return text(name, default, "one of " + ", ".join((default, *others)), (default, *others).__contains__)


def number(name, default, least=1, most=1_000_000):
    must_be = "a positive whole number" if least else "a whole number, 0 or more"
    return int(text(name, str(default), must_be, lambda value: value.isdecimal() and least <= int(value) <= most))


def is_module(app):
    """Whether the module's file is there; it is not imported yet."""
    path = None
    for name in app.partition(":")[0].split("."):
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return False
        path = spec.submodule_search_locations or []
    return True


def is_address(host):
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def is_worker_class(name):
    try:
        return bool(load_class(name))
    except (RuntimeError, AttributeError):
        return False


def usable_cpus():
    """The CPUs that this container may use: those it may run on, or its quota (cgroup v2 or v1) if that is less."""
    cpus = len(os.sched_getaffinity(0))
    for files in ["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]:
        try:
            quota, period = " ".join(Path("/sys/fs/cgroup", file).read_text() for file in files).split()
        except OSError:
            continue
        if quota not in ("max", "-1"):
            cpus = min(cpus, math.ceil(int(quota) / int(period)))
    return cpus


# Your app, and the kind of worker: gthread (or gevent) for Flask and Django, uvicorn's for FastAPI.
wsgi_app = text("APP", "hello.main:app", "module:attribute, of a module that is there", is_module)
worker_class = text("WORKER_CLASS", "uvicorn_worker.UvicornWorker", "a worker class that is installed", is_worker_class)

host = text("HOST", "0.0.0.0", "an IP address", is_address)
bind = text("BIND", f"[{host}]:{number('PORT', 8000, most=65535)}")
workers = number("WORKERS", usable_cpus())
threads = number("THREADS", 4 if worker_class == "gthread" else 1)  # read by gthread only
worker_connections = number("WORKER_CONNECTIONS", 1000)  # for each worker; read by gevent and asgi

# Seconds: until a worker that does not react is replaced, for requests to end at a stop, for the next on a connection.
timeout = number("TIMEOUT", number("HTTP_SERVE_TIMEOUT_SECONDS", 30, least=0), least=0)
graceful_timeout = number("GRACEFUL_TIMEOUT", 30)
keepalive = number("KEEP_ALIVE", 5, least=0)

# Against slow leaks: a worker ends after this many requests, not all workers at once. 0: never.
max_requests = number("MAX_REQUESTS", 0, least=0)
max_requests_jitter = max_requests // 10

# Workers show that they live by touching a file: in memory, a busy disk cannot block them.
worker_tmp_dir = text("WORKER_TMP_DIR", "/dev/shm", "a directory to write to", lambda value: os.access(value, os.W_OK))
control_socket_disable = True  # nothing here uses it, and it wants a home directory to write to
forwarded_allow_ips = text("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")  # the proxies that X-Forwarded-* is believed from
reload = choice("RELOAD", "false", "true") == "true"

loglevel = choice("LOG_LEVEL", "info", "debug", "warning", "error", "critical")
accesslog = text("ACCESS_LOG", "") or None  # off; "-" is standard output
errorlog = text("ERROR_LOG", "-")


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
