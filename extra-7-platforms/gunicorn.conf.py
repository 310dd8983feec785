"""Gunicorn's settings ("Dockerizing Python, step by step", final, 3.0): what may differ has a variable and a default.

Gunicorn stops at a value that is no number. GUNICORN_CMD_ARGS takes its other settings: "--max-requests=1000".
"""

import os
from math import ceil
from pathlib import Path


def limit(file):
    """The numbers in a file about the container's limits (cgroup version 2); none where there is no limit."""
    try:
        return [int(number) for number in Path("/sys/fs/cgroup", file).read_text().split()]
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return []


def workers_that_fit():
    """One for each CPU that the container may use, as far as its memory holds 128 MB for each and 128 MB besides."""
    fit = [len(os.sched_getaffinity(0))]
    if cpu := limit("cpu.max"):  # "50000 100000": half of the time of one CPU
        fit.append(ceil(cpu[0] / cpu[1]))
    if memory := limit("memory.max"):  # bytes
        fit.append(memory[0] // (128 * 2**20) - 1)
    return max(1, min(fit))


wsgi_app = "hello.main:app"
worker_class = os.environ.get("WORKER_CLASS") or "uvicorn_worker.UvicornWorker"  # Flask, Django: "gthread"

bind = f"0.0.0.0:{os.environ.get('PORT') or 8000}"
workers = os.environ.get("WORKERS") or os.environ.get("WEB_CONCURRENCY") or workers_that_fit()
threads = os.environ.get("THREADS") or 4  # of a worker; only gthread reads it
timeout = os.environ.get("TIMEOUT") or 30  # seconds until a worker that does not react is replaced
graceful_timeout = os.environ.get("GRACEFUL_TIMEOUT") or 30  # seconds for requests to end at a stop
keepalive = os.environ.get("KEEP_ALIVE") or 5  # seconds until an idle connection is closed
loglevel = os.environ.get("LOG_LEVEL") or "info"
accesslog = os.environ.get("ACCESS_LOG") or None  # off; "-" is the container's log

worker_tmp_dir = "/dev/shm"  # workers prove that they live by touching a file; no busy disk delays it here
control_socket_disable = True  # nothing here uses it, and it needs a directory to write to
