"""Answers R's calls; ends with R."""

import contextlib
import importlib
import os
import select
import socket
import threading

from rc2_data import packed
from rc2_data.errors import DataError, describe
from rc2_data.http import Stream
from rc2_data.jobs import Feed, Worker
from rc2_data.r_columns import Options
from rc2_data.r_format import Parts, dumps, loads, value

WAIT = 0.25
"""Seconds after which R gets an answer that the call is still running, so that an interrupt of R is noticed."""


def serve(path, owner):
    """Serve on the Unix socket until the process `owner` ends."""
    server = Server(path)
    # most sessions want PostgreSQL; the import takes longer than the connection
    threading.Thread(target=importlib.import_module, args=["rc2_data.postgres"], daemon=True).start()
    threading.Thread(target=server.end_with, args=[owner], daemon=True).start()
    server.run()


class Session:
    """A connection of R: the back end, the thread that uses it, and what R waits for."""

    def __init__(self):
        self.worker, self.backend = Worker(), None
        self.waiting, self.feed = None, None

    def submit(self, work):
        """Start a job; the parts of an earlier one have ended."""
        self._end_feed()
        self.waiting = self.worker.submit(work)

    def feed_job(self, work, part, last):
        """Give a part to the running job that takes parts, or start one: `work` of all parts."""
        if self.feed is None:
            feed = Feed()

            def consume():
                try:
                    return work(feed)
                finally:
                    feed.stop()

            self.submit(consume)
            feed.job, self.feed = self.waiting, feed
        self.feed.put(part, last)
        self.waiting = self.feed.job if last else self.feed
        if last:
            self.feed = None

    def cancel(self):
        """Cancel the running job; whether it has ended."""
        self._end_feed()
        return self.worker.cancel(self.backend.cancel if self.backend else lambda: None)

    def _end_feed(self):
        feed, self.feed = self.feed, None
        if feed is not None:
            feed.stop()


