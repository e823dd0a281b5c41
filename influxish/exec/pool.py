"""The worker threads that all queries of a database share. Tasks are short, so queries take turns fairly."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from influxish.errors import QueryCancelled
from influxish.settings import whole_number

Task = Callable[[], None]


class WorkerPool:
    """Threads that run tasks in the order they were given. Decoding and numpy release the GIL, so all cores work.

    A task must not wait for another task, and must not raise. Threads start with the first task.
    """

    SETTING = whole_number("threads", "4", least=0, most=1024)
    """What may be given as `workers`."""

    def __init__(self, workers: int = 0) -> None:
        """Args: workers: how many threads; 0 means one for each core this process may use.

        Raises:
            InfluxishError: not a number that makes sense.
        """
        self.SETTING.check("workers", workers)
        self.workers = workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or 1
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, task: Task) -> None:
        """Run `task` on a worker as soon as one is free. What was taken before `close` is still run.

        Raises:
            QueryCancelled: the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise QueryCancelled("the query was cancelled: the database was closed")
            while len(self._threads) < self.workers:  # an interrupt may come between any two of them
                thread = threading.Thread(target=self._work, name=f"worker {len(self._threads) + 1}", daemon=True)
                thread.start()
                self._threads.append(thread)
            self._tasks.put(task)  # under the lock: behind the end that `close` puts in, nobody would find it

    def close(self) -> None:
        """Stop the threads once the tasks given so far are done; wait for them. Safe to repeat."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
            self._tasks.put(None)
        for thread in threads:
            thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            del task  # let go of the query while waiting for the next one
        self._tasks.put(None)  # the end goes from worker to worker, also to one that `submit` could not take down
