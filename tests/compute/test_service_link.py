"""A link to a service, opened while the server already runs: a service is attached live, a profile offers a restart."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.hub import Client, Rc2, until


@pytest.fixture
async def alice(rc2: Rc2, client: Client, page: Page):
    """Alice's browser; the server runs without any service."""
    rc2.groups(alice=["analysts"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=[]))[0] == 201
    await page.goto(rc2.new_link("alice"))
    yield page
    await client.stop("alice")


async def test_a_granted_service_is_attached_by_a_click_while_r_continues(rc2: Rc2, client: Client, alice: Page):
    async with client.kernel("alice") as r:
        await r.run("mine <- 41")
        await alice.goto(f"{rc2.url}/hub/spawn?opt-service=flights")
        await expect(alice.get_by_text("Attach flights to it? R goes on.")).to_be_visible()
        await alice.get_by_role("button", name="Attach").click()
        await alice.wait_for_url("**/user/alice/lab**")
        assert await r.run("s <- rc2::rc2_services(); cat(s$service[s$attached], mine + 1)") == "flights 42"


async def test_a_link_alone_attaches_nothing(rc2: Rc2, client: Client, alice: Page):
    answer = await alice.goto(f"{rc2.url}/hub/spawn?opt-service=flights")
    assert answer is not None
    assert answer.status == 200
    refused = await alice.request.post(answer.url, form={"action": "attach"})
    assert refused.status == 403
    async with client.kernel("alice") as r:
        assert await r.run("cat(sum(rc2::rc2_services()$attached))") == "0"


async def test_a_link_to_what_is_attached_asks_nothing(rc2: Rc2, client: Client, alice: Page):
    async with client.kernel("alice") as r:
        await r.run('con <- rc2::rc2_connect("flights")')
    await alice.goto(f"{rc2.url}/hub/spawn?opt-service=flights")
    await alice.wait_for_url("**/user/alice/lab**")


async def test_a_service_without_a_grant_is_refused_in_one_sentence(rc2: Rc2, alice: Page):
    await alice.goto(f"{rc2.url}/hub/spawn?opt-service=flights:write")
    async with alice.expect_response(lambda response: response.request.method == "POST") as posted:
        await alice.get_by_role("button", name="Attach").click()
    assert (await posted.value).status == 403
    await expect(alice.get_by_text("flights: you have no grant for it at the level write; ask the operator")).to_be_visible()


async def test_another_profile_offers_a_restart_and_the_hub_refuses_an_unknown_one(rc2: Rc2, client: Client, alice: Page):
    await alice.goto(f"{rc2.url}/hub/spawn?opt-profile=huge")
    await expect(alice.get_by_text("Its profile is r. The profile huge needs a restart")).to_be_visible()
    await alice.get_by_role("button", name="Restart my server").click()

    async def stopped() -> bool:
        _, model = await client.call("GET", "/hub/api/users/alice")
        return model["servers"] == {}

    await until(stopped)
    await alice.wait_for_url(re.compile("/hub/spawn"))
    await expect(alice.get_by_text("profile: there is no profile 'huge'; choose from r.")).to_be_visible()
