"""What the broker's handlers share, and the catalogue as one user sees it."""

import hmac
from dataclasses import asdict, dataclass, field
from typing import Any

from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.reconciler import Reconciler
from rc2hub.messages import ServerId
from rc2hub.permissions import Grants, granted_levels
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

    def grants(self, user: str) -> Grants:
        """The user's grants in the desired state."""
        desired = self.reconciler.desired
        return desired.grants.get(user, frozenset()) if desired else frozenset()

    def servers_of(self, user: str) -> list[ServerId]:
        """The user's active compute servers."""
        desired = self.reconciler.desired
        return sorted(server for server in desired.servers if server.user == user) if desired else []

    def pools(self) -> list[dict[str, Any]]:
        """The standbys of each profile, for admins of the hub; at most 15 seconds old."""
        desired = self.reconciler.desired
        return [asdict(pool) for pool in desired.pools] if desired else []

    def catalogue_for(self, server: ServerId) -> list[dict[str, Any]]:
        """Every service as the server's owner sees it: the grant, and the attachment or the reason why there is none."""
        attached = {state["service"]: state for state in self.reconciler.states(server)}
        return [self._entry(server, name, attached.get(name, {})) for name in sorted(self.reconciler.services)]

    def _entry(self, server: ServerId, name: str, state: dict[str, Any]) -> dict[str, Any]:
        service = self.reconciler.services[name]
        granted = granted_levels(self.grants(server.user), name, service.levels)
        message = "" if granted else "You have no grant for this service."
        return {
            "service": name,
            "kind": service.kind,
            "display_name": self.shared.display_name(name),
            "levels": list(service.levels),
            "granted": list(granted),
            "attached": state.get("state") == "attached",
            "level": state.get("level", ""),
            "role": state.get("role", ""),
            "expires_at": state.get("expires_at", ""),
            "state": state.get("state", "detached"),
            "message": state.get("message") or message,
            "contact": self.shared.contact_for(name),
            "r_code": state.get("r_code", ""),
        }
