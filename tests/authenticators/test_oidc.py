"""Logins at a real OpenID provider, in a real hub: who gets in, with what, and how it is lost again."""

import re
import time
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from tests.fixtures.hub import Client, until
from tests.fixtures.oidc import OIDCHub, Person

REFRESH_AGE = 3
GRACE = 15
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
CONNECT = 'con <- rc2::rc2_connect("flights"); cat(DBI::dbGetQuery(con, "SELECT count(*) FROM flights")[[1]])'
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
async def analyst(hub: OIDCHub, person: str) -> AsyncIterator[Person]:
    """Somebody of the staff who may read the flights; not logged in yet."""
    hub.provider.know(person, groups=["staff", "analysts"])
    async with hub.person(person) as somebody:
        yield somebody


async def groups(api: Client, name: str) -> list[str]:
    return sorted((await api.call("GET", f"/hub/api/users/{name}"))[1]["groups"])


async def must_log_in(somebody: Person) -> bool:
    return (await somebody.open("/hub/home")).url.path == "/hub/login"


async def test_a_person_logs_in_at_the_provider_and_her_groups_come_along(hub: OIDCHub, api: Client, analyst: Person):
    page = await analyst.log_in()
    assert (page.status, page.url.path) == (200, "/hub/spawn")
    assert await groups(api, analyst.name) == ["analysts", "staff"]
    assert any("code_challenge_method=S256" in address for address in analyst.addresses)


async def test_behind_proxies_the_way_back_is_the_address_of_the_outermost(hub: OIDCHub, analyst: Person):
    request = analyst.session.get(
        f"{hub.url}/hub/oauth_login", headers={"X-Forwarded-Proto": "https"}, allow_redirects=False
    )
    async with request as response:
        assert URL(response.headers["Location"]).query["redirect_uri"].startswith("https://127.0.0.1:")


async def test_the_login_page_names_the_provider(hub: OIDCHub, analyst: Person):
    assert "Sign in with localhost" in (await analyst.open("/hub/login")).text


async def test_groups_decide_what_is_granted(hub: OIDCHub, api: Client, analyst: Person):
    hub.provider.know(f"{analyst.name}x", groups=["staff"])
    async with hub.person(f"{analyst.name}x") as other:
        await other.log_in()
        status, answer = await api.start(other.name, services=["flights"])
    assert (status, answer["message"][:27]) == (403, "flights: you have no grant ")
    await analyst.log_in()
    assert (await api.start(analyst.name, services=["flights"]))[0] == 201
    await api.stop(analyst.name)


async def test_admins_are_those_of_the_admin_groups_as_long_as_they_are(hub: OIDCHub, api: Client, person: str):
    hub.provider.know(person, groups=["operators"])
    async with hub.person(person) as operator:
        assert (await operator.log_in()).status == 200
        assert (await api.call("GET", f"/hub/api/users/{person}"))[1]["admin"]
        hub.provider.know(person, groups=["staff"])

        async def is_nobody_special() -> bool:
            return (await operator.open("/hub/admin")).status == 403

        await until(is_nobody_special, REFRESH_AGE + 15)


async def test_somebody_not_allowed_reads_one_sentence_and_can_use_another_account(hub: OIDCHub, person: str):
    hub.provider.know(person, groups=["guests"])
    length = len(hub.log())
    async with hub.person(person) as guest:
        page = await guest.log_in()
        assert (page.status, page.sentence) == (403, "You are not staff; ask the library.")
        assert 'href="/hub/logout"' in page.text
        await guest.log_out()
        assert guest.at_the_form(await guest.open("/hub/oauth_login"))
    assert "Traceback" not in hub.since(length)


async def test_somebody_who_cancels_reads_one_sentence(hub: OIDCHub, analyst: Person):
    page = await analyst.cancel()
    assert page.status == 403
    assert page.sentence == "The login was cancelled or refused (access_denied); log in again, or ask your organisation."


async def test_what_others_put_into_the_address_is_not_repeated(hub: OIDCHub, analyst: Person):
    page = await analyst.open("/hub/oauth_callback?error=<b>call+0800</b>&error_description=call+0800&state=x")
    assert page.status == 503
    assert page.sentence == "The provider could not log you in (unknown); tell the operator of this hub."


async def test_a_login_that_was_begun_elsewhere_is_refused_without_its_code_in_the_log(hub: OIDCHub, analyst: Person):
    page = await analyst.open("/hub/oauth_login")
    stopped = await analyst.fill_in(page, stop_before="/hub/oauth_callback")
    async with hub.person(analyst.name) as thief:
        refused = await thief.open(stopped.url.raw_path_qs)
    assert (refused.status, refused.sentence[:20]) == (400, "This login was begun")
    assert stopped.url.query["code"] not in hub.log()


