"""A wrong configuration stops the hub with one sentence; a correct one is installed once."""

import subprocess
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

from rc2hub.configure import check, install
from rc2hub.errors import ConfigurationError
from rc2hub.hub.managed_services import USE_BROKER

FLIGHTS = {"kind": "postgres", "url": "postgresql://db:5432/flights", "admin": {"file": "/etc/rc2/flights"}}
ADMIN = {"admin": {"file": "/etc/rc2/flights"}}
READERS = {"name": "readers", "groups": ["stat545"], "scopes": ["custom:rc2:flights:read"]}


def config(*, services=None, roles=(), **hub):
    c = Config()
    c.SharedServices.catalogue = {"flights": FLIGHTS} if services is None else services
    c.JupyterHub.load_roles = list(roles)
    c.JupyterHub.update(hub)
    return c


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"flights": {"kind": "oracle"}}, "unknown kind 'oracle'; known are postgres"),
        ({"flights": {}}, "unknown kind None"),
        ({"flights": {"kind": "postgres", **ADMIN}}, "lacks the field 'url'"),
        ({"flights": {"kind": "postgres", "url": "postgresql://db/flights"}}, "lacks the field 'admin'"),
        ({"flights": {**FLIGHTS, "sslmode": "on"}}, "unknown field 'sslmode'; accepted are"),
        ({"flights": {**FLIGHTS, "url": "postgresql://a:s3cret@db/flights"}}, "must hold no password"),
        ({"flights": {**FLIGHTS, "url": "postgresql://db/flights?password=s3cret"}}, "must hold no password"),
        ({"flights": {**FLIGHTS, "url": "postgresql://db/flights?sslmod=s3cret"}}, "must be like postgresql://"),
        ({"flights": {**FLIGHTS, "url": "postgresql://db:port/flights"}}, "must be like postgresql://"),
        ({"flights": {**FLIGHTS, "url": "postgresql://one,two/flights"}}, "must be like postgresql://"),
        ({"flights": {**FLIGHTS, "url": "mysql://db/flights"}}, "must be like postgresql://"),
        ({"flights": {**FLIGHTS, "url": 5}}, "must be like postgresql://"),
        ({"flights": {**FLIGHTS, "admin": "s3cret"}}, "must be {"),
        ({"flights": {**FLIGHTS, "schemas": "public"}}, "'schemas' must be a list"),
        ({"flights": {**FLIGHTS, "connection_limit": 0}}, "'connection_limit' must be"),
        ({"Flights": FLIGHTS}, "lower-case letter"),
        ({"flights": "postgresql://db/flights"}, "must be a dictionary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_entry_gives_one_sentence_that_names_its_place(services, message):
    with pytest.raises(ConfigurationError) as refused:
        check(config(services=services))
    assert message in str(refused.value)
    assert "c.SharedServices.catalogue" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_grant_for_an_unknown_service_names_the_role_and_the_accepted_scopes():
    role = {"name": "readers", "scopes": ["custom:rc2:trains:read"]}
    with pytest.raises(ConfigurationError, match="role 'readers'.*custom:rc2:flights:read, custom:rc2:flights:write"):
        check(config(roles=[role]))


def test_internal_ssl_is_refused():
    with pytest.raises(ConfigurationError, match="internal_ssl must be False"):
        check(config(internal_ssl=True))


@pytest.mark.parametrize("section", ["Spawner", "KubeSpawner", "Rc2ProcessSpawner"])
@pytest.mark.parametrize("trait", ["args", "cmd", "profile_list"])
def test_traits_that_a_standby_cannot_have_are_refused(section, trait):
    c = config()
    c[section][trait] = ["x"]
    with pytest.raises(ConfigurationError, match=f"c.{section}.{trait} cannot be set: "):
        check(c)


def test_a_broker_outside_the_hub_needs_the_shared_secret(monkeypatch):
    c = config()
    c.SharedServices.managed = False
    with pytest.raises(ConfigurationError, match="RC2_BROKER_TOKEN must be set"):
        check(c)
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    install(c)
    (broker,) = c.JupyterHub.services
    assert (broker["api_token"], "command" in broker) == ("shared", False)


def test_scopes_of_other_extensions_are_accepted():
    check(config(roles=[READERS, {"name": "x", "scopes": ["self", "custom:other:thing"]}]))


def test_installing_twice_changes_nothing():
    c = config(roles=[READERS])
    install(c)
    first = c.copy()
    install(c)
    assert c == first
    assert [service["name"] for service in c.JupyterHub.services] == ["rc2"]


def test_kubespawner_lists_events_each_minute_unless_the_operator_sets_another_time():
    c = config()
    c.ResourceReflector.restart_seconds = 30
    install(c)
    assert c.ResourceReflector == {"timeout_seconds": 60, "restart_seconds": 30, "request_timeout": 70}


def test_the_broker_has_no_scope_and_users_may_reach_it():
    c = config()
    install(c)
    assert "admin" not in c.JupyterHub.services[0]
    assert not any("rc2" in role.get("services", []) for role in c.JupyterHub.load_roles)
    assert USE_BROKER in c.JupyterHub.extra_user_scopes


def test_the_operators_own_services_and_scopes_are_kept():
    c = config(services={}, custom_scopes={"custom:own:thing": {}}, extra_user_scopes={"read:users"})
    c.JupyterHub.services = [{"name": "culler"}]
    install(c)
    assert "custom:own:thing" in c.JupyterHub.custom_scopes
    assert "read:users" in c.JupyterHub.extra_user_scopes
    assert [service["name"] for service in c.JupyterHub.services] == ["culler", "rc2"]


def test_a_hub_with_a_wrong_configuration_stops_with_one_sentence_and_no_traceback(tmp_path: Path):
    (tmp_path / "jupyterhub_config.py").write_text(
        "from rc2hub.configure import install\nc = get_config()\n"
        'c.SharedServices.catalogue = {"flights": {"kind": "oracle"}}\ninstall(c)\n'
    )
    hub = subprocess.run(
        [sys.executable, "-m", "jupyterhub"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert hub.returncode == 1
    assert hub.stderr.strip() == (
        "rc2hub: c.SharedServices.catalogue['flights']: unknown kind 'oracle'; known are postgres, spark."
    )
