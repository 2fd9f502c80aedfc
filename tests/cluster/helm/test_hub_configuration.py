"""The hub configuration that the chart makes from some of its values."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rc2hub.hub.spawners.restricted import mount_own_home_only, uid_of
from tests.cluster.helm.chart import hub_configuration, render

CULL = ["list:users", "read:users:activity", "read:servers", "delete:servers"]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *values: hub_configuration(render(*values), tmp_path, monkeypatch)


def test_idle_servers_are_stopped_by_a_service_with_these_permissions_only(configured: Any) -> None:
    c = configured("--set=cull.timeout=60,cull.every=10,cull.maxAge=3600")
    (service,) = [service for service in c.JupyterHub.services if service["name"] == "idle-culler"]
    assert service["command"] == [
        *(sys.executable, "-m", "jupyterhub_idle_culler", "--url=http://127.0.0.1:8081/hub/api"),
        *("--timeout=60", "--cull-every=10", "--max-age=3600"),
    ]
    roles = [role["scopes"] for role in c.JupyterHub.load_roles if "idle-culler" in role.get("services", [])]
    assert roles == [CULL]


def test_without_cull_the_service_does_not_exist(configured: Any) -> None:
    c = configured("--set=cull.enabled=false")
    assert "idle-culler" not in {each["name"] for each in [*c.JupyterHub.services, *c.JupyterHub.load_roles]}


def test_a_restricted_pod_starts_as_the_user(configured: Any) -> None:
    c = configured("--set=compute.podSecurity=restricted")
    assert (c.KubeSpawner.uid, c.KubeSpawner.modify_pod_hook.func) == (uid_of, mount_own_home_only)
    assert [profile["spare"] for profile in c.Profiles.catalogue] == [0]
    assert "uid" not in configured("--set=compute.podSecurity=baseline").KubeSpawner
