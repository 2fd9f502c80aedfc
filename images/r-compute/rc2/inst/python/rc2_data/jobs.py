"""Work of one connection, done in a thread while R waits in short steps, so that R can be interrupted."""

import queue
import threading
from collections import deque

from rc2_data.errors import DataError

CANCEL_TIMEOUT = 5.0
"""Seconds for which a cancel waits for the end of the running call."""
CANCEL_INTERVAL = 0.1
"""Seconds between cancels of the same call: one that arrives before the query has no effect."""
PARTS_AHEAD = 2
"""Parts that wait for their job at most, so that memory stays bounded."""


class Job:
    """One call of R."""

    def __init__(self, work):
        self._work = work
        self.value, self.error = None, None
        self.cancelled = False
        self._done = threading.Event()

    def run(self):
        """Do the work; the thread of the connection calls it."""
        try:
            if not self.cancelled:
                self.value = self._work()
        except BaseException as error:  # noqa: BLE001 - R gets every error
            self.error = error
        finally:
            self._done.set()

    def wait(self, seconds):
        """Wait for at most so many seconds; returns whether the job is done."""
        return self._done.wait(seconds)


class Feed:
    """Parts that R sends one after the other, while a job works on the earlier ones."""

    value = None
    """What R gets for each part but the last one."""

    def __init__(self):
        self.job = None
        self._parts, self._ended, self._stopped = deque(), False, False
        self._changed = threading.Condition()

    def put(self, part, last):
        """Add a part."""
        with self._changed:
            self._parts.append(part)
            self._ended = last
            self._changed.notify_all()

    def stop(self):
        """Let the job take no part any more."""
        with self._changed:
            self._stopped = True
            self._parts.clear()
            self._changed.notify_all()

    def wait(self, seconds):
        """Wait for at most so many seconds until R may send another part, or the job has ended; returns whether it is so."""
        with self._changed:
            has_room = self._changed.wait_for(lambda: self._stopped or len(self._parts) < PARTS_AHEAD, seconds)
        return self.job.wait(seconds) if self._stopped else has_room

    @property
    def error(self):
        """The error of the job."""
        return self.job.error

    def __iter__(self):
        """The parts, each as soon as it is there.

        Raises:
            DataError: if R sends no more before the last one.
        """
        while (part := self._next()) is not None:
            yield part

    def _next(self):
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._parts or self._ended)
            if self._stopped:
                raise DataError("The write was stopped.")
            self._changed.notify_all()
            return self._parts.popleft() if self._parts else None


class Worker:
    """The thread of a connection. It does one job after the other."""

    def __init__(self):
        self._jobs = queue.SimpleQueue()
        self.current = None
        threading.Thread(target=self._run, daemon=True).start()

    def submit(self, work):
        """Start a job."""
        self.current = Job(work)
        self._jobs.put(self.current)
        return self.current

    @property
    def idle(self):
        """Whether no job runs."""
        return self.current is None or self.current.wait(0)

    def stop(self):
        """End the thread after its last job."""
        self._jobs.put(None)

    def cancel(self, interrupt):
        """Cancel the current job by calling `interrupt` until it has ended; returns whether it has."""
        job = self.current
        if job is None:
            return True
        job.cancelled = True
        waited = 0.0
        while not job.wait(0) and waited < CANCEL_TIMEOUT:
            interrupt()
            job.wait(CANCEL_INTERVAL)
            waited += CANCEL_INTERVAL
        return job.wait(0)

    def _run(self):
        while (job := self._jobs.get()) is not None:
            job.run()
            del job
