"""A clock that counts the seconds which a process has on this machine, whatever else runs on it.

A promise such as "stops within 2 seconds" is about the app. Where ten processes share a CPU, each of them gets a tenth
of a second in a second, and what takes half a second of work takes five: the limit would measure the machine.
"""

import threading
import time

_WORK = 0.01  # seconds of CPU time; more than the turn that the kernel gives to somebody who has just woken up
_PAUSE = 0.5  # seconds between two looks


class _Clock(threading.Thread):
    """Looks again and again how long a bit of work takes, and adds up the share of each second that this one had."""

    def __init__(self) -> None:
        super().__init__(name="clock", daemon=True)
        self._seconds, self._share, self._looked_at = 0.0, 1.0, time.monotonic()

    def run(self) -> None:
        while True:
            began, worked = time.monotonic(), time.thread_time()
            while time.thread_time() - worked < _WORK:
                pass
            share = min(1.0, _WORK / (time.monotonic() - began))
            self._seconds, self._share, self._looked_at = self.now(), share, time.monotonic()
            time.sleep(_PAUSE)

    def now(self) -> float:
        return self._seconds + (time.monotonic() - self._looked_at) * self._share


_clock = _Clock()
_lock = threading.Lock()


def seconds() -> float:
    """Seconds since the first call: those of the wall on a machine with a free CPU, fewer on a busy one."""
    with _lock:
        if not _clock.is_alive():
            _clock.start()
    return _clock.now()
