"""Single-user mode: one file lists the users and their groups, and a user logs in by a link that works once.

`make up` prints the links, so that users need no passwords.
"""

import contextlib
import hashlib
import json
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from traitlets import Unicode, default

from rc2hub.entry import Text, read_entry
from rc2hub.errors import ConfigurationError
from rc2hub.hub.authenticators.error_page import render_error

LINK_LIFETIME = 12 * 3600
"""Seconds for which an unused link is valid."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class UserEntry:
    """One table of the users' file."""

    groups: Annotated[list[Text], Field(description='a list of names such as ["analysts"]')] = Field(default_factory=list)


class Rc2LoginLinkAuthenticator(Authenticator):  # type: ignore[misc]
    """Logs in users of one machine by links that work once."""

    users_file = Unicode(
        "users.toml",
        help="""TOML file of the users who may log in: one table for each user, with the user's `groups`. The file is read
        again at each login and refresh, so a change takes effect within `auth_refresh_age`. While it has a mistake, which
        the log names, users and groups stay as they were. Example: `[alice]` and below it `groups = ["stat545"]`.""",
    ).tag(config=True)
    links_dir = Unicode(
        "links",
        help="""Folder of the login links that are not used yet. It holds hashes of the links, never the links.""",
    ).tag(config=True)

    _users: Mapping[str, list[str]] = {}
    _mistake = ""

    @default("manage_groups")
    def _default_manage_groups(self) -> bool:
        return True

    @default("allow_all")
    def _default_allow_all(self) -> bool:
        # `authenticate` accepts only users of `users_file`
        return True

    @default("auth_refresh_age")
    def _default_auth_refresh_age(self) -> int:
        return 10

    @default("refresh_pre_spawn")
    def _default_refresh_pre_spawn(self) -> bool:
        return True

    @default("custom_html")
    def _default_custom_html(self) -> str:
        return (
            "<p>Open the login link that <code>make up</code> or <code>rc2hub up</code> printed. It works once; "
            "<code>rc2hub link NAME</code> prints a new one.</p>"
        )

    def read_users(self) -> dict[str, list[str]]:
        """Each user's name, with the user's groups.

        Raises:
            ConfigurationError: naming the place in the file.
        """
        return read_users(Path(self.users_file), self.normalize_username)

    def users(self) -> Mapping[str, list[str]]:
        """Each user's name, with the user's groups; while the file has a mistake, as they were before it."""
        try:
            self._users, self._mistake = self.read_users(), ""
        except ConfigurationError as error:
            if str(error) != self._mistake:
                self._mistake = str(error)
                self.log.critical("Users and groups stay as they were: %s", error)
        return self._users

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> dict[str, Any] | None:
        """The user of this unused link, with the user's groups; None for any other token."""
        name = take_link(Path(self.links_dir), data.get("token", ""))
        name = self.normalize_username(name) if name else None
        groups = self.users().get(name) if name else None
        return None if groups is None else {"name": name, "groups": groups}

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None) -> dict[str, Any] | bool:
        """The user's groups as the file has them now; False for a user who is no longer in the file."""
        groups = self.users().get(self.normalize_username(user.name))  # an admin can make a user of any name
        return False if groups is None else {"name": user.name, "groups": groups}

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """The pages of a login, with the one that a login link opens."""
        return [*super().get_handlers(app), ("/link", LinkHandler)]


class LinkHandler(BaseHandler):  # type: ignore[misc]
    """Logs in the user who opens an unused link."""

    async def get(self) -> None:
        """Use the link, and redirect to the hub's start page."""
        # JupyterHub's log hides a parameter of this name
        user = await self.login_user({"token": self.get_query_argument("token", "")})
        if user is not None:
            self.redirect(self.hub.base_url)
            return
        await render_error(self, 403, "This link was used or is too old; `rc2hub link NAME` prints a new one.")


def read_users(file: Path, normalize: Callable[[str], str] = str.lower) -> dict[str, list[str]]:
    """The users in a `users.toml`: each name as JupyterHub normalizes it, with the user's groups.

    Raises:
        ConfigurationError: naming the place in the file, and what is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}; make it, with a table for each user.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: {error}.") from error
    users: dict[str, list[str]] = {}
    for table, entry in tables.items():
        _refuse_dots(file, text, table, entry)
        name = normalize(table)
        if name in users:
            raise ConfigurationError(f"{file}, [{table}]: another table is for the user {name} too; keep one of them.")
        users[name] = read_entry(UserEntry, f"{file}, [{table}]", entry).groups
    return users


def _refuse_dots(file: Path, text: str, table: str, entry: object) -> None:
    """Refuse a table inside a table, which a dot in a name makes; all users without quotes would be one user."""
    inner = [name for name, value in entry.items() if isinstance(value, dict)] if isinstance(entry, dict) else []
    if not inner:
        return
    lines = text.splitlines()
    for number in range(1, len(lines) + 1):
        with contextlib.suppress(ValueError):
            if inner[0] in tomllib.loads("\n".join(lines[:number])).get(table, {}):
                break
    raise ConfigurationError(f'{file}, line {number}: a name with a dot needs quotes: ["{table}.{inner[0]}"].')


def make_link(links: Path, name: str) -> str:
    """Make the token of a login link for the user; only the token's hash is stored."""
    links.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    _file(links, token).write_text(json.dumps({"name": name, "expires": time.time() + LINK_LIFETIME}))
    return token


def take_link(links: Path, token: str) -> str | None:
    """The user of this token, and delete the link; None if the link is unknown, used or too old."""
    file = _file(links, token)
    try:
        link = json.loads(file.read_text())
        file.unlink()
    except OSError:
        return None
    return str(link["name"]) if link["expires"] > time.time() else None


def _file(links: Path, token: str) -> Path:
    return links / hashlib.sha256(token.encode()).hexdigest()