class Server:
    """The sessions of one R."""

    def __init__(self, path):
        self._path, self._sessions, self._last = path, {}, 0
        self._socket = socket.socket(socket.AF_UNIX)
        draft = f"{path}.draft"
        self._socket.bind(draft)
        os.chmod(draft, 0o600)
        self._socket.listen()
        os.rename(draft, path)  # R sees the socket only when it answers

    def end_with(self, owner):
        """End this process when R has ended; the server stops what still runs."""
        with contextlib.suppress(OSError):
            select.select([os.pidfd_open(owner)], [], [])
        self.stop()

    def stop(self):
        """Cancel everything and end the process."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        running = [session.backend for session in self._sessions.values() if session.backend is not None]
        threads = [threading.Thread(target=backend.leave, daemon=True) for backend in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(1)
        os._exit(0)

    def run(self):
        """Accept connections of R's curl."""
        while True:
            accepted, _ = self._socket.accept()
            threading.Thread(target=self._converse, args=[accepted], daemon=True).start()

    def _converse(self, accepted):
        stream = Stream(accepted)
        try:
            while (request := stream.request()) is not None:
                stream.answer(*self._answer(*request))
        except OSError:
            return
        finally:
            accepted.close()

    def _answer(self, path, body):
        try:
            arguments = loads(body)
            return 200, dumps(value(getattr(self, "do_" + path.strip("/"))(**arguments)))
        except Exception as error:  # noqa: BLE001 - R gets every error
            return 400, dumps(value(describe(error)))

    def do_open(self, kind, service, zone):
        """Connect to a service; the answer of the job holds the number of the session."""
        self._last += 1
        number, session = self._last, Session()
        self._sessions[number] = session

        def connect():
            session.backend = importlib.import_module(f"rc2_data.{kind}").Connection(service, zone)
            if number not in self._sessions:  # R has left meanwhile
                session.backend.close()
            return session.backend.info()

        return self._submit(number, connect)

    def do_read_parquet(self, files, columns=None, **options):
        """The rows of Parquet files of this machine."""
        return importlib.import_module("rc2_data.parquet").read(files, columns, Options(**options))

    def do_write_parquet(self, file, names, columns):
        """Write packed columns into a Parquet file of this machine."""
        return importlib.import_module("rc2_data.parquet").write(file, names, columns)

    def do_wait(self, connection):
        """The answer of the running call, or that it still runs."""
        return self._report(connection)

    def do_cancel(self, connection):
        """Cancel the running call; whether it has ended."""
        return {"ended": self._session(connection).cancel()}

    def do_send(self, connection, sql, whole, rows, names=None, columns=None, **options):
        """Run a statement; with `rows` also the first rows."""
        backend, options = self._backend(connection), Options(**options)
        parameters = None if columns is None else packed.table(names or [str(at) for at in range(len(columns))], columns)

        def work():
            unfinished = backend.send(sql, parameters, options, whole)
            return {"unfinished": unfinished, **self._state(backend, options, rows)}

        return self._submit(connection, work)

    def do_bind(self, connection, columns, **options):
        """Run the current statement with parameters."""
        backend, options = self._backend(connection), Options(**options)
        parameters = packed.table([str(at) for at in range(len(columns))], columns)

        def work():
            backend.bind(parameters, options)
            return self._state(backend, options, None)

        return self._submit(connection, work)

    def do_fetch(self, connection, rows, **options):
        """The next rows of the current statement."""
        backend, options = self._backend(connection), Options(**options)
        return self._submit(connection, lambda: self._state(backend, options, rows, with_columns=False))

    def do_clear(self, connection):
        """End the current statement."""
        backend = self._backend(connection)
        return self._submit(connection, lambda: {"unfinished": backend.clear()})

    def do_append(self, connection, table, names, columns, last, **how):
        """Append packed columns to a table. R sends all but the last part while the service stores earlier ones."""
        session, backend = self._session(connection), self._backend(connection)
        rows = packed.table([names] if isinstance(names, str) else names, columns)
        session.feed_job(lambda parts: {"affected": backend.append(table, parts, **how)}, rows, last)
        return self._report(connection)

    def do_call(self, connection, name, **arguments):
        """A call that this kind of service has beside SQL."""
        backend = self._backend(connection)
        return self._submit(connection, lambda: backend.call(name, arguments))

    def do_check(self, connection):
        """Whether the service still answers."""
        backend = self._backend(connection)
        return self._submit(connection, lambda: {"alive": backend.check()})

    def do_status(self, connection):
        """The state of the transaction."""
        return {"status": self._backend(connection).status}

    def do_close(self, connection):
        """Close a session."""
        session = self._sessions.pop(connection, None)
        if session is not None and session.backend is not None:
            session.cancel()
            session.worker.submit(session.backend.close).wait(1)
            session.worker.stop()
        return {}

    def _state(self, backend, options, rows, with_columns=True):
        result = backend.result
        data = None if rows is None or not result.is_bound else Parts(result.take(int(rows), options))
        return {
            "data": data,
            "complete": result.is_complete,
            "bound": result.is_bound,
            "query": result.is_query,
            "affected": result.affected,
            "columns": result.columns if with_columns else None,
            "lost_digits": options.lost_digits,
        }

    def _session(self, connection):
        if connection not in self._sessions:
            raise DataError("This connection is closed.", lost=True)
        return self._sessions[connection]

    def _backend(self, connection):
        return self._session(connection).backend

    def _submit(self, connection, work):
        self._session(connection).submit(work)
        return self._report(connection)

    def _report(self, connection):
        """What R gets of the job for which it waits: its value, its error, or that it still runs."""
        session = self._session(connection)
        backend, job = session.backend, session.waiting
        if not job.wait(WAIT):
            done, tasks = backend.progress if backend else (0, 0)
            return {"running": True, "connection": connection, "done": done, "tasks": tasks}
        if job.error is not None:
            raise self._described(connection, job.error)
        content, job.value = job.value, None
        note, session.backend.note = session.backend.note, ""
        return {"running": False, "connection": connection, "value": content, "note": note}

    def _described(self, connection, error):
        """The error, with whether the connection is lost; an attempt to connect that failed leaves none."""
        backend = self._sessions[connection].backend
        if backend is None:
            del self._sessions[connection]
            return error
        fields = describe(error)
        return DataError(fields.pop("message"), **fields, lost=backend.status == "unknown")
