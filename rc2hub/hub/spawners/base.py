"""What both spawners share: JupyterHub's hooks, which hand over to the parser of requests and to the lifecycle.

Form, link and REST API meet in `apply_user_options`, the one hook that JupyterHub calls on every way to a start.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from jupyterhub import orm
from jupyterhub.utils import maybe_future
from traitlets import Unicode, default
from traitlets.config import LoggingConfigurable

from rc2hub.errors import Rc2Error
from rc2hub.hub import lifecycle, metrics
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.hub.runtime import SETTING, Runtime
from rc2hub.hub.spawners.form import render_form
from rc2hub.hub.spawners.spawn_errors import spawn_exception
from rc2hub.server_id import ServerId
from rc2hub.spawn_request import SpawnChoices, SpawnRequest, from_fields

_NextSpawnerClass: Any = LoggingConfigurable
"""At run time the next class is one of JupyterHub's spawners, which declare no types."""


class Rc2Spawner(_NextSpawnerClass):  # type: ignore[misc]
    """What `Rc2ProcessSpawner` and `Rc2KubeSpawner` have in common; it comes before JupyterHub's own class in both."""

    r_profile = Unicode(
        help="""R code that each R runs when it starts, after R's own `Rprofile.site` and before the user's `.Rprofile`: the
        place for `options()` such as the repositories of `install.packages()` (docs/configure.md). Users can read it.

        Example: `options(repos = c(CRAN = "https://cran.example.org"))`""",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        """Start from what JupyterHub stored of the user's last request."""
        super().__init__(**kwargs)
        self.requested_services: dict[str, str] = {}
        self.spawn_request: SpawnRequest
        self._accepted_options = dict(self.user_options)
        self._progress_messages: list[str] = []
        self._progress_changed = asyncio.Event()

    @property
    def runtime(self) -> Runtime:
        """What the parts of this hub share."""
        runtime: Runtime = self.user.settings[SETTING]
        return runtime

    @property
    def choices(self) -> SpawnChoices:
        """What users of this hub can ask for."""
        return self.runtime.choices

    @property
    def desired_state(self) -> DesiredStatePush:
        """Sends the desired state to the broker."""
        return self.runtime.desired_state

    @property
    def server_id(self) -> ServerId:
        """The compute server of this spawner."""
        return ServerId(self.user.name, self.name)

    @default("server_token_scopes")
    def _default_server_token_scopes(self) -> list[str]:
        # enough to prove which server this is; what it may use is in the desired state, which follows the grants
        return ["users:activity!user", "access:servers!server", "access:services!service=rc2", "delete:servers!server"]

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        # seconds; JupyterHub's 60 are short for the last of a class that waits for standbys of a small machine
        return 180

    @default("options_form")
    def _default_options_form(self) -> Any:
        return Rc2Spawner.render_request_form

    async def render_request_form(self) -> str:
        """The form of a request, with the user's last choice and the present state of the services."""
        grants = self.desired_state.grants(self.user.name)
        return render_form(self.choices, grants, await self.desired_state.client.health(), self._accepted_options)

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return from_fields

    def options_from_query(self, query_data: dict[str, list[str]]) -> dict[str, Any]:
        """The options of a link with `opt-` parameters; they have the names of the form's fields."""
        return from_fields(query_data)

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return Rc2Spawner.accept_request

    def accept_request(self, user_options: dict[str, Any]) -> None:
        """Parse the request and check it against the grants; a refused request leaves the stored choice unchanged.

        Raises:
            SpawnException: 400 or 403, in one sentence.
        """
        try:
            self.spawn_request = SpawnRequest.parse(user_options, self.choices)
            self.spawn_request.check(self.desired_state.grants(self.user.name), self.choices)
        except Rc2Error as error:
            self._set_options(self._accepted_options)
            self.desired_state.hub.db.commit()
            raise spawn_exception(error) from error
        self._accepted_options = self.spawn_request.options()
        self._set_options(self._accepted_options)  # JupyterHub commits it when it has called `start`

    def _set_options(self, options: dict[str, Any]) -> None:
        self.user_options = self.orm_spawner.user_options = options

    async def start(self) -> str:
        """Run the flow of a login; returns the URL of the compute server.

        Raises:
            SpawnException: in one sentence, with the status that fits.
        """
        self._progress_messages.clear()
        await self.runtime.pool_opened()
        began = time.monotonic()
        try:
            url = await lifecycle.start(self)
        except BaseExceptionGroup as group:
            error = lifecycle.first_error(group)
            if isinstance(error, Rc2Error):
                raise spawn_exception(error) from error
            raise error from group
        metrics.SPAWN_DURATION.labels(self.spawn_request.profile).observe(time.monotonic() - began)
        return url

    async def run_post_stop_hook(self) -> None:
        """Revoke everything after a stop, a failed start or a crash; then the operator's own hook."""
        await lifecycle.stop(self)
        await maybe_future(super().run_post_stop_hook())

    async def delete_tokens(self) -> None:
        """Delete the server's hub tokens: after a crash or a restart of the hub, JupyterHub no longer knows them."""
        note = f"Server at {self.user.base_url}{f'{self.name}/' if self.name else ''}"
        db = self.desired_state.hub.db  # JupyterHub warns of `Spawner.db` at each use
        for token in db.query(orm.APIToken).filter_by(user_id=self.user.orm_user.id, note=note):
            db.delete(token)
        db.commit()

    def save_state(self) -> None:
        """Store which services are requested, so that a restarted hub knows them."""
        self.orm_spawner.state = self.get_state()
        self.desired_state.hub.db.commit()

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore which services were requested."""
        super().load_state(state)
        self.requested_services = dict(state.get("requested_services", {}))

    def get_state(self) -> dict[str, Any]:
        """Names only, no credential."""
        return {**super().get_state(), "requested_services": self.requested_services}

    def clear_state(self) -> None:
        """Forget which services were requested."""
        super().clear_state()
        self.requested_services = {}

    def get_env(self) -> dict[str, Any]:
        """JupyterHub's variables for the user's server, and the address of the files that all servers share."""
        return {**super().get_env(), "RC2_LAB_FILES": self.runtime.lab_files.url}

    def identity_env(self, home: str) -> dict[str, str]:
        """The variables that tell programs who the user is."""
        return {"USER": self.user.name, "LOGNAME": self.user.name, "HOME": home, "SHELL": "/bin/bash"}

    def report_progress(self, message: str) -> None:
        """Show a message to the user who waits for the server; the same message is shown once."""
        if message not in self._progress_messages:
            self._progress_messages.append(message)
            self._progress_changed.set()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The progress events of a start; JupyterHub stops reading them when the server is ready."""
        shown = 0
        while True:
            while shown < len(self._progress_messages):
                shown += 1
                yield {"progress": 90 - 90 * 2 // (2 + shown), "message": self._progress_messages[shown - 1]}
            self._progress_changed.clear()
            await self._progress_changed.wait()
