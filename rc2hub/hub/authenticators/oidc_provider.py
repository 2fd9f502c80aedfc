"""Reads the answers of an OpenID provider. This module sends no requests."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import HTTPClientError

WELL_KNOWN = "/.well-known/openid-configuration"
NEW_LOGIN_CODES = {"access_denied", "consent_required", "interaction_required", "invalid_grant", "login_required"}
"""Error codes that a new login of the user may solve; all others concern the hub or the provider."""
TOO_MANY_REQUESTS = 429
INTERNAL_ERROR = 500
TIMEOUT_STATUS = 599
"""Tornado's status for a timeout; HTTP has no such status."""


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of the provider's discovery document; `userinfo` and `end_session` may be empty."""

    authorize: str
    token: str
    userinfo: str
    end_session: str

    @classmethod
    def read(cls, document: Mapping[str, Any], issuer: str) -> "Endpoints":
        """The endpoints in the discovery document of this issuer.

        Raises:
            ValueError: if it is no discovery document, belongs to another issuer, or has an address without TLS.
        """
        if str(document.get("issuer")).rstrip("/") != issuer.rstrip("/"):
            raise ValueError(f"{issuer}{WELL_KNOWN} is of the issuer {document.get('issuer')!r}")
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")
        found = [str(document.get(name, "")) for name in names]
        if not all(found[:2]) or not all(url.startswith("https://") for url in found if url):
            raise ValueError(f"{issuer}{WELL_KNOWN} lacks an address, or has one without https://")
        return cls(*found)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer of the provider.

    Raises:
        ValueError: if the body is no JSON object.
    """
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 - as when it is no JSON
    return answer


def is_outage(error: HTTPClientError) -> bool:
    """Whether the provider was unable to answer; False if it refused the request."""
    return error.code >= INTERNAL_ERROR or error.code == TOO_MANY_REQUESTS


def error_code(error: HTTPClientError) -> str:
    """The OAuth error code in a refusal, such as `invalid_grant`; the HTTP status if there is none."""
    try:
        return printable_code(json.loads(error.response.body if error.response else b"")["error"])
    except (KeyError, TypeError, ValueError):
        return str(error.code)


def printable_code(code: Any) -> str:
    """An error code that is safe to show and to log; `unknown` for anything else, since a code can come from an attacker."""
    return code if isinstance(code, str) and re.fullmatch("[a-z_]{1,60}", code) else "unknown"


def subject(user_info: Mapping[str, Any] | None) -> str | None:
    """The claim `sub`, the only one that a provider never gives to another account later."""
    return (user_info or {}).get("sub")
