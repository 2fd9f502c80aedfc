"""What the answers of an OpenID provider mean. Nothing here asks it anything."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import HTTPClientError

WELL_KNOWN = "/.well-known/openid-configuration"
LOGIN_AGAIN = {"access_denied", "consent_required", "interaction_required", "invalid_grant", "login_required"}
"""Error codes that concern the person, and that a new login may mend; all others concern the hub or the provider."""
TOO_MANY_REQUESTS = 429
INTERNAL_ERROR = 500
TIMEOUT = 599
"""What tornado calls it; not a status of HTTP."""


@dataclass(frozen=True)
class Endpoints:
    """Where the provider does what, as its discovery document says; a provider may have no `end_session`."""

    authorize: str
    token: str
    userinfo: str
    end_session: str

    @classmethod
    def read(cls, document: Mapping[str, Any], issuer: str) -> "Endpoints":
        """The endpoints in the document that stands at the issuer's address.

        Raises:
            ValueError: if it is no such document, is another issuer's, or names an address without TLS.
        """
        if str(document.get("issuer")).rstrip("/") != issuer.rstrip("/"):
            raise ValueError(f"{issuer}{WELL_KNOWN} is of the issuer {document.get('issuer')!r}")
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")
        found = [str(document.get(name, "")) for name in names]
        if not all(found[:2]) or not all(url.startswith("https://") for url in found if url):
            raise ValueError(f"{issuer}{WELL_KNOWN} lacks an address, or has one without https://")
        return cls(*found)


def json_object(body: bytes) -> dict[str, Any]:
    """What every answer of a provider is.

    Raises:
        ValueError: if this is something else.
    """
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 - as when it is no JSON
    return answer


def is_outage(error: HTTPClientError) -> bool:
    """Whether the provider could not answer, rather than would not."""
    return error.code >= INTERNAL_ERROR or error.code == TOO_MANY_REQUESTS


def error_code(error: HTTPClientError) -> str:
    """The OAuth error code in a refusal, such as `invalid_grant`; the bare status if there is none."""
    try:
        return plain(json.loads(error.response.body if error.response else b"")["error"])
    except (KeyError, TypeError, ValueError):
        return str(error.code)


def plain(code: Any) -> str:
    """An error code as it may be shown and logged: whoever made the address or the answer could put anything there."""
    return code if isinstance(code, str) and re.fullmatch("[a-z_]{1,60}", code) else "unknown"


def subject(user_info: Mapping[str, Any] | None) -> str | None:
    """The one claim that never names anybody else later."""
    return (user_info or {}).get("sub")
