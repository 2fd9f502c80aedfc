"""The way to the provider, back from it, and out: the parent's handlers, and what they lack.

An error ends in one page and one line of the log. JupyterHub's line of each request hides codes, states and tokens in
addresses, the line of an exception does not, so no exception leaves these handlers.
"""

from html import escape
from typing import Any
from urllib.parse import urljoin

from jupyterhub.utils import url_path_join
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, OAuthLogoutHandler
from tornado import web
from tornado.httputil import url_concat

from rc2hub.authenticators.provider import LOGIN_AGAIN, plain, subject
from rc2hub.authenticators.refusal import refuse
from rc2hub.errors import LoginRefusedError, ProviderError

LONGEST_HINT = 3000
"""Characters; a longer ID token, as people in many groups have it, makes an address that proxies refuse."""
STALE = "This login was begun in another browser, or too long ago; log in again."
BROKEN = "This hub could not finish the login, because of an error of its own; tell its operator."


class LoginHandler(OAuthLoginHandler):  # type: ignore[misc]
    """Sends the person to the provider."""

    async def get(self) -> None:
        """Find the provider first, if it was away until now."""
        try:
            await self.authenticator.discover()
        except ProviderError as error:
            await refuse(self, 503, str(error))
            return
        super().get()


class CallbackHandler(OAuthCallbackHandler):  # type: ignore[misc]
    """Takes the person back from the provider."""

    async def get(self) -> None:
        """Log her in, or say in one sentence why not."""
        try:
            await super().get()
        except ProviderError as error:
            await refuse(self, 503, str(error), self.ways_on())
        except LoginRefusedError as error:
            await refuse(self, 403, str(error), self.ways_on())
        except web.HTTPError as error:
            # the parent's, for somebody who is not allowed; its others are about the state of this login
            sentence = self.authenticator.custom_403_message if error.status_code == 403 else STALE  # noqa: PLR2004
            await refuse(self, error.status_code, sentence, self.ways_on())
        except Exception:
            self.log.exception("An error in the login, maybe in a hook of the configuration:")
            await refuse(self, 500, BROKEN)

    def check_error(self) -> None:
        """Whether the provider sent her back without a login.

        Raises:
            LoginRefusedError: if she cancelled, or the provider does not let her in.
            ProviderError: if it is the hub that the provider refuses.
        """
        code = self.get_argument("error", "")
        if not code:
            return
        code = plain(code)
        if code in LOGIN_AGAIN:
            raise LoginRefusedError(f"The login was cancelled or refused ({code}); log in again, or ask your organisation.")
        raise ProviderError(f"The provider could not log you in ({code}); tell the operator of this hub.")

    async def auth_to_user(self, authenticated: dict[str, Any], user: Any = None) -> Any:
        """Store who logged in, unless the name belonged to another account of the provider before.

        Names can be changed at many providers, and given to somebody else, with everything that is behind them here.

        Raises:
            LoginRefusedError: if it did.
        """
        known = self.find_user(authenticated["name"])
        key = self.authenticator.user_auth_state_key
        before = subject(((await known.get_auth_state() if known else None) or {}).get(key))
        now = subject((authenticated["auth_state"] or {}).get(key))
        if before and now and before != now:
            raise LoginRefusedError(
                f"The name {authenticated['name']} belonged to another account before; ask the operator of this hub."
            )
        return await super().auth_to_user(authenticated, user)

    def ways_on(self) -> str:
        """Links for somebody who was not let in; the provider would log her in again with the same account."""
        login, logout = (escape(url_path_join(self.hub.base_url, page)) for page in ("login", "logout"))
        return f'<a href="{login}">Log in again</a>, or <a href="{logout}">log out</a> to use another account.'


class LogoutHandler(OAuthLogoutHandler):  # type: ignore[misc]
    """Ends the session at the provider after that of the hub: it would let the next person at this screen in again."""

    id_token = ""

    async def handle_logout(self) -> None:
        """Fetch what shows the provider who leaves, while we know it; the hub's cookies are cleared by now."""
        await super().handle_logout()
        state = await self.current_user.get_auth_state() if self.current_user else None
        self.id_token = (state or {}).get("id_token") or ""

    async def render_logout_page(self) -> None:
        """Send her to the provider's logout; it sends her back to the login page, or to `logout_redirect_url`."""
        authenticator = self.authenticator
        if not authenticator.end_session_url:
            await super().render_logout_page()
            return
        login_page = urljoin(authenticator.get_callback_url(self), "login")
        arguments = {
            "client_id": authenticator.client_id,
            "post_logout_redirect_uri": authenticator.logout_redirect_url or login_page,
        }
        if 0 < len(self.id_token) <= LONGEST_HINT:
            arguments["id_token_hint"] = self.id_token
        self.redirect(url_concat(authenticator.end_session_url, arguments))
