"""What a person asks for at login: a profile and shared services. One value and one parser for the three doors.

The doors are the form, a link with `opt-` parameters and JupyterHub's REST API. Form and link spell the same fields
(`profile`, `service`, repeated); the REST API sends `{"profile": "r", "services": ["flights", "orders:write"]}`, which is
also how JupyterHub stores a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rc2hub.errors import NotGrantedError, RequestError
from rc2hub.permissions import Grant, Grants, granted_levels
from rc2hub.profiles import Profile

FIELDS = ("profile", "services")
SHOWN = 40
"""Characters of a wrong value that are repeated to the person who sent it."""


@dataclass(frozen=True)
class OfferedService:
    """A shared service as a person meets it."""

    name: str
    kind: str
    display_name: str
    contact: str
    levels: tuple[str, ...]
    before_prompt: bool


@dataclass(frozen=True)
class Offer:
    """Everything that can be asked for on this hub."""

    profiles: Mapping[str, Profile]
    services: Mapping[str, OfferedService]


def from_fields(fields: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Bring the fields of the form or of a link into the shape that the REST API sends and JupyterHub stores."""
    options: dict[str, Any] = dict(fields)
    options["services"] = list(options.pop("service", ()))
    if "profile" in options:
        options["profile"] = options["profile"][-1]
    return options


@dataclass(frozen=True)
class SpawnRequest:
    """One profile, and each service asked for at one level."""

    profile: str
    services: Mapping[str, str]

    @classmethod
    def parse(cls, options: object, offer: Offer) -> "SpawnRequest":
        """Read the options of a start; what is left out is the first profile and no services.

        Raises:
            RequestError: naming the field that is malformed, or names something that is not on offer.
        """
        if not isinstance(options, Mapping):
            raise RequestError("The request must be an object with the fields profile and services.")
        for field in options.keys() - set(FIELDS):
            raise RequestError(f"{_shown(field)}: there is no such field; a request has profile and services.")
        asked = options.get("services") or []
        if isinstance(asked, str) or not isinstance(asked, Sequence):
            raise RequestError('services: must be a list such as ["flights"] or ["flights:write"].')
        return cls(_profile(options.get("profile"), offer), _services(asked, offer))

    def check(self, grants: Grants, offer: Offer) -> None:
        """See that every service asked for is granted at its level.

        Raises:
            NotGrantedError: naming the first service that is not, why, and whom to ask.
        """
        for name, level in self.services.items():
            service = offer.services[name]
            if Grant(name, level) not in grants:
                raise NotGrantedError(f"{name}: {why_not(service, level, grants)}; ask {service.contact}.")

    def options(self) -> dict[str, Any]:
        """The request as JupyterHub stores it; `parse` reads it back."""
        return {"profile": self.profile, "services": [f"{name}:{level}" for name, level in self.services.items()]}


def why_not(service: OfferedService, level: str, grants: Grants) -> str:
    """In words, why these grants do not allow the service at that level."""
    have = granted_levels(grants, service.name, service.levels)
    if not have:
        return "you have no grant for this service"
    return f"you may use this service with {have[-1]}, not with {level}"


def _profile(value: object, offer: Offer) -> str:
    if value is None:
        return next(iter(offer.profiles))
    if not isinstance(value, str) or value not in offer.profiles:
        raise RequestError(f"profile: there is no profile {_shown(value)}; choose from {', '.join(offer.profiles)}.")
    return value


def _services(asked: Sequence[object], offer: Offer) -> dict[str, str]:
    levels: dict[str, str] = {}
    for item in asked:
        name, _, level = item.partition(":") if isinstance(item, str) else ("", "", "")
        service = offer.services.get(name)
        if service is None:
            raise RequestError(f"services: there is no service {_shown(item)}; choose from {', '.join(offer.services)}.")
        level = level or service.levels[0]
        if level not in service.levels:
            raise RequestError(f"services: {name} has no level {_shown(level)}; choose from {', '.join(service.levels)}.")
        # asked twice, by the boxes for read and for write: the higher level holds
        levels[name] = max(level, levels.get(name, level), key=service.levels.index)
    return dict(sorted(levels.items()))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
