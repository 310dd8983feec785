"""The processes of the app in its container."""

# The beginning of scripts that run inside the container: {pid: parent} of the app's processes, PID 1 and what is below
# it. What `docker exec` and health checks start is not below it; for a moment it still is the engine's own runc, with
# all rights.
APP_PROCESSES = """
import os, sys

def app_processes():
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            parents[int(pid)] = int(parent)
    def is_below_main(pid):
        while pid > 1:
            pid = parents.get(pid, 0)
        return pid == 1
    return {pid: parent for pid, parent in parents.items() if is_below_main(pid)}
"""
