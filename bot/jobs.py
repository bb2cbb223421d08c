"""Work that is done again and again beside the requests: deliveries, clocks.

Knows when, not what. Several servers may run the same job: each job claims its rows in the store.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger("nuanxin.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every `seconds`, in a thread of its own; a fault is logged by its type and the job goes on."""

    name: str
    seconds: float
    work: Callable[[], object]


class Jobs:
    """Threads that run jobs from `start` to `stop`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; each job runs at once for the first time."""
        self._stopping.clear()
        self._threads = [threading.Thread(target=self._run, args=(job,), name=job.name, daemon=True) for job in self._jobs]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Let what is under way end, and return then, or after `timeout` seconds."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout)

    def _run(self, job: Job) -> None:
        while not self._stopping.is_set():
            try:
                job.work()
            except Exception as error:  # a job outlives its faults; what it handles may hold personal data, so only the type
                log.error("job %s failed: %s", job.name, type(error).__name__)
            self._stopping.wait(job.seconds)
