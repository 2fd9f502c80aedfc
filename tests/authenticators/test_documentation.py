"""docs/authentication.md: its examples run, at a provider that was away when the hub started; what it names exists."""

import re
from typing import Any

import pytest
import yaml

from rc2hub.authenticators.oidc import Rc2OIDCAuthenticator
from tests.fixtures.hub import ROOT

PAGE = (ROOT / "docs" / "authentication.md").read_text()
EXAMPLES = [yaml.safe_load(block)["hub"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
OURS = [example["config"]["Rc2OIDCAuthenticator"] for example in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=["keycloak", "entra"])
async def test_an_example_logs_people_in(make_oidc_hub, person: str, example: dict[str, Any]):
    hub = make_oidc_hub(example["config"])
    hub.start()
    allowed = example["config"]["Rc2OIDCAuthenticator"]["allowed_groups"][0]
    hub.provider.know(person, groups=[allowed, "others"])
    hub.provider.know(f"{person}x", groups=["others"])
    async with hub.person(person) as member, hub.person(f"{person}x") as other, hub.client() as api:
        page = await member.open("/hub/oauth_login")
        assert page.status == 503
        assert page.sentence.endswith(" does not answer; try again in a few minutes.")
        hub.provider.start()
        assert (await member.log_in()).url.path == "/hub/spawn"
        assert sorted((await api.call("GET", f"/hub/api/users/{person}"))[1]["groups"]) == sorted([allowed, "others"])
        assert (await other.log_in()).status == 403
        # the refresh before the start, in each way of getting claims
        assert (await api.start(person))[0] == 201
        await api.stop(person)
    assert "Traceback" not in hub.log()


def test_secrets_come_from_a_secret_and_never_stand_in_an_example():
    for example, ours in zip(EXAMPLES, OURS, strict=True):
        variables = {variable["name"]: variable["valueFrom"] for variable in example["env"]}
        assert "secretKeyRef" in variables["OAUTH_CLIENT_SECRET"]
        assert "client_secret" not in ours


def test_every_setting_that_the_page_names_exists():
    named = {*re.findall(r"`([a-z]+(?:_[a-z]+)+)[`:]", PAGE), *(name for ours in OURS for name in ours)}
    others = {"load_groups", "preferred_username", "end_session_endpoint", "offline_access"}
    assert named - others <= set(Rc2OIDCAuthenticator.class_trait_names(config=True))
