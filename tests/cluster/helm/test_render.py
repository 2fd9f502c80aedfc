"""The objects that the chart renders for six sets of values: reviewed, valid for each Kubernetes version, minimal permissions."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from rc2hub.hub.runtime import SETTING
from rc2hub.hub.validation import check
from rc2hub.local import database
from rc2hub.local.hive import Metastore
from rc2hub.local.home import Home
from rc2hub.services.catalogue import SharedServices
from tests.cluster.cluster import find
from tests.cluster.helm.chart import (
    CHART,
    VALUES,
    Object,
    hub_configuration,
    of_kind,
    pod_specs,
    render,
    render_file,
    snapshot,
    snapshot_file,
    value_sets,
)
from tests.cluster.helm.schemas import VERSIONS, schemas

each_value_set = pytest.mark.parametrize("name", value_sets())
EXAMPLE = CHART.parents[1] / "config" / "kubernetes" / "values.yaml"


def run(program: str, *arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        [find().settings[program], *arguments], input=text, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_six_value_sets() -> None:
    assert len(value_sets()) == 6


@each_value_set
def test_helm_lints_the_chart_without_a_warning(name: str) -> None:
    assert "[WARNING]" not in run("HELM", "lint", "--strict", str(CHART), f"--values={VALUES / name}.yaml")


@pytest.mark.parametrize("version", VERSIONS)
@each_value_set
def test_every_object_is_valid_for_this_kubernetes_version(name: str, version: str) -> None:
    location = f"{schemas(version)}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    objects = yaml.safe_dump_all(render_file(name))
    output = run("KUBECONFORM", "-strict", "-summary", "-output=json", f"-schema-location={location}", "-", text=objects)
    summary = json.loads(output)["summary"]
    assert (summary["invalid"], summary["errors"], summary["skipped"]) == (0, 0, 0)
    assert summary["valid"] == len(render_file(name))


def test_kubeconform_rejects_an_unknown_field() -> None:
    objects = render_file("defaults")
    of_kind(objects, "Deployment")[0]["spec"]["replica"] = 1
    location = f"{schemas(VERSIONS[0])}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    with pytest.raises(AssertionError, match="replica"):
        run("KUBECONFORM", "-strict", f"-schema-location={location}", "-", text=yaml.safe_dump_all(objects))


@each_value_set
def test_the_objects_equal_the_reviewed_snapshot(name: str) -> None:
    assert snapshot(name) == snapshot_file(name).read_text(), (
        "tests/cluster/helm/chart.py describes how to update the snapshots"
    )


@each_value_set
def test_every_pod_meets_the_level_restricted(name: str) -> None:
    for _, pod, spec in pod_specs(render_file(name)):
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["securityContext"]["runAsNonRoot"] is True
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}, pod


@each_value_set
def test_every_container_has_resources_and_probes(name: str) -> None:
    jobs = {each["metadata"]["name"] for kind in ("Job", "Pod") for each in of_kind(render_file(name), kind)}
    for _, pod, spec in pod_specs(render_file(name)):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
        for container in spec["containers"]:
            assert pod in jobs or {"readinessProbe", "livenessProbe"} <= container.keys()


@each_value_set
def test_only_hub_and_gateway_have_a_kubernetes_token(name: str) -> None:
    holders = {pod for _, pod, spec in pod_specs(render_file(name)) if spec.get("automountServiceAccountToken") is not False}
    assert holders <= {"rc2-hub", "rc2-spark-gateway"}


@each_value_set
def test_each_secret_value_is_only_in_its_secret_object(name: str) -> None:
    objects = render_file(name)
    generated = [each for each in of_kind(objects, "Secret") if "data" in each]
    others = json.dumps([each for each in objects if each not in generated])
    for secret in generated:
        assert len(set(secret["data"].values())) == len(secret["data"])
        assert not any(value in others for value in secret["data"].values())


def test_only_the_gateway_has_the_key_for_kerberos() -> None:
    hdfs = (
        "hdfs.enabled=true,hdfs.external=true,hdfs.address=https://n:9871,hdfs.cidrs={10.1.2.0/24},hdfs.existingSecret=key"
    )
    pods = {name: spec for _, name, spec in pod_specs(render(f"--set={hdfs}"))}
    with_key = {
        name
        for name, spec in pods.items()
        if {"name": "credentials", "secret": {"secretName": "key"}} in spec.get("volumes", [])
    }
    assert with_key == {"rc2-hdfs-gateway"}
    (container,) = pods["rc2-hdfs-gateway"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    settings = json.loads(variables["RC2_HDFS_GATEWAY"])
    assert (settings["keytab"], settings["ca"]) == ("/etc/rc2hub/hdfs/keytab", "/etc/rc2hub/hdfs/ca.crt")
    assert variables["KRB5_CONFIG"] == "/etc/rc2hub/hdfs/krb5.conf"


@each_value_set
def test_roles_have_the_permissions_of_this_table_and_are_not_cluster_wide(name: str) -> None:
    objects = render_file(name)
    assert not of_kind(objects, "ClusterRole") + of_kind(objects, "ClusterRoleBinding")
    for role in of_kind(objects, "Role"):
        permissions = {resource: rule["verbs"] for rule in role["rules"] for resource in rule["resources"]}
        assert permissions == PERMISSIONS[role["metadata"]["name"]]
        assert role["metadata"]["namespace"] != "rc2"


PERMISSIONS = {
    "rc2-hub": {
        "pods": ["get", "list", "watch", "create", "patch", "delete"],
        "pods/exec": ["get", "create"],
        "pods/resize": ["patch"],
        "events": ["get", "list", "watch"],
        "deployments": ["list", "create", "patch", "delete"],
        "configmaps": ["get"],
        "persistentvolumeclaims": ["get", "create"],
    },
    "rc2-spark-gateway": {
        "pods": ["list", "watch", "create", "patch", "delete"],
        "pods/exec": ["get", "create"],
        "serviceaccounts": ["get"],
    },
}


@each_value_set
def test_the_hub_accepts_the_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = hub_configuration(render_file(name), tmp_path, monkeypatch)
    choices, shared = check(c)
    broker = of_kind(render_file(name), "ConfigMap")[0]["data"]["shared-services.json"]
    assert SharedServices(config=Config(json.loads(broker))).catalogue == shared.catalogue
    assert list(choices.profiles) == [profile["name"] for profile in read_values(name).get("profiles", [{"name": "r"}])]
    assert c.JupyterHub.authenticator_class == ("dummy" if name == "laptop" else "rc2-oidc")


def read_values(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return values


CHANGES = {
    "hub.config.JupyterHub.active_server_limit=5": {"rc2-hub"},
    "sharedServices.contact=me": {"rc2-hub", "rc2-broker"},
    "profiles[0].name=s": {"rc2-hub"},
    "hub.config.KubeSpawner.image=r-compute:2": {"rc2-hub"},
    "postgresql.settings.max_connections=9": {"rc2-postgresql"},
    "spark.drivers.memory=2g": {"rc2-spark-gateway"},
    "hdfs.settings.dfs\\.blocksize=1m": {"rc2-hdfs-namenode", "rc2-hdfs-datanode"},
    "hdfs.datanode.replicas=3": {"rc2-hdfs-namenode", "rc2-hdfs-datanode"},
    "hive.metastore.resources.limits.memory=1Gi": {"rc2-hive-metastore"},
    "hive.groups={staff}": {"rc2-hub", "rc2-broker", "rc2-hive-gateway"},
    "ingress.host=b.example.org": set(),
    "networkPolicies.internet.compute=false": set(),
}


@pytest.mark.parametrize(("change", "restarted"), CHANGES.items())
def test_an_upgrade_restarts_only_the_pods_that_use_the_changed_value(change: str, restarted: set[str]) -> None:
    base = [f"--values={VALUES / 'department'}.yaml"]
    before, after = (dict(templates(render(*each))) for each in (base, [*base, f"--set={change}"]))
    assert {pod for pod in after if before[pod] != after[pod]} == restarted


def test_a_new_chart_version_without_changes_restarts_nothing() -> None:
    labels = [template["metadata"]["labels"] for _, template in templates(render_file("department"))]
    assert not [each for each in labels if {"helm.sh/chart", "app.kubernetes.io/version"} & each.keys()]


def templates(objects: list[Object]) -> list[tuple[str, Any]]:
    kinds = ("Deployment", "StatefulSet")
    return [(each["metadata"]["name"], each["spec"]["template"]) for kind in kinds for each in of_kind(objects, kind)]


def test_objects_with_data_are_kept_after_the_release_is_uninstalled() -> None:
    objects = render_file("department")
    kept = {"Namespace", "PersistentVolumeClaim"}
    for each in objects:
        has_data = each["kind"] in kept or (each["kind"] == "Secret" and "data" in each)
        assert has_data == (each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep")


def test_the_name_prefix_can_be_set() -> None:
    objects = render("--set=fullnameOverride=statistics")
    names = {each["metadata"]["name"] for each in objects if each["kind"] != "Namespace"}
    assert {"statistics-hub", "statistics-proxy", "statistics-broker"} <= names
    assert not [name for name in names if name.startswith("rc2-")]


def test_schema_and_default_values_have_the_same_keys() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() == values.keys() | {"global"}
    check_keys(schema, schema, values, "")


def check_keys(root: Any, schema: Any, values: Any, path: str) -> None:
    """Check that the schema has all keys of each object, and that the message about unknown keys lists them."""
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "properties" not in schema or not isinstance(values, dict):
        return
    accepted = re.split(r"accepted are |, ", schema["additionalProperties"]["const"])[1:]
    assert accepted == list(schema["properties"]), path
    assert values.keys() <= schema["properties"].keys(), path
    for key, value in values.items():
        check_keys(root, schema["properties"][key], value, f"{path}.{key}")


ADDRESSES = {
    *("javax.jdo.option.ConnectionURL", "javax.jdo.option.ConnectionPassword", "metastore.thrift.port"),
    *("metastore.authentication.jwt.jwks.url", "dfs.namenode.rpc-address.rc2.one"),
}
"""Settings of the metastore that depend on where it runs."""


def test_the_metastore_has_the_settings_of_make_up(tmp_path: Path) -> None:
    local = Metastore(*(tmp_path / name for name in ("hive", "postgresql", "hdfs")))
    expected = {**local._hdfs(), **local._settings("secret")}
    metastore = metastore_settings(render_file("department"))
    assert {*metastore} == {*expected}
    assert {name for name in metastore if metastore[name] != expected[name]} == ADDRESSES
    assert metastore["javax.jdo.option.ConnectionURL"] == "jdbc:postgresql://rc2-postgresql.rc2.svc:5432/hive"


def test_the_metastore_can_use_an_external_database() -> None:
    database = "postgresql://tables@db.example.org/metastore?sslmode=require"
    values = f"hive.database.url={database},hive.database.passwordSecret.name=own,hive.database.cidrs={{10.20.0.5/32}}"
    objects = render("--set=hdfs.enabled=true,hive.enabled=true", f"--set={values}")
    settings = metastore_settings(objects)
    assert settings["javax.jdo.option.ConnectionURL"] == "jdbc:postgresql://db.example.org/metastore?sslmode=require"
    assert settings["javax.jdo.option.ConnectionUserName"] == "tables"
    (pod,) = [spec for _, name, spec in pod_specs(objects) if name == "rc2-hive-metastore"]
    assert database in pod["initContainers"][1]["args"]
    assert pod["containers"][0]["env"][1]["valueFrom"] == {"secretKeyRef": {"name": "own", "key": "password"}}
    assert not [each for each in objects if "postgresql" in each["metadata"]["name"]]


def test_a_metastore_alone_has_a_postgresql_without_databases_for_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = render("--set=hdfs.enabled=true,hive.enabled=true")
    (job,) = of_kind(objects, "Job")
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][3:] == ["{}", "hive"]
    assert check(hub_configuration(objects, tmp_path, monkeypatch))[1].catalogue.keys() == {"hdfs", "hive"}


def metastore_settings(objects: list[Object]) -> dict[str, str]:
    (files,) = [each["data"] for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == "rc2-hive-metastore"]
    pairs = re.findall("<name>(.*)</name><value>(.*)</value>", files["core-site.xml"] + files["metastore-site.xml"])
    return {name: unescape(value) for name, value in pairs}


LOCAL = EXAMPLE.parents[1] / "local" / "jupyterhub_config.py"
DIFFERS = {
    *("JupyterHub.authenticator_class", "Rc2LoginLinkAuthenticator", "Rc2OIDCAuthenticator"),
    *("JupyterHub.spawner_class", "Rc2ProcessSpawner", "KubeSpawner", "Rc2KubeSpawner"),
    *("JupyterHub.bind_url", "JupyterHub.hub_bind_url", "JupyterHub.hub_connect_url", "ConfigurableHTTPProxy"),
    *("SharedServices.broker_url", "SharedServices.managed", "JupyterHub.db_url", "JupyterHub.upgrade_db"),
    *("JupyterHub.cleanup_servers", "JupyterHub.cleanup_proxy", "SharedServices.installation"),
}
"""Authenticator, spawner, addresses, the id of the installation, and what happens when the hub stops."""


def test_the_example_equals_the_local_configuration_except_for_authenticator_spawner_and_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubernetes = hub_configuration(render(f"--values={EXAMPLE}"), tmp_path, monkeypatch)
    local = local_configuration(tmp_path, monkeypatch)
    differing = {f"{name}.{trait}" for name in kubernetes | local for trait in differing_traits(kubernetes, local, name)}
    assert {trait for trait in differing if not {trait, trait.partition(".")[0]} & DIFFERS} == set()


def local_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RC2_HUB_PORT", "8000")
    monkeypatch.setenv("RC2_SERVICES", "flights,spark")
    monkeypatch.setenv("RC2_HOME", str(folder))
    monkeypatch.setattr(database, "entry", lambda *_: {"url": "postgresql://rc2@here/flights", "admin": {"file": "here"}})
    Home(folder).create()
    c = Config()
    exec(compile(LOCAL.read_text(), str(LOCAL), "exec"), {"get_config": lambda: c})
    return c


def differing_traits(kubernetes: Any, local: Any, section: str) -> set[str]:
    one, other = (
        {trait: comparable(trait, value) for trait, value in c.get(section, {}).items()} for c in (kubernetes, local)
    )
    default = {"lifetime": SharedServices().lifetime}  # the chart always sets it
    return {
        trait
        for trait in one.keys() | other.keys()
        if one.get(trait, default.get(trait)) != other.get(trait, default.get(trait))
    }


def comparable(trait: str, value: Any) -> Any:
    """A value without addresses and standbys of Spark, and without the services and roles that the chart adds."""
    if trait == "catalogue" and isinstance(value, dict):
        left_out = ("url", "admin", "gateway", "spare")
        return {name: {k: v for k, v in entry.items() if k not in left_out} for name, entry in value.items()}
    if trait == "tornado_settings":  # the runtime is an object of this process
        return {key: setting for key, setting in value.get_value({}).items() if key != SETTING}
    if trait == "services":
        return {each["name"] for each in value} - {"helm-test", "idle-culler", "postgresql", "rc2-spark"}
    if trait == "load_roles":
        return [role for role in value if role["name"] not in {"helm-test", "idle-culler"}]
    return value


def test_no_token_for_helm_test_exists_unless_it_is_enabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = render_file("defaults")
    assert not [each for each in objects if each["metadata"]["name"] == "rc2-test"]
    assert "test-token" not in next(each for each in of_kind(objects, "Secret") if each["metadata"]["name"] == "rc2")["data"]
    services = hub_configuration(objects, tmp_path, monkeypatch).JupyterHub.services
    assert "helm-test" not in {service["name"] for service in services}
