"""What the hub is told by some values that the chart itself turns into JupyterHub's words."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rc2hub.spawners.restricted import account, with_her_home_alone
from tests.cluster.helm.chart import hub_configuration, render

CULL = ["list:users", "read:users:activity", "read:servers", "delete:servers"]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *values: hub_configuration(render(*values), tmp_path, monkeypatch)


def test_servers_that_nobody_uses_are_stopped_by_a_service_that_may_do_that_alone(configured: Any) -> None:
    c = configured("--set=cull.timeout=60,cull.every=10,cull.maxAge=3600")
    (service,) = [service for service in c.JupyterHub.services if service["name"] == "idle-culler"]
    assert service["command"] == [
        *(sys.executable, "-m", "jupyterhub_idle_culler", "--url=http://127.0.0.1:8081/hub/api"),
        *("--timeout=60", "--cull-every=10", "--max-age=3600"),
    ]
    roles = [role["scopes"] for role in c.JupyterHub.load_roles if "idle-culler" in role.get("services", [])]
    assert roles == [CULL]


def test_without_cull_there_is_no_such_service(configured: Any) -> None:
    c = configured("--set=cull.enabled=false")
    assert "idle-culler" not in {each["name"] for each in [*c.JupyterHub.services, *c.JupyterHub.load_roles]}


def test_where_no_pod_starts_as_root_it_is_its_persons_from_the_start(configured: Any) -> None:
    c = configured("--set=compute.podSecurity=restricted")
    assert (c.KubeSpawner.uid, c.KubeSpawner.modify_pod_hook.func) == (account, with_her_home_alone)
    assert [profile["spare"] for profile in c.Profiles.catalogue] == [0]
    assert "uid" not in configured("--set=compute.podSecurity=baseline").KubeSpawner
