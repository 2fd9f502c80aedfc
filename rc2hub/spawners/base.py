"""What both spawners share: JupyterHub's hooks, handing over to the request's parser and to the lifecycle.

The three doors meet in `apply_user_options`, the one hook that JupyterHub passes on every way to a start. This file is
also where an error of ours becomes JupyterHub's `SpawnException`: one sentence, a status, a reason for the metrics.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from html import escape
from typing import Any, ClassVar

from jupyterhub import orm
from jupyterhub.spawner import SpawnException
from jupyterhub.utils import maybe_future
from traitlets import default
from traitlets.config import LoggingConfigurable

from rc2hub import lifecycle, metrics
from rc2hub.broker.client import Push
from rc2hub.errors import NotGrantedError, Rc2Error, RequestError, ServiceUnavailableError
from rc2hub.request import Offer, SpawnRequest, from_fields
from rc2hub.services.base import Server
from rc2hub.spawners.form import render_form

_BeforeASpawner: Any = LoggingConfigurable
"""The next class in line is one of JupyterHub's spawners, which say nothing of their types."""
REFUSED = {
    "args": "a compute server takes its settings from the order that makes it a person's",
    "cmd": "a compute server is started before it is anybody's",
    "profile_list": "write c.Profiles.catalogue, which serves every spawner",
}
"""Traits of JupyterHub's spawners that cannot hold here, and why."""
STATUS = {
    RequestError: (400, "request"),
    NotGrantedError: (403, "not-granted"),
    ServiceUnavailableError: (503, "service"),
}


class Rc2Spawner(_BeforeASpawner):  # type: ignore[misc]
    """What stands before JupyterHub's own class in each spawner of Rc².

    JupyterHub makes the instances and gives them no collaborators, so what they share is set on the class.
    """

    offer: ClassVar[Offer]
    push: ClassVar[Push]
    opened: ClassVar[asyncio.Event] = asyncio.Event()
    """Set when there is a pool, which is some hundredths of a second after the hub listens."""

    def __init__(self, **kwargs: Any) -> None:
        """Start from what JupyterHub stored of the person's last request."""
        super().__init__(**kwargs)
        self.attached: dict[str, str] = {}
        self.request: SpawnRequest
        self._accepted_options = dict(self.user_options)
        self._said: list[str] = []
        self._news = asyncio.Event()

    @property
    def key(self) -> Server:
        """The compute server this spawner is for."""
        return Server(self.user.name, self.name)

    @default("server_token_scopes")
    def _default_server_token_scopes(self) -> list[str]:
        # enough to prove which server this is; what it may use is in the hub's list, which follows the grants (D5)
        return ["users:activity!user", "access:servers!server", "access:services!service=rc2", "delete:servers!server"]

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        # seconds; JupyterHub's 60 are short for the last of a class that waits for standbys of a small machine
        return 180

    @default("options_form")
    def _default_options_form(self) -> Any:
        return Rc2Spawner.render_request_form

    async def render_request_form(self) -> str:
        """The form of a request, with the person's last choice and the state of the services now."""
        grants = self.push.grants(self.user.name)
        return render_form(self.offer, grants, await self.push.client.health(), self._accepted_options)

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return from_fields

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, Any]:
        """The options of a link with `opt-` parameters; they are spelt as in the form."""
        return from_fields(query_data)

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return Rc2Spawner.accept_request

    def accept_request(self, user_options: dict[str, Any]) -> None:
        """Parse the request and check it against the grants; a refused one leaves the stored choice as it was.

        Raises:
            SpawnException: 400 or 403, in one sentence.
        """
        try:
            self.request = SpawnRequest.parse(user_options, self.offer)
            self.request.check(self.push.grants(self.user.name), self.offer)
        except Rc2Error as error:
            self._store(self._accepted_options)
            raise refusal(error) from error
        self._accepted_options = self.request.options()
        self._store(self._accepted_options)

    def _store(self, options: dict[str, Any]) -> None:
        self.user_options = self.orm_spawner.user_options = options
        self.push.hub.db.commit()

    async def start(self) -> str:
        """Run the flow of a login; returns the URL of the compute server.

        Raises:
            SpawnException: in one sentence, with the status that fits.
        """
        self._said.clear()
        await self.opened.wait()
        began = time.monotonic()
        try:
            url = await lifecycle.start(self)
        except BaseExceptionGroup as group:
            error = lifecycle.first_error(group)
            if isinstance(error, Rc2Error):
                raise refusal(error) from error
            raise error from group
        metrics.START.labels(self.request.profile).observe(time.monotonic() - began)
        return url

    async def run_post_stop_hook(self) -> None:
        """Take everything back after a stop, a failed start or a crash; then the operator's own hook."""
        await lifecycle.stop(self)
        await maybe_future(super().run_post_stop_hook())

    async def delete_tokens(self) -> None:
        """Delete the server's hub tokens: after a crash or a restart of the hub, JupyterHub no longer knows them."""
        note = f"Server at {self.user.base_url}{f'{self.name}/' if self.name else ''}"
        db = self.push.hub.db
        for token in db.query(orm.APIToken).filter_by(user_id=self.user.orm_user.id, note=note):
            db.delete(token)
        db.commit()

    def remember(self) -> None:
        """Store what is attached, so that a restarted hub knows it."""
        self.orm_spawner.state = self.get_state()
        self.push.hub.db.commit()

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what was attached."""
        super().load_state(state)
        self.attached = dict(state.get("attached", {}))

    def get_state(self) -> dict[str, Any]:
        """Names only; nothing that opens a service."""
        return {**super().get_state(), "attached": self.attached}

    def clear_state(self) -> None:
        """Forget what was attached."""
        super().clear_state()
        self.attached = {}

    def person_env(self, home: str) -> dict[str, str]:
        """Who the person is to her programs."""
        return {"USER": self.user.name, "LOGNAME": self.user.name, "HOME": home, "SHELL": "/bin/bash"}

    def say(self, message: str) -> None:
        """Tell the person who waits what happens now."""
        if message not in self._said:
            self._said.append(message)
            self._news.set()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the person reads while she waits; JupyterHub leaves it when the server is there."""
        shown = 0
        while True:
            while shown < len(self._said):
                shown += 1
                yield {"progress": 90 - 90 * 2 // (2 + shown), "message": self._said[shown - 1]}
            self._news.clear()
            await self._news.wait()


def refusal(error: Rc2Error) -> SpawnException:
    """JupyterHub's exception for an error of ours."""
    status, reason = STATUS.get(type(error), (500, "standby"))
    exception = SpawnException(str(error), message_html=escape(str(error)), reason=reason, status_code=status)
    exception.jupyterhub_message = str(error)  # what the form shows; else it is the exception's name too
    return exception


class WithoutTraceback(logging.Filter):
    """Keeps a refusal one line in the hub's log: JupyterHub's form handler logs every exception with its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the traceback of a refusal, and put its sentence in place of it."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SpawnException):
            record.msg, record.args, record.exc_info, record.exc_text = (
                f"{record.getMessage()}: {error}",
                (),
                None,
                None,
            )
        return True
