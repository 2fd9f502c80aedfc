"""What a user requests for a start: a profile and shared services. One parser for the three ways to send a request.

They are the form, a link with `opt-` parameters, and JupyterHub's REST API. A link has the fields `profile` and `service`,
repeated. The form has `service.NAME` for each service, as each group of radio buttons has its own name. The REST API sends
`{"profile": "r", "services": ["flights", "orders:write"]}`, and JupyterHub stores a request in this form too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rc2hub.errors import NotGrantedError, RequestError
from rc2hub.permissions import Grant, Grants, granted_levels
from rc2hub.profiles import Profile

REQUEST_FIELDS = ("profile", "services")
MAX_SHOWN = 40
"""Characters of an invalid value that an error message repeats."""


@dataclass(frozen=True)
class ServiceChoice:
    """A shared service that users can choose."""

    name: str
    kind: str
    display_name: str
    contact: str
    levels: tuple[str, ...]
    blocks_start: bool
    description: str = ""


@dataclass(frozen=True)
class SpawnChoices:
    """All profiles and services that a request can name on this hub."""

    profiles: Mapping[str, Profile]
    services: Mapping[str, ServiceChoice]


def from_fields(fields: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Convert the fields of the form or of a link to the object that the REST API sends."""
    chosen = {field for field in fields if field == "service" or field.startswith("service.")}
    options: dict[str, Any] = {field: values for field, values in fields.items() if field not in chosen}
    options["services"] = [value for field in sorted(chosen) for value in fields[field] if value]
    if "profile" in options:
        options["profile"] = options["profile"][-1]
    return options


@dataclass(frozen=True)
class SpawnRequest:
    """A profile, and each requested service with its level."""

    profile: str
    services: Mapping[str, str]

    @classmethod
    def parse(cls, options: object, choices: SpawnChoices) -> "SpawnRequest":
        """Read the options of a start. Without a profile it is the first one; without services there are none.

        Raises:
            RequestError: naming the field that is malformed or has an unknown value.
        """
        if not isinstance(options, Mapping):
            raise RequestError("The request must be an object with the fields profile and services.")
        for field in options.keys() - set(REQUEST_FIELDS):
            raise RequestError(f"{_shown(field)}: there is no such field; a request has profile and services.")
        requested = options.get("services") or []
        if isinstance(requested, str) or not isinstance(requested, Sequence):
            raise RequestError('services: must be a list such as ["flights"] or ["flights:write"].')
        return cls(_profile(options.get("profile"), choices), _services(requested, choices))

    def check(self, grants: Grants, choices: SpawnChoices) -> None:
        """Check that every requested service is granted at its level.

        Raises:
            NotGrantedError: naming the first service that is not, the reason, and the contact.
        """
        for name, level in self.services.items():
            service = choices.services[name]
            if Grant(name, level) not in grants:
                raise NotGrantedError(f"{name}: {refusal_reason(service, level, grants)}; ask {service.contact}.")

    def options(self) -> dict[str, Any]:
        """The request as JupyterHub stores it; `parse` reads it back."""
        return {"profile": self.profile, "services": [f"{name}:{level}" for name, level in self.services.items()]}


def refusal_reason(service: ServiceChoice, level: str, grants: Grants) -> str:
    """Why these grants do not allow the service at that level, as a clause of a sentence."""
    have = granted_levels(grants, service.name, service.levels)
    if not have:
        return "you have no grant for this service"
    return f"you may use this service with {have[-1]}, not with {level}"


def _profile(value: object, choices: SpawnChoices) -> str:
    if value is None:
        return next(iter(choices.profiles))
    if not isinstance(value, str) or value not in choices.profiles:
        raise RequestError(f"profile: there is no profile {_shown(value)}; choose from {', '.join(choices.profiles)}.")
    return value


def _services(requested: Sequence[object], choices: SpawnChoices) -> dict[str, str]:
    levels: dict[str, str] = {}
    for item in requested:
        name, _, level = item.partition(":") if isinstance(item, str) else ("", "", "")
        service = choices.services.get(name)
        if service is None:
            raise RequestError(f"services: there is no service {_shown(item)}; choose from {', '.join(choices.services)}.")
        level = level or service.levels[0]
        if level not in service.levels:
            raise RequestError(f"services: {name} has no level {_shown(level)}; choose from {', '.join(service.levels)}.")
        # requested twice, by a link: the higher level counts
        levels[name] = max(level, levels.get(name, level), key=service.levels.index)
    return dict(sorted(levels.items()))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
