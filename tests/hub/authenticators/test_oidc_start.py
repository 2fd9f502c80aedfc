"""Missing secrets stop the hub at its start, with one sentence."""

import pytest

VALUES = {"JupyterHub": {"authenticator_class": "rc2-oidc"}, "Rc2OIDCAuthenticator": {"allow_all": True}}


async def test_without_a_key_for_the_auth_state_the_hub_does_not_start(make_oidc_hub):
    hub = make_oidc_hub(VALUES)
    hub.environment["JUPYTERHUB_CRYPT_KEY"] = ""
    with pytest.raises(AssertionError, match="Encryption keys must be specified in JUPYTERHUB_CRYPT_KEY env"):
        hub.start()
    hub.ended()
    assert "Traceback" not in hub.log()


async def test_without_the_client_secret_the_hub_does_not_start(make_oidc_hub):
    hub = make_oidc_hub(VALUES)
    hub.environment["OAUTH_CLIENT_SECRET"] = ""
    with pytest.raises(AssertionError, match="the variable OAUTH_CLIENT_SECRET must hold the secret"):
        hub.start()
    hub.ended()
    assert "Traceback" not in hub.log()
