"""Logins with an OpenID provider, in a running hub: who can log in, with which groups, and how a login ends."""

import re
import time
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from tests.fixtures.hub import Client, until
from tests.fixtures.oidc import LoginClient, OIDCHub

REFRESH_AGE = 3
GRACE = 20
REVOCATION_TIMEOUT = 30.0
"""Seconds: enough for a slow machine, and less than the default of `auth_refresh_age`."""
LOGOUT_TIMEOUT = GRACE - REFRESH_AGE - 2.0
"""Seconds: less than an outage would take, so that a refusal is not mistaken for one."""
VALUES = {
    "JupyterHub": {"authenticator_class": "rc2-oidc"},
    "Rc2OIDCAuthenticator": {
        "allowed_groups": ["staff"],
        "admin_groups": ["operators"],
        "auth_state_groups_key": "oauth_user.realm_access.roles",
        "auth_refresh_age": REFRESH_AGE,
        "outage_grace": GRACE,
        "custom_403_message": "You are not staff; ask the library.",
    },
}
CONNECT = 'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*)::int FROM flights")[[1]])'
ATTACHED = "s <- rc2::rc2_services(); cat(s$attached[s$service == 'flights'])"


@pytest.fixture(scope="module")
def hub(make_oidc_hub) -> OIDCHub:
    running = make_oidc_hub(VALUES)
    running.provider.start()
    running.start()
    return running


@pytest.fixture
async def api(hub: OIDCHub) -> AsyncIterator[Client]:
    async with hub.client() as connected:
        yield connected


@pytest.fixture
async def analyst(hub: OIDCHub, username: str) -> AsyncIterator[LoginClient]:
    """A user of the groups staff and analysts, who may read the flights; not logged in yet."""
    hub.provider.set_account(username, groups=["staff", "analysts"])
    async with hub.login_client(username) as client:
        yield client


async def groups(api: Client, name: str) -> list[str]:
    return sorted((await api.call("GET", f"/hub/api/users/{name}"))[1]["groups"])


async def must_log_in(client: LoginClient) -> bool:
    return (await client.open("/hub/home")).url.path == "/hub/login"


async def test_a_login_at_the_provider_brings_the_users_groups(hub: OIDCHub, api: Client, analyst: LoginClient):
    page = await analyst.log_in()
    assert (page.status, page.url.path) == (200, "/hub/spawn")
    assert await groups(api, analyst.name) == ["analysts", "staff"]
    assert any("code_challenge_method=S256" in address for address in analyst.addresses)


async def test_behind_proxies_the_callback_is_the_address_of_the_outermost(hub: OIDCHub, analyst: LoginClient):
    request = analyst.session.get(
        f"{hub.url}/hub/oauth_login", headers={"X-Forwarded-Proto": "https"}, allow_redirects=False
    )
    async with request as response:
        assert URL(response.headers["Location"]).query["redirect_uri"].startswith("https://127.0.0.1:")


async def test_the_login_page_names_the_provider(hub: OIDCHub, analyst: LoginClient):
    assert "Sign in with localhost" in (await analyst.open("/hub/login")).text


async def test_groups_decide_what_is_granted(hub: OIDCHub, api: Client, analyst: LoginClient):
    hub.provider.set_account(f"{analyst.name}x", groups=["staff"])
    async with hub.login_client(f"{analyst.name}x") as other:
        await other.log_in()
        status, answer = await api.start(other.name, services=["flights"])
    assert (status, answer["message"][:27]) == (403, "flights: you have no grant ")
    await analyst.log_in()
    assert (await api.start(analyst.name, services=["flights"]))[0] == 201
    await api.stop(analyst.name)


async def test_a_user_is_admin_while_in_an_admin_group(hub: OIDCHub, api: Client, username: str):
    hub.provider.set_account(username, groups=["operators"])
    async with hub.login_client(username) as operator:
        assert (await operator.log_in()).status == 200
        assert (await api.call("GET", f"/hub/api/users/{username}"))[1]["admin"]
        hub.provider.set_account(username, groups=["staff"])

        async def is_no_longer_admin() -> bool:
            return (await operator.open("/hub/admin")).status == 403

        await until(is_no_longer_admin, REVOCATION_TIMEOUT)


