"""Single-user mode: one file lists the users and their groups, and a user logs in by a link that works once.

`make up` prints the links, so that users need no passwords.
"""

import hashlib
import json
import secrets
import time
import tomllib
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from traitlets import Unicode, default

from rc2hub.hub.authenticators.error_page import render_error

LINK_LIFETIME = 12 * 3600
"""Seconds for which an unused link is valid."""


class Rc2LoginLinkAuthenticator(Authenticator):  # type: ignore[misc]
    """Logs in users of one machine by links that work once."""

    users_file = Unicode(
        "users.toml",
        help="""TOML file of the users who may log in: one table for each user, with the user's `groups`. The file is read
        again at each login and refresh, so a change takes effect within `auth_refresh_age`. Example: `[alice]` and below
        it `groups = ["stat545"]`.""",
    ).tag(config=True)
    links_dir = Unicode(
        "links",
        help="""Folder of the login links that are not used yet. It holds hashes of the links, never the links.""",
    ).tag(config=True)

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
            "<p>Open the login link that <code>make up</code> printed. It works once; "
            "<code>rc2hub link NAME</code> prints a new one.</p>"
        )

    def users(self) -> dict[str, list[str]]:
        """Each user's name, with the user's groups."""
        return read_users(Path(self.users_file))

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> dict[str, Any] | None:
        """The user of this unused link, with the user's groups; None for any other token."""
        name = take_link(Path(self.links_dir), data.get("token", ""))
        groups = self.users().get(name) if name else None
        return None if groups is None else {"name": name, "groups": groups}

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None) -> dict[str, Any] | bool:
        """The user's groups as the file has them now; False for a user who is no longer in the file."""
        groups = self.users().get(user.name)
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


def read_users(file: Path) -> dict[str, list[str]]:
    """The users in a `users.toml`: each name, with the user's groups."""
    with file.open("rb") as source:
        return {name: list(entry.get("groups", [])) for name, entry in tomllib.load(source).items()}


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
