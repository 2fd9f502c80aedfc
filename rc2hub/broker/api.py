"""The broker's REST API. Every error is a JSON object with one sentence in `message`. `openapi.py` describes it."""

import asyncio
from contextlib import suppress
from typing import Any

from tornado.web import HTTPError

from rc2hub.broker.api_handler import ApiHandler
from rc2hub.broker.openapi import MAX_REVISION, MAX_WAIT, document
from rc2hub.broker.reconciler import etag_of
from rc2hub.errors import ConflictError, NotGrantedError, RequestError, ServiceUnavailableError
from rc2hub.messages import (
    AttachmentState,
    AttachOptions,
    ChangeRequest,
    DesiredStateUpdate,
    Health,
    PendingRequests,
    PoolList,
    RevisionConflict,
    TokenReview,
    TokenReviewRequest,
)
from rc2hub.permissions import Grant
from rc2hub.server_id import ServerId

FIRST_ERROR_STATUS = 400
ACCEPTED = 202


class NotFoundHandler(ApiHandler):
    """Every path without a handler."""

    def prepare(self) -> None:
        """Refuse the request.

        Raises:
            HTTPError: 404, always.
        """
        raise HTTPError(404, reason="This address does not exist.")


class OpenApiHandler(ApiHandler):
    """The OpenAPI document of this API."""

    def get(self) -> None:
        """Serve the document."""
        self.write(document())


class HealthHandler(ApiHandler):
    """The health of the broker, for everybody, and of the services, for callers with a token for this service."""

    async def get(self) -> None:
        """Return the states; a stranger does not learn which services there are."""
        reconciler, token = self.broker.reconciler, self.token()
        known = self.broker.is_hub_token(token) or await self.model_with_access(token) is not None
        services: Any = reconciler.health() if known else {}
        self.answer(Health(has_desired_state=reconciler.desired is not None, services=services))


class ServicesHandler(ApiHandler):
    """The catalogue as the caller sees it."""

    async def get(self) -> None:
        """For a server's token that server; for a user's token the server in the query, or else the default server.

        With `If-None-Match`, wait at most `wait` seconds until the ETag changes.
        """
        wait, caller = self.number_argument("wait", MAX_WAIT), await self.caller()
        server = caller.server_id or ServerId(caller.user, self.get_query_argument("server", ""))
        before = self.request.headers.get("If-None-Match")
        catalogue = await self.broker.catalogue_for(server, before or "", wait)
        etag = etag_of(catalogue)
        self.set_header("Etag", etag)
        self.set_header("Cache-Control", "no-store")
        if etag == before:
            self.set_status(304)
        else:
            self.answer(catalogue)


class AttachmentsHandler(ApiHandler):
    """The attachments of one server; the secret files only for that server's token, and for the hub, which starts it."""

    async def get(self, user: str, name: str) -> None:
        """Answer at once, or after at most `wait` seconds.

        With `If-None-Match`, wait until the ETag changes; without it, until no service blocks the start. With `revision`,
        what failed before the desired state had this revision is tried again.
        """
        wait, revision = self.number_argument("wait", MAX_WAIT), self.number_argument("revision", MAX_REVISION)
        server, with_files = await self._server(user, name)
        reconciler, etag = self.broker.reconciler, self.request.headers.get("If-None-Match")
        if etag is None:
            await reconciler.wait_until_startable(server, int(revision), wait)
        elif not await reconciler.wait_for_change(server, etag, wait):
            self.set_status(304)
            return
        self.set_header("Etag", reconciler.etag(server))
        self.set_header("Cache-Control", "no-store")
        self.answer(reconciler.states(server, with_files=with_files))

    async def _server(self, user: str, name: str) -> tuple[ServerId, bool]:
        """The server in the path, and whether the caller gets its secret files. Only for others is JupyterHub asked."""
        if self.is_from_hub():
            return self.running_server(user, name), True
        caller, server = await self.managed_server(user, name)
        return server, caller.server_id == server


