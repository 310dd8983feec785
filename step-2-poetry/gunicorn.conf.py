"""gunicorn reads this file from the directory that it starts in."""

import os

# Listen on every address of the container, so that requests from outside arrive. Many platforms set PORT.
bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"

# A worker, a process of gunicorn's, answers four requests at a time: a slow request does not hold up the rest.
threads = 4

# A worker touches a file to show that it is alive. /dev/shm is memory, so no slow disk delays that.
worker_tmp_dir = "/dev/shm"
