"""The pages of a login at an OpenID provider: login, callback, logout. They extend the handlers of oauthenticator.

An error gives one page and one line in the log. No exception leaves these handlers: JupyterHub hides codes, states and
tokens in the address of a request that it logs, but not in the log of an exception.
"""

from html import escape
from typing import Any
from urllib.parse import urljoin

from jupyterhub.utils import url_path_join
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, OAuthLogoutHandler
from tornado import web
from tornado.httputil import url_concat

from rc2hub.errors import LoginRefusedError, ProviderError
from rc2hub.hub.authenticators.error_page import render_error
from rc2hub.hub.authenticators.oidc_provider import NEW_LOGIN_CODES, printable_code, subject

MAX_HINT_LENGTH = 3000
"""Characters. Users in many groups have a longer ID token; proxies refuse an address that holds it."""
STALE_LOGIN = "This login was started in another browser, or too long ago; log in again."
HUB_ERROR = "This hub could not finish the login because of an internal error; tell its operator."


class LoginHandler(OAuthLoginHandler):  # type: ignore[misc]
    """Sends the user to the provider."""

    async def get(self) -> None:
        """Discover the provider first, if it did not answer until now."""
        try:
            await self.authenticator.discover()
        except ProviderError as error:
            await render_error(self, 503, str(error))
            return
        super().get()


class CallbackHandler(OAuthCallbackHandler):  # type: ignore[misc]
    """Receives the user who comes back from the provider."""

    async def get(self) -> None:
        """Log the user in, or show one sentence that says why not."""
        try:
            await super().get()
        except ProviderError as error:
            await render_error(self, 503, str(error), self.action_links())
        except LoginRefusedError as error:
            await render_error(self, 403, str(error), self.action_links())
        except web.HTTPError as error:
            # the parent raises 403 for a user who is not allowed, and others for a wrong state of this login
            sentence = self.authenticator.custom_403_message if error.status_code == 403 else STALE_LOGIN  # noqa: PLR2004
            await render_error(self, error.status_code, sentence, self.action_links())
        except Exception:
            self.log.exception("An error in the login, maybe in a hook of the configuration:")
            await render_error(self, 500, HUB_ERROR)

    def check_error(self) -> None:
        """Check whether the provider sent the user back without a login.

        Raises:
            LoginRefusedError: if the user cancelled, or the provider refused the user.
            ProviderError: if the provider refused the hub.
        """
        code = self.get_argument("error", "")
        if not code:
            return
        code = printable_code(code)
        if code in NEW_LOGIN_CODES:
            raise LoginRefusedError(f"The login was cancelled or refused ({code}); log in again, or ask your organisation.")
        raise ProviderError(f"The provider could not log you in ({code}); tell the operator of this hub.")

    async def auth_to_user(self, authenticated: dict[str, Any], user: Any = None) -> Any:
        """Store the login, unless the name belonged to another account of the provider before.

        At many providers a name can move to another account. That account must not get the servers and files of the first.

        Raises:
            LoginRefusedError: if the name belonged to another account.
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

    def action_links(self) -> str:
        """Links for a user who was refused. Without the logout, the provider would log in the same account again."""
        login, logout = (escape(url_path_join(self.hub.base_url, page)) for page in ("login", "logout"))
        return f'<a href="{login}">Log in again</a>, or <a href="{logout}">log out</a> to use another account.'


class LogoutHandler(OAuthLogoutHandler):  # type: ignore[misc]
    """Ends the provider's session after the hub's. Else the next user of this browser could log in without a password."""

    id_token = ""

    async def handle_logout(self) -> None:
        """Keep the ID token, which names the session to end; the hub's cookies are cleared already."""
        await super().handle_logout()
        state = await self.current_user.get_auth_state() if self.current_user else None
        self.id_token = (state or {}).get("id_token") or ""

    async def render_logout_page(self) -> None:
        """Redirect to the provider's logout. It redirects to the login page, or to `logout_redirect_url`."""
        authenticator = self.authenticator
        if not authenticator.end_session_url:
            await super().render_logout_page()
            return
        login_page = urljoin(authenticator.get_callback_url(self), "login")
        arguments = {
            "client_id": authenticator.client_id,
            "post_logout_redirect_uri": authenticator.logout_redirect_url or login_page,
        }
        if 0 < len(self.id_token) <= MAX_HINT_LENGTH:
            arguments["id_token_hint"] = self.id_token
        self.redirect(url_concat(authenticator.end_session_url, arguments))
