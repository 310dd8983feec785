"""gunicorn reads this file from the directory that it starts in."""

import os

# Listen on every address of the container, so that requests from outside arrive. Many platforms set PORT.
bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# Each worker answers four requests at a time, so a slow one does not keep the others waiting.
threads = 4

# A worker shows that it is alive by touching a file. This directory is in memory, so it never waits for a disk.
worker_tmp_dir = "/dev/shm"

# gunicorn would open a control socket below the home directory. The app has neither a home nor a use for it,
# and gunicorn would log an error.
control_socket_disable = True
