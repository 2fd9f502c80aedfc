"""How a provider's documents and errors are read, and which configuration is refused at start."""

import asyncio
import json
import logging
from io import BytesIO

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from traitlets.config import Config

from rc2hub.errors import ProviderError
from rc2hub.hub.authenticators.oidc import Rc2OIDCAuthenticator
from rc2hub.hub.authenticators.oidc_provider import Endpoints, error_code, is_outage, json_object, printable_code

ISSUER = "https://login.example.org/realms/main"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example.org/auth",
    "token_endpoint": "https://login.example.org/token",
    "userinfo_endpoint": "https://login.example.org/userinfo",
    "end_session_endpoint": "https://login.example.org/logout",
}
SETTINGS = {"issuer": ISSUER, "client_id": "rc2hub", "client_secret": "s3cret", "allow_all": True}


def refusal(status: int, body: bytes) -> HTTPClientError:
    request = HTTPRequest("https://login.example.org/token")
    return HTTPClientError(status, response=HTTPResponse(request, status, buffer=BytesIO(body)))


def test_endpoints_are_read_from_the_discovery_document():
    assert Endpoints.read(DOCUMENT, f"{ISSUER}/").token == "https://login.example.org/token"


def test_a_provider_may_have_no_logout():
    without = {key: value for key, value in DOCUMENT.items() if key != "end_session_endpoint"}
    assert Endpoints.read(without, ISSUER).end_session == ""


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**DOCUMENT, "issuer": "https://other.example.org"},
        {**DOCUMENT, "token_endpoint": "http://login.example.org/token"},
        {key: value for key, value in DOCUMENT.items() if key != "token_endpoint"},
    ],
    ids=["empty", "another issuer's", "without TLS", "without a token endpoint"],
)
def test_an_invalid_discovery_document_is_refused(document):
    with pytest.raises(ValueError, match=ISSUER):
        Endpoints.read(document, ISSUER)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null"])
def test_an_answer_that_is_no_json_object_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011
        json_object(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (json.dumps({"error": "invalid_grant", "error_description": "s3cret"}).encode(), "invalid_grant"),
        (json.dumps({"error": "<script>"}).encode(), "unknown"),
        (json.dumps({"error": {"code": 1}}).encode(), "unknown"),
        (b"<html>s3cret", "400"),
        (b"[]", "400"),
        (b"", "400"),
    ],
)
def test_only_the_code_of_an_error_is_read(body, code):
    assert error_code(refusal(400, body)) == code


def test_a_timeout_has_no_body_and_is_an_outage():
    assert error_code(HTTPClientError(599)) == "599"
    assert [status for status in (400, 401, 403, 404, 429, 500, 503, 599) if is_outage(HTTPClientError(status))] == [
        *(429, 500, 503, 599)
    ]


def test_a_code_with_other_characters_is_shown_as_unknown():
    assert [printable_code(code) for code in ("access_denied", "x" * 61, "A b", None)] == ["access_denied", *["unknown"] * 3]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"issuer": ""}, "issuer must be an address that starts with https://, not ''"),
        ({"issuer": "http://login.example.org"}, "issuer must be an address that starts with https://, not 'http://"),
        ({"client_id": ""}, "client_id must be set, or the variable OAUTH_CLIENT_ID"),
        ({"client_secret": ""}, "the variable OAUTH_CLIENT_SECRET must hold the secret"),
        ({"validate_server_cert": False}, "validate_server_cert must stay True"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_configuration_without_a_safe_login_stops_the_hub_with_one_sentence(settings, sentence):
    with pytest.raises(SystemExit) as stopped:
        make_authenticator(**settings).check_allow_config()
    assert sentence in str(stopped.value)
    assert str(stopped.value).startswith("rc2hub: ")
    assert "s3cret" not in str(stopped.value)


def test_the_environment_cannot_turn_off_the_check_of_certificates(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OAUTH_TLS_VERIFY", "0")
    with pytest.raises(SystemExit, match="validate_server_cert must stay True"):
        make_authenticator().check_allow_config()


def test_the_client_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "s3cret")
    settings = {key: value for key, value in SETTINGS.items() if key != "client_secret"}
    assert Rc2OIDCAuthenticator(config=Config(Rc2OIDCAuthenticator=settings)).client_secret == "s3cret"


def test_the_defaults_are_those_in_the_documentation():
    defaults = make_authenticator()
    assert (defaults.enable_pkce, defaults.manage_groups, defaults.enable_auth_state) == (True, True, True)
    assert (defaults.auth_refresh_age, defaults.outage_grace, defaults.refresh_pre_spawn) == (60, 900, True)
    assert (defaults.username_claim, defaults.scope) == ("preferred_username", ["openid", "profile", "email"])
    assert (defaults.auth_state_groups_key, defaults.login_service) == ("oauth_user.groups", "login.example.org")


def make_authenticator(**settings: object) -> Rc2OIDCAuthenticator:
    config = Config(Rc2OIDCAuthenticator={**SETTINGS, **settings})
    return Rc2OIDCAuthenticator(config=config, log=logging.getLogger("test"))


async def test_a_document_of_another_issuer_is_an_outage_with_the_reason_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    authenticator = make_authenticator()
    monkeypatch.setattr(authenticator, "httpfetch", lambda _url: asyncio.sleep(0, {**DOCUMENT, "issuer": "https://other"}))
    with pytest.raises(ProviderError, match=r"login.example.org has an invalid discovery document; tell the operator"):
        await authenticator.discover()
    assert "is of the issuer 'https://other'" in caplog.text
