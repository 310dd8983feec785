"""Gunicorn reads this file from the directory it starts in."""

import os

# All interfaces of the container; the port comes from the environment, where many platforms say it.
bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Threads: one slow request does not keep the others waiting.
threads = 4

# A worker proves that it is alive by touching a file: in memory, a busy disk cannot block it.
worker_tmp_dir = "/dev/shm"

# Gunicorn opens a control socket below the home directory. Nothing here uses it,
# and without a writable home it only logs errors.
control_socket_disable = True
