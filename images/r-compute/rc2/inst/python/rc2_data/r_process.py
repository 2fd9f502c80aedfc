"""R on an executor of Spark: a process that a Python worker starts and asks.
Spark pickles this module with the functions that use it, as executors do not have it.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import types

from rc2_data import r_format

IDLE = 5.0
"""Seconds without a request after which R ends; the Python worker goes on, as other tasks use it."""
END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
"""R ends with its worker also while it computes."""
BEGIN = (
    "local({f <- commandArgs(TRUE); i <- file(f[1], 'rb'); o <- file(f[2], 'wb'); s <- unserialize(i); s$serve(i, o, s)})"
)
"""What R runs at first: the functions that the session has sent with the first message."""
MARK = "rc2-sentence"
NO_R = (
    "The executors of Spark have no R; an operator finds in docs/spark.md which image has it. "
    "collect() the rows and use lapply() meanwhile."
)
ENDED = "R ended while f worked on {place}: f called quit(), or R crashed."
KILLED = "R was killed while f worked on {place}, mostly for lack of memory; give f fewer rows, or ask an operator for more."


class Refusal(Exception):
    """An error whose text reaches the user as one sentence, through Spark and what it writes around it."""

    def __init__(self, sentence):
        super().__init__(f"{MARK}{json.dumps(sentence)}{MARK}")


class Process:
    """One R, which answers one request after the other."""

    def __init__(self, job, payload):
        """Start R, and send it what all requests of a job share.

        Raises:
            Refusal: if R cannot be started, or lacks a package.
        """
        if shutil.which("Rscript") is None:
            raise Refusal(NO_R)
        self.job, self._used, self._lock = job, time.monotonic(), threading.Lock()
        taken, requests = os.pipe()
        answers, given = os.pipe()
        command = [*END_WITH_PARENT, "Rscript", "--vanilla", "-e", BEGIN, f"/dev/fd/{taken}", f"/dev/fd/{given}"]
        self._process = subprocess.Popen(  # noqa: S603 - the pipes are its only arguments
            command,
            pass_fds=(taken, given),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(taken)
        os.close(given)
        self._requests, self._answers = os.fdopen(requests, "wb"), os.fdopen(answers, "rb")
        self._ended = os.fdopen(os.pidfd_open(self._process.pid), "rb", buffering=0)
        with self._lock:
            threading.Thread(target=self._end_when_idle, daemon=True).start()
            self._sent([payload], "its first rows")

    def is_ready(self):
        """Whether R can answer; then it does not end before the next request."""
        with self._lock:
            self._used = time.monotonic()
            return self._process.poll() is None

    def ask(self, request, place):
        """The answer to a request, a dict of values or of byte parts; `place` names the group in an error.

        Raises:
            Refusal: for an error in R, or if R ends.
        """
        with self._lock:
            return self._sent(r_format.dumps(r_format.value(request)), place)

    def _sent(self, parts, place):
        try:
            for part in parts:
                self._requests.write(part)
            self._requests.flush()
            # what f has started may hold the pipe open when R has ended
            ready, _, _ = select.select([self._answers, self._ended], [], [])
            size = self._answers.read(8) if self._answers in ready else b""
            answer = self._answers.read(int(struct.unpack("<d", size)[0])) if size else b""
        except BrokenPipeError:
            answer = b""
        self._used = time.monotonic()
        if not answer:
            self.end()
            raise Refusal((KILLED if self._process.returncode == -signal.SIGKILL else ENDED).format(place=place))
        found = r_format.loads(answer)
        if "error" in found:
            raise Refusal(f"f failed for {place}: {found['error']}")
        if "refused" in found:
            raise Refusal(found["refused"])
        return found

    def end(self):
        """End R: at once if it does not end by itself."""
        for file in (self._requests, self._answers, self._ended):
            with contextlib.suppress(OSError):
                file.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        self._process.kill()
        self._process.wait()

    def _end_when_idle(self):
        while self._process.poll() is None:
            time.sleep(IDLE / 4)
            with self._lock:
                if time.monotonic() - self._used > IDLE:
                    self.end()


def process_of(job, payload):
    """The R of a job in this worker, which all its tasks use.

    A pickled module is another one in each task, so a module of the worker keeps it.
    """
    kept = sys.modules.setdefault("rc2_r_process", types.ModuleType("rc2_r_process"))
    current = getattr(kept, "process", None)
    if current is None or current.job != job or not current.is_ready():
        if current is not None:
            current.end()
        kept.process = None
        kept.process = Process(job, payload)
    return kept.process