class AttachmentHandler(ApiHandler):
    """One service of one running server."""

    async def put(self, user: str, name: str, service: str) -> None:
        """Attach the service to the running server."""
        _, server = await self.managed_server(user, name)
        level = self._granted_level(server, service, self.body(AttachOptions).level)
        await self.broker.change_requests.submit(ChangeRequest(server.user, server.name, service, level))
        states = {state.service: state for state in self.broker.reconciler.states(server).attachments}
        state = states.get(service) or self._not_confirmed(service, level)
        if state.state == "failed":
            raise ServiceUnavailableError(state.message)
        self.answer(state)

    async def delete(self, user: str, name: str, service: str) -> None:
        """Detach the service; R continues to run."""
        _, server = await self.managed_server(user, name)
        self._require_service(service)
        done = await self.broker.change_requests.submit(ChangeRequest(server.user, server.name, service, None))
        self.set_status(204 if done else ACCEPTED)

    def _not_confirmed(self, service: str, level: str) -> AttachmentState:
        kind = self.broker.reconciler.services[service].kind
        message = "The hub took the request, and has not confirmed it yet."
        return AttachmentState(service=service, kind=kind, level=level, state="starting", message=message)

    def _require_service(self, service: str) -> None:
        if service not in self.broker.reconciler.services:
            raise HTTPError(404, reason="This service does not exist.")

    def _granted_level(self, server: ServerId, service: str, level: str | None) -> str:
        self._require_service(service)
        levels = self.broker.reconciler.services[service].levels
        level = levels[0] if level is None else level
        if level not in levels:
            raise RequestError(f"level: must be one of {', '.join(levels)}.")
        if Grant(service, level) not in self.broker.desired.grants(server.user):
            contact = self.broker.shared.contact_for(service)
            raise NotGrantedError(f"{service}: you have no grant for it at the level {level}; ask {contact}.")
        return level


class PoolsHandler(ApiHandler):
    """The standbys of each profile, for admins."""

    async def get(self) -> None:
        """As the hub last reported them."""
        await self.require_admin()
        self.answer(PoolList(pools=self.broker.desired.pools))


class TokenReviewsHandler(ApiHandler):
    """The check that a gateway makes for each new token."""

    async def post(self) -> None:
        """Return the compute server of the token, if it may use the gateway's service now.

        A program that works for a user in another service, such as a Spark driver, may use it at the user's highest level.
        """
        services, secret = self.broker.reconciler.services, self.token() or ""
        own = {name: service for name, service in services.items() if service.is_gateway_secret(secret)}
        # the secret is checked before the body is read: a stranger learns nothing of what it should be
        review = self.body(TokenReviewRequest) if own else None
        if review is None or review.service not in own:
            raise HTTPError(403, reason="Only a gateway may do this.")
        found = await self._reviewed(review.token, review.service)
        if found is None:
            contact = self.broker.shared.contact_for(review.service)
            raise NotGrantedError(
                f"{review.service} is not attached to your server; attach it, or ask {contact} for a grant."
            )
        self.answer(found)

    async def _reviewed(self, token: str, service: str) -> TokenReview | None:
        if user := self.broker.user_of_program(token):
            found = self.broker.highest_level(user, service)
            groups = tuple(sorted(self.broker.desired.groups(user)))
            return TokenReview(user=user, server=found[0].name, level=found[1], groups=groups) if found else None
        caller = await self.identify(token)
        level = self.broker.desired.allowed_level(caller.server_id, service) if caller.server_id else None
        if not caller.server_id or not level:
            return None
        return TokenReview(user=caller.user, server=caller.server_id.name, level=level, groups=caller.groups)


class DesiredStateHandler(ApiHandler):
    """The desired state, sent by the hub."""

    def put(self) -> None:
        """Replace the desired state, or the part of it that changed."""
        self.require_hub()
        try:
            self.broker.reconciler.update(self.body(DesiredStateUpdate))
        except ConflictError as error:
            self.answer(RevisionConflict(message=str(error), revision=self.broker.reconciler.revision), 409)
        else:
            self.set_status(204)


class ChangeRequestsHandler(ApiHandler):
    """The users' change requests, taken by the hub."""

    _taking: "asyncio.Future[PendingRequests] | None" = None

    async def get(self) -> None:
        """Answer as soon as there is a request, or with none after `wait` seconds."""
        self.require_hub()
        wait = self.number_argument("wait", MAX_WAIT)
        self._taking = asyncio.ensure_future(self.broker.change_requests.take(wait))
        with suppress(asyncio.CancelledError):
            self.answer(await self._taking)

    def on_connection_close(self) -> None:
        """Take nothing for a hub that has gone away: it would be lost."""
        if self._taking is not None:
            self._taking.cancel()