async def test_a_user_who_is_not_allowed_sees_one_sentence_and_can_use_another_account(hub: OIDCHub, username: str):
    hub.provider.set_account(username, groups=["visitors"])
    length = len(hub.log())
    async with hub.login_client(username) as client:
        page = await client.log_in()
        assert (page.status, page.sentence) == (403, "You are not staff; ask the library.")
        assert 'href="/hub/logout"' in page.text
        await client.log_out()
        assert client.is_login_form(await client.open("/hub/oauth_login"))
    assert "Traceback" not in hub.since(length)


async def test_a_user_who_cancels_sees_one_sentence(hub: OIDCHub, analyst: LoginClient):
    page = await analyst.cancel()
    assert page.status == 403
    assert page.sentence == "The login was cancelled or refused (access_denied); log in again, or ask your organisation."


async def test_an_error_code_in_the_address_is_not_shown_unless_it_is_valid(hub: OIDCHub, analyst: LoginClient):
    page = await analyst.open("/hub/oauth_callback?error=<b>call+0800</b>&error_description=call+0800&state=x")
    assert page.status == 503
    assert page.sentence == "The provider could not log you in (unknown); tell the operator of this hub."


async def test_a_login_from_another_browser_is_refused_without_its_code_in_the_log(hub: OIDCHub, analyst: LoginClient):
    page = await analyst.open("/hub/oauth_login")
    stopped = await analyst.fill_in(page, stop_before="/hub/oauth_callback")
    async with hub.login_client(analyst.name) as attacker:
        refused = await attacker.open(stopped.url.raw_path_qs)
    assert (refused.status, refused.sentence[:22]) == (400, "This login was started")
    assert stopped.url.query["code"] not in hub.log()


async def test_an_internal_error_of_the_hub_is_one_sentence_without_the_code(hub: OIDCHub, analyst: LoginClient):
    hub.provider.set_account(analyst.name, groups=["staff", 1])  # oauthenticator sorts them, which fails
    page = await analyst.log_in()
    assert (page.status, page.sentence[:31]) == (500, "This hub could not finish the l")
    codes = [URL(address).query["code"] for address in analyst.addresses if "code=" in address]
    assert codes
    assert not [code for code in codes if code in hub.log()]


async def test_another_account_cannot_take_over_a_name(hub: OIDCHub, analyst: LoginClient):
    await analyst.log_in()
    hub.provider.set_account(analyst.name, username=f"{analyst.name}-gone")
    hub.provider.accounts["other"] = {**hub.provider.accounts[f"subject-{analyst.name}"], "username": analyst.name}
    hub.provider.set_account()
    async with hub.login_client(analyst.name) as other:
        page = await other.log_in()
    assert page.status == 403
    assert page.sentence == f"The name {analyst.name} belonged to another account before; ask the operator of this hub."


async def test_a_group_lost_at_the_provider_detaches_the_service_while_r_runs(
    hub: OIDCHub, api: Client, analyst: LoginClient
):
    await analyst.log_in()
    await api.start(analyst.name, services=["flights"])
    async with api.kernel(analyst.name) as r:
        assert await r.run(f"x <- 41; {CONNECT}") == "336776"
        # wait until access tokens have expired and refresh tokens were exchanged
        tokens = {hub.auth_state(analyst.name)["token_response"]["refresh_token"]}

        async def exchanged_twice() -> bool:
            tokens.add(hub.auth_state(analyst.name)["token_response"]["refresh_token"])
            return len(tokens) == 3

        await until(exchanged_twice)
        assert await r.run(ATTACHED) == "TRUE"
        hub.provider.set_account(analyst.name, groups=["staff"])
        lost = time.monotonic()

        async def detached() -> bool:
            return await r.run(ATTACHED) == "FALSE"

        await until(detached, REVOCATION_TIMEOUT)
        print(f"the grant of a lost group was revoked after {time.monotonic() - lost:.1f} s")
        assert await r.run("cat(x + 1)") == "42"
    assert not await must_log_in(analyst)
    await api.stop(analyst.name)


