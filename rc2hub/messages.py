"""The messages between the hub, the broker and the compute servers, as pydantic models; both sides use the same ones.

`rc2hub/broker/openapi.py` describes the broker's API with these models. The gateways import none: pydantic takes 12 MB.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from rc2hub.permissions import Grant, Grants, grants_in
from rc2hub.server_id import ServerId

DEFAULT_SERVER = "-"
"""Stands in a path for the default server, whose name is empty; JupyterHub allows no server with this name."""

Count = Annotated[int, Field(ge=0)]


class Message(BaseModel):
    """The base of all messages: they cannot be changed, and a field that the receiver does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class PoolState:
    """The standbys of one profile at one moment."""

    profile: str
    desired: Annotated[Count, Field(description="How many standbys should be ready.")]
    ready: Annotated[Count, Field(description="Standbys that can be claimed now.")]
    starting: Annotated[Count, Field(description="Standbys that are starting.")]
    broken: Annotated[Count, Field(description="Standbys that fail to start.")]
    message: Annotated[str, Field(description="Why standbys are missing, in one sentence; empty if none are.")]


@dataclass(frozen=True)
class UserState:
    """The grants of a user, and the services of the user's active servers."""

    scopes: Annotated[frozenset[str], Field(description="The user's custom scopes of Rc², which are the grants.")]
    servers: Annotated[
        Mapping[str, Mapping[str, str]],
        Field(description="Name of each active server to service to level, as the user requested them."),
    ]
    groups: Annotated[frozenset[str], Field(description="The user's groups in the hub.")] = frozenset()


class DesiredStateUpdate(Message):
    """What the hub sends to the broker at every change: the whole desired state, or what changed since a revision."""

    revision: Count = Field(description="Grows with each message; the broker refuses one that is not newer than the last.")
    since: Count | None = Field(
        default=None,
        description="The revision to which this is the difference; null if the message holds the whole desired state.",
    )
    users: Mapping[str, UserState | None] = Field(
        description="The owners of active servers, and other users that the broker asked for; null for a user to forget."
    )
    pools: tuple[PoolState, ...] = ()


@dataclass(frozen=True)
class DesiredState:
    """What should be attached: the users' grants, and the services of every active server. Not a message itself."""

    revision: int = 0
    users: Mapping[str, UserState] = field(default_factory=dict)
    pools: tuple[PoolState, ...] = ()

    def updated(self, update: DesiredStateUpdate) -> "DesiredState":
        """The desired state after a message."""
        users = dict(self.users) if update.since is not None else {}
        for name, state in update.users.items():
            if state is None:
                users.pop(name, None)
            else:
                users[name] = state
        return DesiredState(update.revision, users, update.pools)

    def services(self, server: ServerId) -> Mapping[str, str]:
        """Service to level, as the user requested them; empty for a server that is not active."""
        return self.users[server.user].servers.get(server.name, {}) if server.user in self.users else {}

    def servers_of(self, user: str) -> list[ServerId]:
        """The user's active servers."""
        return [ServerId(user, name) for name in sorted(self.users[user].servers)] if user in self.users else []

    def servers(self) -> Iterator[ServerId]:
        """All active servers."""
        return (ServerId(user, name) for user, state in self.users.items() for name in state.servers)

    def grants(self, user: str) -> Grants:
        """The user's grants; a user who is not in the desired state has none."""
        return grants_in(self.users[user].scopes) if user in self.users else frozenset()

    def groups(self, user: str) -> frozenset[str]:
        """The user's groups in the hub; a user who is not in the desired state has none."""
        return self.users[user].groups if user in self.users else frozenset()

    def allowed_level(self, server: ServerId, service: str) -> str | None:
        """The level that the server requests, if its owner has the grant; otherwise None."""
        level = self.services(server).get(service)
        if level is None or Grant(service, level).scope not in self.users[server.user].scopes:
            return None
        return level


@dataclass(frozen=True)
class ChangeRequest:
    """A user's request to attach a service to a running server at a level, or to detach it if the level is None."""

    user: str
    server: str
    service: str
    level: str | None

    @property
    def server_id(self) -> ServerId:
        """The running server."""
        return ServerId(self.user, self.server)

    def is_applied_in(self, desired: DesiredState) -> bool:
        """Whether the desired state contains the change."""
        return desired.services(self.server_id).get(self.service) == self.level


class PendingRequests(Message):
    """What the broker wants from the hub."""

    change_requests: tuple[ChangeRequest, ...] = Field(description="Each is returned once; a level of null is a detach.")
    users: tuple[str, ...] = Field(
        default=(), description="Users whose grants the broker needs, though they have no active server."
    )


State = Literal["attached", "starting", "failed", "detached"]


class AttachmentState(Message):
    """One service that a server requests, as the broker reports it."""

    service: str
    kind: str
    level: str
    state: State
    role: str = Field(default="", description="The user or role that the server has in the service.")
    expires_at: str = Field(
        default="", description="When the credential expires unless it is renewed (ISO 8601, UTC); empty if not attached."
    )
    message: str = Field(default="", description="Why it is not attached, in one sentence.")
    r_code: str = Field(default="", description="The line of R that connects to the service.")
    python_code: str = Field(default="", description="The line of Python that connects to the service, if there is one.")
    settings: Mapping[str, str] = Field(default_factory=dict, description="The connection settings that are not secret.")
    files: Mapping[str, str] | None = Field(
        default=None,
        repr=False,
        exclude_if=lambda files: files is None,
        description="The secret files, by name; only with the token of that server.",
    )


class AttachmentList(Message):
    """The services that a server requests."""

    attachments: tuple[AttachmentState, ...]


class CatalogueEntry(Message):
    """One service of the catalogue, as a user sees it."""

    service: str
    kind: str
    display_name: str
    description: str = Field(description="What the service is for; empty if the operator does not say it.")
    levels: tuple[str, ...]
    granted: tuple[str, ...] = Field(description="The granted levels, the lowest first.")
    attached: bool
    level: str
    role: str
    expires_at: str
    state: State
    message: str
    contact: str = Field(description="Whom to ask for a grant.")
    r_code: str
    python_code: str


class Catalogue(Message):
    """All services."""

    services: tuple[CatalogueEntry, ...]


class PoolList(Message):
    """The profiles that have a pool."""

    pools: tuple[PoolState, ...]


class Health(Message):
    """Whether the broker works; the services only for callers with a valid token."""

    has_desired_state: bool = Field(description="Whether the hub has sent its desired state.")
    services: Mapping[str, Literal["ready", "failed"]] = Field(default_factory=dict)


class AttachOptions(Message):
    """How to attach a service."""

    level: str | None = Field(default=None, description="By default the lowest level.")


class TokenReviewRequest(Message):
    """A token that a gateway received."""

    service: str
    token: str = Field(repr=False)


class TokenReview(Message):
    """The compute server that a token was issued to, and the level at which it may use the service now."""

    user: str
    server: str
    level: str
    groups: tuple[str, ...] = Field(default=(), description="The user's groups.")


class ErrorMessage(Message):
    """Why a request failed."""

    message: str = Field(description="What failed and what to do, in one sentence.")


class RevisionConflict(ErrorMessage):
    """Why a desired state was refused; the hub sends the whole of it again, with a greater revision."""

    revision: Count = Field(description="The revision that the broker has; 0 if it has none.")
