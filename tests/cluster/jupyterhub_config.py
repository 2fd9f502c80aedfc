"""A hub on the machine of the tests; its compute servers are pods. An operator's configuration with addresses of this run."""

import json
import os
import sys

from rc2hub.configure import install

c = get_config()  # noqa: F821
run = json.loads(os.environ["RC2_TEST_RUN"])
sys.path.insert(0, run["root"])

c.JupyterHub.bind_url = f"http://127.0.0.1:{run['ports'][0]}/"
c.JupyterHub.hub_bind_url = f"http://{run['host']}:{run['ports'][1]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{run['ports'][2]}"
c.JupyterHub.db_url = run.get("database", "sqlite:///jupyterhub.sqlite")
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.auth_refresh_age = 2
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {
    "slow_spawn_timeout": run.get("slow_spawn_timeout", 0)
}  # with 0, a start returns at once and reports its progress
c.JupyterHub.services = [{"name": "probe", "api_token": os.environ["RC2_TEST_TOKEN"]}]
c.JupyterHub.load_groups = {"analysts": {"users": ["alice"]}, "students": {}, "teachers": {}, "outsiders": {}}

c.JupyterHub.spawner_class = "rc2-kube"
c.KubeSpawner.namespace = run["namespace"]
c.KubeSpawner.image = run["image"]
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.start_timeout = run.get("start_timeout", 60)
c.KubeSpawner.extra_pod_config = run.get("extra_pod_config", {})
c.KubeSpawner.volumes = [{"name": "homes", "persistentVolumeClaim": {"claimName": "homes"}}]
c.KubeSpawner.volume_mounts = [
    {"name": "homes", "mountPath": "/home"},
    {"name": "homes", "mountPath": "/shared", "subPath": "shared"},
]
c.Rc2KubeSpawner.group_folders = {"stat101": {"read": ["students", "teachers"], "write": ["teachers"]}}
c.KubeSpawner.extra_labels = run.get("labels", {})
c.Spawner.poll_interval = 5


def add_volume(spawner):
    """Users named `own-…` need a volume that no standby has."""
    if spawner.user.name.startswith("own-"):
        spawner.volumes = [*spawner.volumes, {"name": "own", "emptyDir": {}}]
        spawner.volume_mounts = [*spawner.volume_mounts, {"name": "own", "mountPath": "/own"}]


def request_too_much(spawner, pod):
    """Users named `large-…` request more CPU than any node has."""
    if spawner.user.name.startswith("large-"):
        pod.spec.containers[0].resources.requests["cpu"] = pod.spec.containers[0].resources.limits["cpu"] = 100
    return pod


c.Spawner.pre_spawn_hook = add_volume
c.KubeSpawner.modify_pod_hook = request_too_much
if "node" in run:
    c.KubeSpawner.node_selector = {"kubernetes.io/hostname": run["node"]}
small = {"cpu_guarantee": 0.05, "mem_guarantee": "100M"}
c.Profiles.catalogue = [
    {"name": "r", "cpu": 1, "memory": "1G", "spare": run.get("spare", 0), "kubespawner_override": small},
    {
        "name": "slow",
        "memory": "1G",
        "spare": 0,
        "kubespawner_override": {
            **small,
            "extra_container_config": {"command": ["sh", "-c", 'sleep 12; exec "$@"', "sh"]},
        },
    },
    {"name": "huge", "cpu": 500, "memory": "1G", "spare": 0},
    {
        "name": "missing",
        "memory": "1G",
        "spare": 0,
        "kubespawner_override": {**small, "image": "localhost/rc2hub/missing:1"},
    },
    {
        "name": "unbound",
        "spare": 0,
        "kubespawner_override": {**small, "volumes": [{"name": "homes", "persistentVolumeClaim": {"claimName": "none"}}]},
    },
]

c.SharedServices.broker_url = f"http://{run['host']}:{run['ports'][3]}"
c.SharedServices.contact = "the data team"
c.SharedServices.catalogue = run["services"]
c.JupyterHub.load_roles = [
    {"name": "readers", "groups": ["analysts"], "scopes": [f"custom:rc2:{grant}" for grant in run.get("grants", [])]},
    {
        "name": "probe",
        "services": ["probe"],
        "scopes": [
            "admin:users",
            "admin:servers",
            "access:servers",
            "access:services",
            "tokens",
            "read:hub",
            "groups",
            "read:metrics",
            "proxy",
        ],
    },
]
install(c)

if "steps" in run:
    from pathlib import Path

    from tests.cluster.steps import START, STOP, cut_streams
    from tests.fixtures.steps import pause_at_steps

    pause_at_steps(Path(run["steps"]), {**START, **STOP})
    cut_streams(Path(run["steps"]))
