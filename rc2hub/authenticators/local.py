"""Single-user mode: people and their groups stand in one file, and a person logs in by a link that works once.

`make up` prints the links. There is no password to choose, store or lose.
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

from rc2hub.authenticators.refusal import refuse

LINK_LIFETIME = 12 * 3600
"""Seconds a link can wait to be opened."""


class Rc2LocalAuthenticator(Authenticator):  # type: ignore[misc]
    """Logs people of one machine in by links that work once."""

    people_file = Unicode(
        "people.toml",
        help="""TOML file of the people who may log in, one table each with their `groups`; read anew whenever it matters,
        so a group added or removed counts within `auth_refresh_age`. Example: `[alice]` and below it
        `groups = ["stat545"]`.""",
    ).tag(config=True)
    links_dir = Unicode(
        "links",
        help="""Folder of the login links that were not opened yet; it holds only hashes of them.""",
    ).tag(config=True)

    @default("manage_groups")
    def _default_manage_groups(self) -> bool:
        return True

    @default("allow_all")
    def _default_allow_all(self) -> bool:
        # whoever holds a link is allowed: `authenticate` gives nobody else a name
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

    def people(self) -> dict[str, list[str]]:
        """Name of each person to her groups."""
        with Path(self.people_file).open("rb") as file:
            return {name: list(entry.get("groups", [])) for name, entry in tomllib.load(file).items()}

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> dict[str, Any] | None:
        """The person whose unused link this is, with her groups; None for any other token."""
        name = take_link(Path(self.links_dir), data.get("token", ""))
        groups = self.people().get(name) if name else None
        return None if groups is None else {"name": name, "groups": groups}

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None) -> dict[str, Any] | bool:
        """The person's groups as the file has them now; False for somebody who is no longer in it."""
        groups = self.people().get(user.name)
        return False if groups is None else {"name": user.name, "groups": groups}

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """The page behind a login link."""
        return [*super().get_handlers(app), ("/link", LinkHandler)]


class LinkHandler(BaseHandler):  # type: ignore[misc]
    """Logs in whoever opens an unused link."""

    async def get(self) -> None:
        """Use the link up, and go where a login goes."""
        # JupyterHub's log hides a parameter of this name
        user = await self.login_user({"token": self.get_query_argument("token", "")})
        if user is not None:
            self.redirect(self.hub.base_url)
            return
        await refuse(self, 403, "This link was used or is too old; `rc2hub link NAME` prints a new one.")


def make_link(links: Path, name: str) -> str:
    """Make a link's token for the person; only its hash is stored."""
    links.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    _file(links, token).write_text(json.dumps({"name": name, "expires": time.time() + LINK_LIFETIME}))
    return token


def take_link(links: Path, token: str) -> str | None:
    """The person this token is for, the first time it is asked within its lifetime; None otherwise."""
    file = _file(links, token)
    try:
        link = json.loads(file.read_text())
        file.unlink()
    except OSError:
        return None
    return str(link["name"]) if link["expires"] > time.time() else None


def _file(links: Path, token: str) -> Path:
    return links / hashlib.sha256(token.encode()).hexdigest()
