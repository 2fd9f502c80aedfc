"""docs/login.md: its examples run, and every setting that it names exists."""

import re
from typing import Any

import pytest
import yaml

from rc2hub.hub.authenticators.oidc import Rc2OIDCAuthenticator
from tests.fixtures.hub import ROOT

PAGE = (ROOT / "docs" / "login.md").read_text()
EXAMPLES = [yaml.safe_load(block)["hub"] for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
SETTINGS = [example["config"]["Rc2OIDCAuthenticator"] for example in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=["keycloak", "entra"])
async def test_an_example_logs_users_in_though_the_provider_starts_after_the_hub(
    make_oidc_hub, username: str, example: dict[str, Any]
):
    hub = make_oidc_hub(example["config"])
    hub.start()
    allowed = example["config"]["Rc2OIDCAuthenticator"]["allowed_groups"][0]
    hub.provider.set_account(username, groups=[allowed, "others"])
    hub.provider.set_account(f"{username}x", groups=["others"])
    async with hub.login_client(username) as member, hub.login_client(f"{username}x") as other, hub.client() as api:
        page = await member.open("/hub/oauth_login")
        assert page.status == 503
        assert page.sentence.endswith(" does not answer; try again in a few minutes.")
        hub.provider.start()
        assert (await member.log_in()).url.path == "/hub/spawn"
        assert sorted((await api.call("GET", f"/hub/api/users/{username}"))[1]["groups"]) == sorted([allowed, "others"])
        assert (await other.log_in()).status == 403
        # a start refreshes the groups first, with both sources of claims
        assert (await api.start(username))[0] == 201
        await api.stop(username)
    assert "Traceback" not in hub.log()


def test_the_examples_read_the_client_secret_from_a_kubernetes_secret():
    for example, settings in zip(EXAMPLES, SETTINGS, strict=True):
        variables = {variable["name"]: variable["valueFrom"] for variable in example["env"]}
        assert "secretKeyRef" in variables["OAUTH_CLIENT_SECRET"]
        assert "client_secret" not in settings


def test_every_setting_that_the_page_names_exists():
    named = {*re.findall(r"`([a-z]+(?:_[a-z]+)+)[`:]", PAGE), *(name for settings in SETTINGS for name in settings)}
    others = {"load_groups", "preferred_username", "end_session_endpoint", "offline_access"}
    assert named - others <= set(Rc2OIDCAuthenticator.class_trait_names(config=True))
