"""What the broker's handlers share, and the catalogue as one user sees it."""

import hmac
from dataclasses import dataclass, field

from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.reconciler import Reconciler, etag_of
from rc2hub.messages import AttachmentState, Catalogue, CatalogueEntry, DesiredState
from rc2hub.permissions import granted_levels
from rc2hub.server_id import ServerId
from rc2hub.services.catalogue import SharedServices


@dataclass(frozen=True)
class BrokerState:
    """The broker's state, shared by its handlers."""

    shared: SharedServices
    reconciler: Reconciler
    change_requests: ChangeRequests
    hub_token: str = field(repr=False)

    def is_hub_token(self, token: str | None) -> bool:
        """Whether this is the secret shared by the hub and the broker."""
        return token is not None and hmac.compare_digest(token.encode(), self.hub_token.encode())

    @property
    def desired(self) -> DesiredState:
        """The newest desired state; empty before the first."""
        return self.reconciler.desired or DesiredState()

    def user_of_program(self, token: str) -> str | None:
        """The user for whom a program of a service works that has this token; None if the service is not attached now."""
        for name, service in self.reconciler.services.items():
            user = service.user_of_token(token)
            if user is not None and self.highest_level(user, name):
                return user
        return None

    def highest_level(self, user: str, name: str) -> tuple[ServerId, str] | None:
        """The user's server with the highest level of a service now, and the level; None if it is attached to no server."""
        levels = self.reconciler.services[name].levels
        found = [(server, self.desired.allowed_level(server, name)) for server in self.desired.servers_of(user)]
        allowed = [(server, level) for server, level in found if level]
        return max(allowed, key=lambda pair: levels.index(pair[1]), default=None)

    def warnings(self) -> dict[str, tuple[str, ...]]:
        """Name of each service to what its operator should know, one sentence each; only services that have some."""
        found = {self.shared.display_name(name): service.warnings for name, service in self.reconciler.services.items()}
        return {name: warnings for name, warnings in sorted(found.items()) if warnings}

    async def catalogue_for(self, server: ServerId, etag: str = "", seconds: float = 0) -> Catalogue:
        """Every service as the server's owner sees it: the grant, and the attachment or the reason why there is none.

        Wait up to `seconds` for a catalogue whose `etag_of` is not `etag`.
        """
        await self.change_requests.learn_grants(server.user)
        await self.reconciler.wait_until(server, lambda: etag_of(self._catalogue(server)) != etag, seconds)
        return self._catalogue(server)

    def _catalogue(self, server: ServerId) -> Catalogue:
        attached = {state.service: state for state in self.reconciler.states(server).attachments}
        services = (self._entry(server, name, attached.get(name)) for name in sorted(self.reconciler.services))
        return Catalogue(services=tuple(services))

    def _entry(self, server: ServerId, name: str, state: AttachmentState | None) -> CatalogueEntry:
        service = self.reconciler.services[name]
        granted = granted_levels(self.desired.grants(server.user), name, service.levels)
        state = state or AttachmentState(
            service=name,
            kind=service.kind,
            level="",
            state="detached",
            message="" if granted else "You have no grant for this service.",
        )
        return CatalogueEntry(
            display_name=self.shared.display_name(name),
            description=self.shared.description(name),
            levels=service.levels,
            granted=granted,
            attached=state.state == "attached",
            contact=self.shared.contact_for(name),
            **state.model_dump(exclude={"settings", "files"}),
        )
