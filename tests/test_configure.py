"""A wrong configuration stops the hub with one sentence; a correct one is installed once."""

import logging.config
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets import Undefined
from traitlets.config import Config

from rc2hub.configure import check, install
from rc2hub.errors import ConfigurationError
from rc2hub.gateways.pod_drivers import PodDrivers
from rc2hub.gateways.process_drivers import ProcessDrivers
from rc2hub.hub.authenticators.oidc import Rc2OIDCAuthenticator
from rc2hub.hub.managed_services import USE_BROKER
from rc2hub.hub.pool.process_pool import ProcessPool
from rc2hub.hub.spawners.kube import Rc2KubeSpawner
from rc2hub.hub.spawners.process import Rc2ProcessSpawner
from rc2hub.hub.spawners.spawn_errors import RefusalFilter
from rc2hub.hub.trait_values import check_trait

SPARK = {"kind": "spark", "gateway": "sc://gateway:15002"}
STORE = {"kind": "hdfs", "gateway": "http://gateway:14000", "namenode": "http://namenode:9870"}
TABLES = {
    "kind": "hive",
    "gateway": "http://gateway:14010",
    "metastore": "http://metastore:9083/metastore",
    "hdfs": "store",
    "key": {"file": "/etc/rc2/key.pem"},
}
FLIGHTS = {"kind": "postgres", "url": "postgresql://db:5432/flights", "admin": {"file": "/etc/rc2/flights"}}
ADMIN = {"admin": {"file": "/etc/rc2/flights"}}
READERS = {"name": "readers", "groups": ["stat545"], "scopes": ["custom:rc2:flights:read"]}


