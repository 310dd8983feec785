"""Gunicorn reads this file from the directory it starts in."""

import os

# What differs between a laptop and a server comes from the environment.
bind = f"{os.environ.get('HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WORKERS", "2"))

# Threads: one slow request does not keep the others of its worker waiting.
threads = 4

# Workers prove that they are alive by touching a file: in memory, a busy disk cannot block them.
worker_tmp_dir = "/dev/shm"

# Gunicorn opens a control socket below the home directory. Nothing here uses it,
# and without a writable home it only logs errors.
control_socket_disable = True
