"""Knitting at the server's own address, for JupyterLab and other programs of the user."""

import asyncio
from http import HTTPStatus
from pathlib import PurePosixPath

from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from rc2hub.compute.attachments import LONG_POLL_TIMEOUT
from rc2hub.compute.rmarkdown.contents import not_utf8, r_markdown_file
from rc2hub.compute.rmarkdown.knit import Format, KnitJob, State


class KnitJobs:
    """The last job of each document."""

    def __init__(self) -> None:
        """Begin without jobs."""
        self.by_path: dict[str, KnitJob] = {}
        self._starting = asyncio.Lock()

    def running(self) -> list[str]:
        """The paths of the documents that are being knitted."""
        return [path for path, job in self.by_path.items() if job.state is State.RUNNING]

    async def start(self, path: str, job: KnitJob) -> bool:
        """Start the job, unless this document is being knitted.

        Raises:
            OSError: if the document cannot be read, or nothing can be written beside it.
            UnicodeDecodeError: if the document is not in UTF-8.
        """
        async with self._starting:
            if path in self.running():
                return False
            await job.start()
            self.by_path[path] = job
            return True


class _KnitHandler(APIHandler):
    """A request about jobs."""

    def initialize(self, jobs: KnitJobs) -> None:
        """Take the jobs of this server."""
        self.jobs = jobs

    def refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer with a sentence for the user."""
        self.set_status(status)
        self.finish({"message": sentence})


class KnitsHandler(_KnitHandler):
    """All jobs."""

    @authenticated
    async def get(self) -> None:
        """The documents that are being knitted now, by their paths."""
        self.finish({"running": self.jobs.running()})


class KnitHandler(_KnitHandler):
    """The job of one document."""

    @authenticated
    async def post(self, path: str) -> None:
        """Start it: `format` in the body is own, html, word or pdf."""
        document, output_format = r_markdown_file(path, self.contents_manager.root_dir), self._format()
        if output_format is None:
            self.refuse(HTTPStatus.BAD_REQUEST, f"The format is one of {', '.join(Format)}.")
        elif document is None:
            name = PurePosixPath(path).name
            self.refuse(
                HTTPStatus.BAD_REQUEST,
                f"{name} is no R Markdown document of yours; Knit takes files that end in .Rmd or .qmd.",
            )
        else:
            await self._start(path, KnitJob(document, output_format))

    @authenticated
    async def get(self, path: str) -> None:
        """Its state, with `?version=` as soon as it has another version than this."""
        if job := self._job(path):
            if (version := self.get_query_argument("version", "")).isdecimal():
                await job.wait_for_change(int(version), LONG_POLL_TIMEOUT)
            self.finish(job.describe())

    @authenticated
    async def delete(self, path: str) -> None:
        """Cancel it, and answer when R has ended."""
        if job := self._job(path):
            await job.cancel()
            self.finish(job.describe())

    async def _start(self, path: str, job: KnitJob) -> None:
        name = job.document.name
        try:
            started = await self.jobs.start(path, job)
        except FileNotFoundError:
            self.refuse(HTTPStatus.NOT_FOUND, f"{name} does not exist; save it first.")
        except UnicodeDecodeError:
            self.refuse(HTTPStatus.BAD_REQUEST, not_utf8(name))
        except OSError as error:
            self.refuse(HTTPStatus.FORBIDDEN, f"{name} cannot be knitted here: {error.strerror}.")
        else:
            if started:
                self.set_status(HTTPStatus.CREATED)
                self.finish(job.describe())
            else:
                self.refuse(HTTPStatus.CONFLICT, f"{name} is being knitted already; wait for its end, or cancel it.")

    def _format(self) -> Format | None:
        try:
            return Format((self.get_json_body() or {}).get("format", Format.OWN))
        except ValueError:
            return None

    def _job(self, path: str) -> KnitJob | None:
        job = self.jobs.by_path.get(path)
        if job is None:
            self.refuse(HTTPStatus.NOT_FOUND, "This document has not been knitted since your server started.")
        return job
