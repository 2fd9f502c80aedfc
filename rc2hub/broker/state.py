"""What the broker's handlers share, and the view of the catalogue as one person sees it."""

import hmac
from dataclasses import asdict, dataclass, field
from typing import Any

from rc2hub.broker.reconcile import Reconciler
from rc2hub.broker.wishes import Wishes
from rc2hub.permissions import Grants, granted_levels
from rc2hub.services.base import Server
from rc2hub.services.catalogue import SharedServices


@dataclass(frozen=True)
class Broker:
    """The parts of the running broker."""

    shared: SharedServices
    reconciler: Reconciler
    wishes: Wishes
    hub_token: str = field(repr=False)

    def is_hub(self, token: str | None) -> bool:
        """Whether this is the secret that hub and broker share."""
        return token is not None and hmac.compare_digest(token.encode(), self.hub_token.encode())

    def grants(self, user: str) -> Grants:
        """What the hub says the person may use now."""
        desired = self.reconciler.desired
        return desired.grants.get(user, frozenset()) if desired else frozenset()

    def servers_of(self, user: str) -> list[Server]:
        """The person's compute servers that are active now."""
        desired = self.reconciler.desired
        return sorted(server for server in desired.servers if server.user == user) if desired else []

    def pools(self) -> list[dict[str, Any]]:
        """How the standbys of each profile are, for admins of the hub: as it said last, at most 15 seconds ago."""
        desired = self.reconciler.desired
        return [asdict(pool) for pool in desired.pools] if desired else []

    def catalogue_for(self, server: Server) -> list[dict[str, Any]]:
        """Every service, as this server's owner sees it: granted or why not, attached as whom until when."""
        attached = {state["service"]: state for state in self.reconciler.states(server)}
        return [self._entry(server, name, attached.get(name, {})) for name in sorted(self.reconciler.services)]

    def _entry(self, server: Server, name: str, state: dict[str, Any]) -> dict[str, Any]:
        service = self.reconciler.services[name]
        granted = granted_levels(self.grants(server.user), name, service.levels)
        why = "" if granted else "You have no grant for this service."
        return {
            "service": name,
            "kind": service.kind,
            "display_name": self.shared.display_name(name),
            "levels": list(service.levels),
            "granted": list(granted),
            "attached": state.get("state") == "attached",
            "level": state.get("level", ""),
            "role": state.get("role", ""),
            "until": state.get("until", ""),
            "state": state.get("state", "detached"),
            "why": state.get("why") or why,
            "contact": self.shared.contact_for(name),
            "use": state.get("use", ""),
        }