async def test_an_outage_changes_nothing_until_outage_grace_is_over(hub: OIDCHub, api: Client, analyst: LoginClient):
    await analyst.log_in()
    await api.start(analyst.name, services=["flights"])
    async with api.kernel(analyst.name) as r:
        length, start = len(hub.log()), time.monotonic()
        hub.provider.hang()
        try:

            async def noticed() -> bool:
                return "localhost does not answer" in hub.since(length)

            await until(noticed)
            assert await r.run(ATTACHED) == "TRUE"
            assert await groups(api, analyst.name) == ["analysts", "staff"]

            async def detached() -> bool:
                return await r.run(ATTACHED) == "FALSE"

            await until(detached)
            # the provider's last answer can be as old as auth_refresh_age
            assert time.monotonic() - start > GRACE - REFRESH_AGE - 5
            assert await must_log_in(analyst)
        finally:
            hub.provider.answer_again()

        async def regained() -> bool:
            return await groups(api, analyst.name) == ["analysts", "staff"]

        await until(regained)
    assert not await must_log_in(analyst)
    log = hub.since(length)
    assert "Traceback" not in log
    assert len(re.findall("localhost does not answer; try again in a few minutes. ", log)) <= 2
    await api.stop(analyst.name)


async def test_a_provider_that_stops_answering_during_a_login_is_named(hub: OIDCHub, analyst: LoginClient):
    page = await analyst.open("/hub/oauth_login")
    stopped = await analyst.fill_in(page, stop_before="/hub/oauth_callback")
    hub.provider.hang()
    try:
        page = await analyst.open(stopped.url.raw_path_qs)
    finally:
        hub.provider.answer_again()
    assert (page.status, page.sentence) == (503, "localhost does not answer; try again in a few minutes.")

    async def works_again() -> bool:
        return (await analyst.log_in()).url.path == "/hub/spawn"

    await until(works_again)


async def revoke(hub: OIDCHub, client: LoginClient) -> None:
    provider = hub.provider
    token = hub.auth_state(client.name)["token_response"]["refresh_token"]
    form = {"token": token, "client_id": provider.client_id, "client_secret": provider.client_secret}
    async with client.session.post(f"{provider.issuer}/token/revocation", data=form) as response:
        assert response.status == 200


async def disable(hub: OIDCHub, client: LoginClient) -> None:
    hub.provider.set_account(client.name, disabled=True)


async def lose_every_allowed_group(hub: OIDCHub, client: LoginClient) -> None:
    hub.provider.set_account(client.name, groups=["visitors"])


@pytest.mark.parametrize("lose", [revoke, disable, lose_every_allowed_group], ids=lambda lose: lose.__name__)
async def test_a_user_whose_login_ended_must_log_in_again_and_is_in_no_group(
    hub: OIDCHub, api: Client, analyst: LoginClient, lose
):
    await analyst.log_in()
    length = len(hub.log())
    await lose(hub, analyst)

    async def is_logged_out() -> bool:
        return await must_log_in(analyst)

    await until(is_logged_out, LOGOUT_TIMEOUT)
    assert await groups(api, analyst.name) == []
    assert "Traceback" not in hub.since(length)


async def test_a_logout_ends_the_session_at_the_provider_too(hub: OIDCHub, analyst: LoginClient):
    await analyst.log_in()
    assert not analyst.is_login_form(await analyst.open("/hub/oauth_login"))
    page = await analyst.log_out()
    assert (page.status, page.url.path) == (200, "/hub/login")
    assert await must_log_in(analyst)
    assert analyst.is_login_form(await analyst.open("/hub/oauth_login"))


async def test_no_secret_is_in_log_r_or_database(hub: OIDCHub, api: Client, analyst: LoginClient):
    await analyst.log_in()
    await api.start(analyst.name)
    async with api.kernel(analyst.name) as r:
        environment = await r.run('cat(paste(names(Sys.getenv()), Sys.getenv(), sep = "=", collapse = "\\n"))')
    tokens = hub.auth_state(analyst.name)["token_response"]
    await api.stop(analyst.name)
    await analyst.log_out()
    secret = {tokens[name] for name in ("access_token", "refresh_token", "id_token")}
    secret |= {hub.provider.client_secret, hub.key.hex(), *analyst.secrets()}
    assert len(secret) > 10
    for place, text in {"log": hub.log(), "R": environment}.items():
        assert not [value for value in secret if value in text], place
    assert not [value for value in secret if value.encode() in hub.database()]
