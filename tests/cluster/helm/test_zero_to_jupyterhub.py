"""Rc² accepts the configuration from the values for the Zero to JupyterHub chart in docs/install-zero-to-jupyterhub.md."""

import json
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from rc2hub.hub.validation import check
from rc2hub.services.catalogue import SharedServices
from tests.cluster.helm.chart import CHART

DOCUMENT = CHART.parents[1] / "docs" / "install-zero-to-jupyterhub.md"


def documented() -> dict[str, Any]:
    """The values in the document."""
    section = DOCUMENT.read_text()
    values: dict[str, Any] = yaml.safe_load(section.split("```yaml\n")[1].split("```")[0])
    return values


def as_zero_to_jupyterhub(values: dict[str, Any]) -> Any:
    """The configuration that the chart's jupyterhub_config.py makes from the values in the document."""
    c, single = Config(), values["singleuser"]
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.ConfigurableHTTPProxy.should_start = False
    c.KubeSpawner.namespace = "jupyterhub"
    c.KubeSpawner.image = f"{single['image']['name']}:{single['image']['tag']}"
    c.KubeSpawner.uid, c.KubeSpawner.fs_gid, c.KubeSpawner.profile_list = 1000, 100, []
    c.KubeSpawner.environment, c.KubeSpawner.allow_privilege_escalation = {}, False
    storage = single["storage"]
    claim = {"claimName": storage["static"]["pvcName"]}
    mount = {"mountPath": storage["homeMountPath"], "name": "home", "subPath": storage["static"]["subPath"]}
    c.KubeSpawner.volumes = {"home": {"name": "home", "persistentVolumeClaim": claim}}
    c.KubeSpawner.volume_mounts = {"home": mount}
    c.JupyterHub.services = []
    c.JupyterHub.load_roles = [{"name": name, **role} for name, role in values["hub"]["loadRoles"].items()]
    c.Spawner.cmd = "jupyterhub-singleuser"
    for section, traits in values["hub"]["config"].items():
        c[section].update(traits)
    for _, code in sorted(values["hub"]["extraConfig"].items()):
        exec(code, {"c": c})
    return c


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> Any:
    values = documented()
    monkeypatch.setenv("RC2_BROKER_TOKEN", "shared")
    monkeypatch.setenv("RC2_SHARED_SERVICES", values["hub"]["extraEnv"]["RC2_SHARED_SERVICES"])
    return as_zero_to_jupyterhub(values)


def test_the_hub_accepts_the_configuration(configuration: Any) -> None:
    choices, shared = check(configuration)
    assert (list(choices.profiles), list(shared.catalogue)) == (["r"], ["flights"])
    assert configuration.JupyterHub.spawner_class == "rc2-kube"
    service = configuration.JupyterHub.services[0]
    assert (service["name"], service["url"], service["api_token"]) == ("rc2", "http://hub:8000", "shared")
    assert [role["name"] for role in configuration.JupyterHub.load_roles] == ["readers"]


def test_rc2_overrides_the_pod_settings_of_the_chart(configuration: Any) -> None:
    assert not {"uid", "fs_gid", "cmd", "profile_list"} & (configuration.KubeSpawner.keys() | configuration.Spawner.keys())
    assert configuration.KubeSpawner.volume_mounts["home"]["mountPath"] == "/home"


def test_the_broker_gets_the_same_catalogue_and_the_variables_of_the_rc2_chart() -> None:
    (container,) = documented()["hub"]["extraContainers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    SharedServices(config=Config(json.loads(environment["RC2_SHARED_SERVICES"]))).validate_entries()
    template = (CHART / "templates" / "broker.yaml").read_text()
    assert all(name in template for name in environment)
