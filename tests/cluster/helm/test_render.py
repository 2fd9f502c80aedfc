"""What the chart makes of six sets of values: reviewed texts, valid for each Kubernetes, with no more rights than stated."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from rc2hub.configure import check
from rc2hub.local import database
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
def test_every_object_is_what_that_kubernetes_knows(name: str, version: str) -> None:
    location = f"{schemas(version)}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    objects = yaml.safe_dump_all(render_file(name))
    said = run("KUBECONFORM", "-strict", "-summary", "-output=json", f"-schema-location={location}", "-", text=objects)
    summary = json.loads(said)["summary"]
    assert (summary["invalid"], summary["errors"], summary["skipped"]) == (0, 0, 0)
    assert summary["valid"] == len(render_file(name))


def test_kubeconform_would_see_a_wrong_field() -> None:
    objects = render_file("defaults")
    of_kind(objects, "Deployment")[0]["spec"]["replica"] = 1
    location = f"{schemas(VERSIONS[0])}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    with pytest.raises(AssertionError, match="replica"):
        run("KUBECONFORM", "-strict", f"-schema-location={location}", "-", text=yaml.safe_dump_all(objects))


@each_value_set
def test_the_objects_are_those_that_were_reviewed(name: str) -> None:
    assert snapshot(name) == snapshot_file(name).read_text(), "see tests/cluster/helm/chart.py for how to write it anew"


@each_value_set
def test_every_pod_is_restricted(name: str) -> None:
    for _, pod, spec in pod_specs(render_file(name)):
        container, security = spec["containers"][0]["securityContext"], spec["securityContext"]
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["allowPrivilegeEscalation"] is False
        assert container["readOnlyRootFilesystem"] is True
        assert (security["runAsNonRoot"], container["capabilities"]) == (True, {"drop": ["ALL"]}), pod


@each_value_set
def test_every_container_says_what_it_needs_and_how_one_sees_that_it_works(name: str) -> None:
    jobs = {each["metadata"]["name"] for kind in ("Job", "Pod") for each in of_kind(render_file(name), kind)}
    for _, pod, spec in pod_specs(render_file(name)):
        for container in spec["containers"]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
            assert pod in jobs or {"readinessProbe", "livenessProbe"} <= container.keys()


@each_value_set
def test_only_those_who_speak_to_kubernetes_have_a_token_for_it(name: str) -> None:
    holders = {pod for _, pod, spec in pod_specs(render_file(name)) if spec.get("automountServiceAccountToken") is not False}
    assert holders <= {"rc2-hub", "rc2-spark-gateway"}


@each_value_set
def test_no_secret_stands_anywhere_but_in_its_secret(name: str) -> None:
    objects = render_file(name)
    made_up = [each for each in of_kind(objects, "Secret") if "data" in each]
    others = json.dumps([each for each in objects if each not in made_up])
    for secret in made_up:
        assert len(set(secret["data"].values())) == len(secret["data"])
        assert not any(value in others for value in secret["data"].values())


@each_value_set
def test_rights_are_those_of_this_table_and_nothing_cluster_wide(name: str) -> None:
    objects = render_file(name)
    assert not of_kind(objects, "ClusterRole") + of_kind(objects, "ClusterRoleBinding")
    for role in of_kind(objects, "Role"):
        rights = {resource: rule["verbs"] for rule in role["rules"] for resource in rule["resources"]}
        assert rights == RIGHTS[role["metadata"]["name"]]
        assert role["metadata"]["namespace"] != "rc2"


RIGHTS = {
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
        "pods": ["list", "watch", "create", "delete"],
        "pods/exec": ["get", "create"],
        "serviceaccounts": ["get"],
    },
}


@each_value_set
def test_the_hub_accepts_the_configuration(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = hub_configuration(render_file(name), tmp_path, monkeypatch)
    offer, shared = check(c)
    broker = of_kind(render_file(name), "ConfigMap")[0]["data"]["shared-services.json"]
    assert SharedServices(config=Config(json.loads(broker))).catalogue == shared.catalogue
    assert list(offer.profiles) == [profile["name"] for profile in given(name).get("profiles", [{"name": "r"}])]
    assert c.JupyterHub.authenticator_class == ("dummy" if name == "laptop" else "rc2-oidc")


def given(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return values


CHANGES = {
    "hub.config.JupyterHub.active_server_limit=5": {"rc2-hub"},
    "sharedServices.contact=me": {"rc2-hub", "rc2-broker"},
    "profiles[0].name=s": {"rc2-hub"},
    "hub.config.KubeSpawner.image=r-compute:2": {"rc2-hub"},
    "postgresql.settings.max_connections=9": {"rc2-postgresql"},
    "spark.drivers.memory=2g": {"rc2-spark-gateway"},
    "ingress.host=b.example.org": set(),
    "networkPolicies.internet.compute=false": set(),
}


@pytest.mark.parametrize(("change", "restarted"), CHANGES.items())
def test_an_upgrade_restarts_what_its_change_concerns_and_nothing_else(change: str, restarted: set[str]) -> None:
    base = [f"--values={VALUES / 'department'}.yaml"]
    before, after = (dict(templates(render(*each))) for each in (base, [*base, f"--set={change}"]))
    assert {pod for pod in after if before[pod] != after[pod]} == restarted


def test_a_new_version_of_the_chart_alone_restarts_nothing() -> None:
    labels = [template["metadata"]["labels"] for _, template in templates(render_file("department"))]
    assert not [each for each in labels if {"helm.sh/chart", "app.kubernetes.io/version"} & each.keys()]


def templates(objects: list[Object]) -> list[tuple[str, Any]]:
    kinds = ("Deployment", "StatefulSet")
    return [(each["metadata"]["name"], each["spec"]["template"]) for kind in kinds for each in of_kind(objects, kind)]


def test_what_holds_data_outlives_the_release() -> None:
    objects = render_file("department")
    kept = {"Namespace", "PersistentVolumeClaim"}
    for each in objects:
        holds = each["kind"] in kept or (each["kind"] == "Secret" and "data" in each)
        assert holds == (each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep")


def test_names_can_be_chosen() -> None:
    objects = render("--set=fullnameOverride=statistics")
    names = {each["metadata"]["name"] for each in objects if each["kind"] != "Namespace"}
    assert {"statistics-hub", "statistics-proxy", "statistics-broker"} <= names
    assert not [name for name in names if name.startswith("rc2-")]


def test_schema_and_default_values_name_the_same_keys() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() == values.keys() | {"global"}
    check_keys(schema, schema, values, "")


def check_keys(root: Any, schema: Any, values: Any, place: str) -> None:
    """Every object's keys are in the schema, and the sentence about unknown keys names them all."""
    schema = root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "properties" not in schema or not isinstance(values, dict):
        return
    said = re.split(r"accepted are |, ", schema["additionalProperties"]["const"])[1:]
    assert said == list(schema["properties"]), place
    assert values.keys() <= schema["properties"].keys(), place
    for key, value in values.items():
        check_keys(root, schema["properties"][key], value, f"{place}.{key}")