def config(*, services=None, roles=(), **hub):
    c = Config()
    c.JupyterHub.spawner_class = "rc2-process"
    c.SharedServices.catalogue = {"flights": FLIGHTS} if services is None else services
    c.JupyterHub.load_roles = list(roles)
    c.JupyterHub.update(hub)
    return c


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"store": {**STORE, "gateway": "hdfs:14000"}}, "'gateway' must be an address like http://hdfs-gateway:14000"),
        (
            {"store": {**STORE, "namenode": "http://rc2:s3cret@nn:9870"}},
            "'namenode' must be an address like http://namenode",
        ),
        ({"store": {"kind": "hdfs", "gateway": "http://gateway:14000"}}, "lacks the field 'namenode'"),
        ({"store": {**STORE, "keytab": "rc2.keytab"}}, "'keytab' must be the path of a file that the gateway can read"),
        ({"store": {**STORE, "ca": 5}}, "'ca' must be the path of a file that the gateway can read, from the root."),
        (
            {"store": {**STORE, "keytab": "/etc/rc2/keytab"}, "tables": TABLES},
            "'hdfs' must name an HDFS without 'keytab' and 'ca'; Hive does not work with Kerberos yet.",
        ),
        ({"spark": {**SPARK, "hdfs": "store"}}, "'hdfs' must be the name of an entry of the kind hdfs; there is none yet"),
        (
            {"spark": {**SPARK, "hdfs": "s"}, "store": STORE},
            "'hdfs' must be the name of an entry of the kind hdfs; there is store.",
        ),
        (
            {"spark": {**SPARK, "hdfs": ["store"]}, "store": STORE},
            "must be the name of an entry of the kind hdfs; there is store.",
        ),
        (
            {"spark": {**SPARK, "s3": "store"}, "store": STORE},
            "'s3' must be the name of an entry of the kind s3; there is none yet",
        ),
        ({"spark": {**SPARK, "spare": -1}}, "['spark']: 'spare' must be a number of standbys, such as 1; 0 keeps none."),
        ({"spark": {**SPARK, "spare": True}}, "'spare' must be a number of standbys"),
        (
            {"spark": {**SPARK, "spare": 2, "admin": {"env": "KEY"}}},
            "'spare' is for a gateway that the hub starts, without 'admin'; the chart has spark.drivers.spare.",
        ),
        ({"store": {**STORE, "admin": "secret"}}, "['admin'] must be {"),
        ({"tables": TABLES}, "'hdfs' must be the name of an entry of the kind hdfs; there is none yet"),
        (
            {"store": STORE, "tables": {**TABLES, "metastore": "thrift://metastore:9083"}},
            "'metastore' must be an address like http://metastore:9083/metastore",
        ),
        ({"store": STORE, "tables": {**TABLES, "key": "/etc/rc2/key.pem"}}, "'key' must be {"),
        ({"store": STORE, "tables": {**TABLES, "groups": ["Staff"]}}, "'groups' must be a list of groups of HDFS"),
        ({"store": STORE, "tables": {**TABLES, "groups": ["default"]}}, "'groups' must be a list of groups of HDFS"),
        (
            {"store": STORE, "tables": TABLES, "spark": {**SPARK, "hive": "tables"}},
            "'hdfs' must name the HDFS of 'tables', where the tables' data are.",
        ),
        ({"flights": {"kind": "oracle"}}, "unknown kind 'oracle'; known are hdfs, hive, postgres"),
        ({"key": {"kind": "secret"}}, "lacks the field 'file'"),
        ({"key": {"kind": "secret", "file": "s3cret"}}, "'file' must be the path of a file that the broker can read"),
        (
            {"key": {"kind": "secret", "file": "/etc/key", "variable": "MY KEY"}},
            "'variable' must be the name of an environment variable",
        ),
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
        ({"flights": {**FLIGHTS, "temporary_tables": "no"}}, "'temporary_tables' must be True or False"),
        ({"Flights": FLIGHTS}, "lower-case letter"),
        ({"flights": "postgresql://db/flights"}, "must be a dictionary"),
        ({"flights" * 5: FLIGHTS}, "the name must be a lower-case letter and up to 29 letters"),
        ({"flights-": FLIGHTS}, "the name must be a lower-case letter"),
        ({"flights\n": FLIGHTS}, "the name must be a lower-case letter"),
        ({3: FLIGHTS}, "the name must be a lower-case letter"),
        ({"flights": {**FLIGHTS, "display_name": 3}}, "'display_name' must be a text for users, not 3"),
        ({"flights": {**FLIGHTS, "contact": " "}}, "'contact' must be a text for users"),
        ({"flights": {**FLIGHTS, "kind": ["postgres"]}}, "unknown kind ['postgres']"),
        ({"flights": {**FLIGHTS, 3: 4}}, "unknown field '3'"),
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


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("JupyterHub.spawner_class", "simple", "must be 'rc2-process', 'rc2-kube' or a subclass of one of them, not Simple"),
        ("JupyterHub.spawner_class", "rc2-processes", "'rc2-processes' is not installed; installed are"),
        ("JupyterHub.authenticator_class", "rc2-links", "'rc2-links' is not installed; installed are"),
        ("JupyterHub.load_roles", "readers", "must be a list of dictionaries"),
        (
            "JupyterHub.load_roles",
            [{"name": "readers", "scopes": "self"}],
            "role 'readers': 'scopes' must be a list of scopes",
        ),
        ("JupyterHub.services", ["culler"], "must be a list of dictionaries"),
        ("Profiles.catalogue", "oops", "must be a list"),
        ("Profiles.catalog", [], "does not exist; config/REFERENCE.md has all settings"),
        ("ProcessPool.runtime_dir", 5, "must be a unicode string"),
        ("Rc2ProcessSpawner.homes_dir", None, "must be a unicode string"),
        ("Rc2Spawner.r_profile", ["options()"], "must be a unicode string"),
        ("Spawner.start_timeout", "soon", "must be an int"),
        ("SharedServices.catalogue", "oops", "must be a dict"),
        ("SharedServices.contact", "", "must be a text for users"),
        ("SharedServices.lifetime", -5, "must be a number of seconds from 60 to 604800, a week, not -5"),
        ("SharedServices.lifetime", float("inf"), "must be a number of seconds from 60"),
        ("SharedServices.broker_url", "broker:8000", "must be an address such as http://broker.example.org:8000."),
        ("SharedServices.broker_url", "http://rc2:s3cret@broker:8000", "must be an address such as"),
        ("SharedServices.managed", "no", "must be a boolean"),
        ("SparkDrivers.memory", "lots", "must be a size such as 512m or 2g, not 'lots'"),
        ("SparkDrivers.cores", "0", "must be a number of cores, or '*'"),
        ("SparkDrivers.idle_stop", 0, "must be a number of seconds from 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_gives_one_sentence_that_names_it(setting, value, message):
    c = config()
    section, _, trait = setting.partition(".")
    c[section][trait] = value
    with pytest.raises(ConfigurationError) as refused:
        check(c)
    assert str(refused.value).startswith(f"c.{setting}")
    assert message in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("Rc2KubeSpawner.on_resize_failure", "moved", "must be any of"),
        ("KubeSpawner.image", 5, "must be a unicode string"),
        ("KubeSpawner.volumes", "homes", "must be"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_of_pods_gives_one_sentence_that_names_it(setting, value, message):
    c = config(spawner_class="rc2-kube")
    section, _, trait = setting.partition(".")
    c[section][trait] = value
    with pytest.raises(ConfigurationError, match=f"^c.{setting} {message}"):
        check(c)


@pytest.mark.parametrize(
    ("override", "message"),
    [({"imag": "r:1"}, "'imag' is no trait of KubeSpawner"), ({"node_selector": 3}, "'node_selector' must be")],
)
def test_a_wrong_trait_of_a_profiles_pods_is_named(override, message):
    c = config(spawner_class="rc2-kube")
    c.Profiles.catalogue = [{"name": "r"}, {"name": "big", "kubespawner_override": override}]
    with pytest.raises(ConfigurationError, match=f"^c.Profiles.catalogue.1.: 'kubespawner_override', {message}"):
        check(c)


@pytest.mark.parametrize("spawner_class", ["rc2-process", "rc2-kube"])
def test_every_default_value_of_a_trait_is_accepted(spawner_class):
    c = config(spawner_class=spawner_class, authenticator_class="rc2-oidc")
    for kind in (PodDrivers, ProcessDrivers, ProcessPool, Rc2ProcessSpawner, Rc2KubeSpawner, Rc2OIDCAuthenticator):
        for name, trait in kind.class_traits(config=True).items():
            if trait.default() not in (None, Undefined):
                check_trait(f"c.{kind.__name__}.{name}", trait, trait.default())
    check(c)


def test_values_that_are_added_to_a_default_are_kept():
    c = config()
    del c.JupyterHub["load_roles"]
    c.JupyterHub.load_roles.append(READERS)
    c.JupyterHub.services.append({"name": "culler"})
    c.Rc2ProcessSpawner.env_keep.append("TZ")
    c.Profiles.catalogue.append({"name": "large"})
    install(c)
    assert c.JupyterHub.load_roles == [READERS]
    assert [service["name"] for service in c.JupyterHub.services] == ["culler", "rc2"]


def test_the_operators_own_logging_is_kept(tmp_path: Path):
    handler = {"class": "logging.FileHandler", "filename": str(tmp_path / "log"), "filters": ["short"]}
    mine = {"filters": {"short": {"name": ""}}, "handlers": {"file": handler}, "loggers": {"mine": {"handlers": ["file"]}}}
    c = config(logging_config=mine)
    install(c)
    merged = c.JupyterHub.logging_config
    assert merged["loggers"] == mine["loggers"]
    assert merged["handlers"]["file"]["filename"] == str(tmp_path / "log")
    assert merged["handlers"]["file"]["filters"][0] == "short"
    console = {"class": "logging.StreamHandler", **merged["handlers"]["console"]}
    logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, **merged, "handlers": {**merged["handlers"], "console": console}}
    )
    (file,) = logging.getLogger("mine").handlers
    file.close()
    assert any(isinstance(each, RefusalFilter) for each in file.filters)


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
    c.SharedServices.installation = "department"
    with pytest.raises(ConfigurationError, match="RC2_BROKER_TOKEN must be set"):
        check(c)
    monkeypatch.setenv("RC2_BROKER_TOKEN", "")
    with pytest.raises(ConfigurationError, match="RC2_BROKER_TOKEN must be set"):
        check(c)
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    install(c)
    (broker,) = c.JupyterHub.services
    assert (broker["api_token"], "command" in broker) == ("shared", False)


def test_a_broker_outside_the_hub_needs_an_id_of_the_installation(monkeypatch):
    c = config()
    c.SharedServices.managed = False
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    with pytest.raises(ConfigurationError, match=r"c\.SharedServices\.installation must be set"):
        check(c)


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
        'c.JupyterHub.spawner_class = "rc2-process"\n'
        'c.SharedServices.catalogue = {"flights": {"kind": "oracle"}}\ninstall(c)\n'
    )
    hub = subprocess.run(
        [sys.executable, "-m", "jupyterhub"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert hub.returncode == 1
    assert hub.stderr.strip() == (
        "rc2hub: c.SharedServices.catalogue['flights']: unknown kind 'oracle'; known are hdfs, hive, postgres, s3, secret, spark."
    )


@pytest.mark.parametrize(("service", "added"), [("rc2-lab", ["templates"]), ("culler", [])])
def test_pages_of_a_hub_that_serves_jupyterlab_have_the_script_that_fetches_it_early(service: str, added: list[str]):
    c = config()
    c.JupyterHub.template_paths = ["/own"]
    c.JupyterHub.services = [{"name": service}]
    install(c)
    assert [Path(folder).name for folder in c.JupyterHub.template_paths] == ["own", *added]
