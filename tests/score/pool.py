"""Several processes that work through one list, each with a session of its own; Ctrl-C ends all of them."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

STOPS = {signal.SIGINT, signal.SIGTERM}
SPAWN = multiprocessing.get_context("spawn")

# What a process opens before it works, and closes at its end: a session, and what does one task.
Worker = Callable[[], AbstractContextManager[Callable[[Any], Any]]]


class TooLong(Exception):
    """Something was given up after its limit."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise TooLong in the block where it takes longer."""

    def too_long(*_: object) -> None:
        raise TooLong(f"no result after {seconds} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


@contextmanager
def _held_back() -> Iterator[None]:
    """Ctrl-C comes at the end of the block; what is started in it has it blocked.

    A thread's mask is not enough: another thread may take the signal, and the first one runs its handler.
    """
    came: list[int] = []
    handlers = {stop: signal.signal(stop, lambda number, _: came.append(number)) for stop in STOPS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        for stop, handler in handlers.items():
            signal.signal(stop, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number in came:
        signal.raise_signal(number)


def _work(tasks: Connection, worker: Worker) -> None:
    """Do one task after the other, in a process group of its own, until there are no more."""
    os.setpgrp()  # Ctrl-C goes to the first process alone, which then tells the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whatever came before that is forgotten
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    try:
        tasks.send("ready")  # from here on, the first process may say that this one should end
        with worker() as do:
            while (task := tasks.recv()) is not None:
                tasks.send(do(task))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        pass  # the first process has ended, or says that this one should
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends anyway


def work_through(tasks: Iterator[Any], worker: Worker, done: Callable[[Any, Any], None], at_a_time: int) -> None:
    """Hand each task to a process that is free.

    Args:
        tasks: what is to be done, taken one by one when somebody is free; never None.
        worker: makes, in each process, the function that does a task.
        done: is called with each task and its result, or None where the process has ended meanwhile.
        at_a_time: how many processes.
    """
    workers: dict[Connection, SpawnProcess] = {}
    at_work: dict[Connection, Any] = {}

    def next_task(connection: Connection) -> None:
        if workers[connection].is_alive() and (task := next(tasks, None)) is not None:
            at_work[connection] = task
            connection.send(task)

    try:
        # multiprocessing's tracker lets signals through when it starts.
        resource_tracker.ensure_running()
        with _held_back():  # until each has a group of its own
            for _ in range(at_a_time):
                ours, theirs = SPAWN.Pipe()
                workers[ours] = SPAWN.Process(target=_work, args=(theirs, worker))
                workers[ours].start()
                theirs.close()
            for connection in workers:
                connection.recv()
        for connection in workers:
            next_task(connection)
        while at_work:
            for ready in wait(list(at_work)):
                assert isinstance(ready, Connection)  # noqa: S101
                task = at_work.pop(ready)
                try:
                    result = ready.recv()
                except (EOFError, ConnectionError):  # the process ends with its task, though it may still be there
                    done(task, None)
                else:
                    done(task, result)
                    next_task(ready)
        for task in tasks:
            done(task, None)  # nobody was left to do it
        for connection in workers:
            with suppress(ConnectionError):  # where the process has ended meanwhile
                connection.send(None)
    except BaseException:  # Ctrl-C, or whatever else ends this process: the others must not wait for it
        for process in workers.values():
            if process.pid and process.is_alive():
                os.killpg(process.pid, signal.SIGINT)
        raise
    finally:
        for process in workers.values():
            if process.pid:
                process.join()