async def test_an_error_of_the_hub_itself_is_one_sentence_too_and_hides_the_code(hub: OIDCHub, analyst: Person):
    hub.provider.know(analyst.name, groups=["staff", 1])  # the parent sorts them
    page = await analyst.log_in()
    assert (page.status, page.sentence[:31]) == (500, "This hub could not finish the l")
    codes = [URL(address).query["code"] for address in analyst.addresses if "code=" in address]
    assert codes
    assert not [code for code in codes if code in hub.log()]


async def test_a_name_is_not_given_to_another_account(hub: OIDCHub, analyst: Person):
    await analyst.log_in()
    hub.provider.know(analyst.name, username=f"{analyst.name}-gone")
    hub.provider.people["heir"] = {**hub.provider.people[f"subject-{analyst.name}"], "username": analyst.name}
    hub.provider.know()
    async with hub.person(analyst.name) as heir:
        page = await heir.log_in()
    assert page.status == 403
    assert page.sentence == f"The name {analyst.name} belonged to another account before; ask the operator of this hub."


async def test_a_group_lost_at_the_provider_detaches_while_r_goes_on(hub: OIDCHub, api: Client, analyst: Person):
    await analyst.log_in()
    await api.start(analyst.name, services=["flights"])
    async with api.kernel(analyst.name) as r:
        assert await r.run(f"mine <- 41; {CONNECT}") == "336776"
        # for long enough that access tokens have run out and refresh tokens were exchanged
        tokens = {hub.auth_state(analyst.name)["token_response"]["refresh_token"]}

        async def exchanged_twice() -> bool:
            tokens.add(hub.auth_state(analyst.name)["token_response"]["refresh_token"])
            return len(tokens) == 3

        await until(exchanged_twice)
        assert await r.run(ATTACHED) == "TRUE"
        hub.provider.know(analyst.name, groups=["staff"])
        lost = time.monotonic()

        async def detached() -> bool:
            return await r.run(ATTACHED) == "FALSE"

        await until(detached, REFRESH_AGE + 15)
        print(f"a lost group took the grant away after {time.monotonic() - lost:.1f} s")
        assert await r.run("cat(mine + 1)") == "42"
    assert not await must_log_in(analyst)
    await api.stop(analyst.name)


async def test_an_outage_takes_nothing_away_until_the_grace_is_over(hub: OIDCHub, api: Client, analyst: Person):
    await analyst.log_in()
    await api.start(analyst.name, services=["flights"])
    async with api.kernel(analyst.name) as r:
        length, begun = len(hub.log()), time.monotonic()
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
            # the provider's last word may have been as old as the pace allows
            assert time.monotonic() - begun > GRACE - REFRESH_AGE - 5
            assert await must_log_in(analyst)
        finally:
            hub.provider.answer_again()

        async def regained() -> bool:
            return await groups(api, analyst.name) == ["analysts", "staff"]

        await until(regained)
    assert not await must_log_in(analyst)
    said = hub.since(length)
    assert "Traceback" not in said
    assert len(re.findall("localhost does not answer; try again in a few minutes. ", said)) <= 2
    await api.stop(analyst.name)


async def test_a_provider_that_stops_answering_in_the_middle_of_a_login_is_said_so(hub: OIDCHub, analyst: Person):
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


async def revoke(hub: OIDCHub, somebody: Person) -> None:
    provider = hub.provider
    token = hub.auth_state(somebody.name)["token_response"]["refresh_token"]
    form = {"token": token, "client_id": provider.client_id, "client_secret": provider.client_secret}
    async with somebody.session.post(f"{provider.issuer}/token/revocation", data=form) as response:
        assert response.status == 200


async def disable(hub: OIDCHub, somebody: Person) -> None:
    hub.provider.know(somebody.name, disabled=True)


async def lose_every_allowed_group(hub: OIDCHub, somebody: Person) -> None:
    hub.provider.know(somebody.name, groups=["guests"])


@pytest.mark.parametrize("lose", [revoke, disable, lose_every_allowed_group], ids=lambda lose: lose.__name__)
async def test_who_has_no_login_any_more_is_out_and_in_no_group(hub: OIDCHub, api: Client, analyst: Person, lose):
    await analyst.log_in()
    length = len(hub.log())
    await lose(hub, analyst)

    async def is_out() -> bool:
        return await must_log_in(analyst)

    await until(is_out, REFRESH_AGE + 2)
    assert await groups(api, analyst.name) == []
    assert "Traceback" not in hub.since(length)


async def test_a_logout_ends_the_session_at_the_provider_too(hub: OIDCHub, analyst: Person):
    await analyst.log_in()
    assert not analyst.at_the_form(await analyst.open("/hub/oauth_login"))
    page = await analyst.log_out()
    assert (page.status, page.url.path) == (200, "/hub/login")
    assert await must_log_in(analyst)
    assert analyst.at_the_form(await analyst.open("/hub/oauth_login"))


async def test_nothing_secret_is_in_log_or_database(hub: OIDCHub, api: Client, analyst: Person):
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
    for where, text in {"log": hub.log(), "R": environment}.items():
        assert not [value for value in secret if value in text], where
    assert not [value for value in secret if value.encode() in hub.database()]