LAPTOP = EXAMPLE.parents[1] / "local" / "jupyterhub_config.py"
DIFFERS = {
    *("JupyterHub.authenticator_class", "Rc2LocalAuthenticator", "Rc2OIDCAuthenticator"),
    *("JupyterHub.spawner_class", "Rc2LocalSpawner", "KubeSpawner", "Rc2KubeSpawner"),
    *("JupyterHub.bind_url", "JupyterHub.hub_bind_url", "JupyterHub.hub_connect_url", "ConfigurableHTTPProxy"),
    *("SharedServices.broker_url", "SharedServices.managed", "JupyterHub.db_url", "JupyterHub.upgrade_db"),
    *("JupyterHub.cleanup_servers", "JupyterHub.cleanup_proxy"),
}
"""Who lets people in, what starts their servers, where things are and how they go on without the hub."""


def test_the_example_is_the_laptops_configuration_but_for_who_what_starts_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = hub_configuration(render(f"--values={EXAMPLE}"), tmp_path, monkeypatch)
    laptop = laptop_configuration(tmp_path, monkeypatch)
    differing = {f"{name}.{trait}" for name in here | laptop for trait in differing_traits(here, laptop, name)}
    assert {place for place in differing if not {place, place.partition(".")[0]} & DIFFERS} == set()


def laptop_configuration(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RC2_PORT", "8000")
    monkeypatch.setenv("RC2_HOME", str(folder))
    monkeypatch.setattr(database, "entry", lambda *_: {"url": "postgresql://rc2@here/flights", "admin": {"file": "here"}})
    c = Config()
    exec(compile(LAPTOP.read_text(), str(LAPTOP), "exec"), {"get_config": lambda: c})
    return c


def differing_traits(here: Any, laptop: Any, section: str) -> set[str]:
    one, other = ({trait: plain(trait, value) for trait, value in c.get(section, {}).items()} for c in (here, laptop))
    said = {"lifetime": SharedServices().lifetime}  # by the chart always
    return {
        trait for trait in one.keys() | other.keys() if one.get(trait, said.get(trait)) != other.get(trait, said.get(trait))
    }


def plain(trait: str, value: Any) -> Any:
    """A value without addresses, and without what the chart runs beside the hub or adds by itself."""
    if trait == "catalogue" and isinstance(value, dict):
        addresses = ("url", "admin", "gateway")
        return {name: {k: v for k, v in entry.items() if k not in addresses} for name, entry in value.items()}
    if trait == "services":
        return {each["name"] for each in value} - {"helm-test", "idle-culler", "postgresql", "rc2-spark"}
    if trait == "load_roles":
        return [role for role in value if role["name"] not in {"helm-test", "idle-culler"}]
    return value
