"""The hub's configuration on Kubernetes: addresses and paths first, then the operator's values, then Rc².

templates/hub-config.yaml writes `values.json`, beside this file, from the chart's values.
"""

import json
import os
import sys
from pathlib import Path

from traitlets.config import Config

from rc2hub.configure import install
from rc2hub.hub.spawners.restricted import restrict

c = get_config()  # noqa: F821
values = json.loads(Path(__file__).with_name("values.json").read_text())
hub, compute = values["hub"], values["compute"]

# Hub and proxy are separate pods; users' servers keep running when the hub is replaced.
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = hub["url"]
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = values["proxy"]["url"]
c.JupyterHub.db_url = hub["database"]
c.JupyterHub.upgrade_db = True

# Compute servers are pods in a separate namespace; one volume holds all homes.
c.JupyterHub.spawner_class = "rc2-kube"
c.KubeSpawner.namespace = compute["namespace"]
c.KubeSpawner.image = compute["image"]
c.KubeSpawner.image_pull_policy = compute["pullPolicy"]
c.KubeSpawner.image_pull_secrets = compute["pullSecrets"]
c.KubeSpawner.priority_class_name = compute["priorityClass"]
c.KubeSpawner.volumes = [{"name": "homes", "persistentVolumeClaim": {"claimName": compute["homes"]}}]
c.KubeSpawner.volume_mounts = [{"name": "homes", "mountPath": "/home"}]
c.Rc2KubeSpawner.standbys_owner = compute["standbysOwner"]
c.KubeSpawner.delete_pvc = False  # the hub must not have the right to delete the claim of the homes
c.Profiles.catalogue = values["profiles"]

# Broker and gateways are Deployments of the chart. Hub and broker share the secret in RC2_BROKER_TOKEN.
c.SharedServices.managed = False
c.SharedServices.broker_url = values["broker"]["url"]
c.SharedServices.update(values["sharedServices"])
c.JupyterHub.load_roles = values["roles"]

# The operator's configuration: first the traits, then the code.
c.merge(Config(values["config"]))
for name, code in sorted(values["extraConfig"].items()):
    exec(compile(code, f"hub.extraConfig.{name}", "exec"))  # noqa: S102 - the operator's code
if compute["podSecurity"] == "restricted":
    restrict(c)


def add_service(service, scopes):
    """Add a service of the chart, with a role of these scopes."""
    c.JupyterHub.services = [*c.JupyterHub.get("services", []), service]
    role = {"name": service["name"], "services": [service["name"]], "scopes": scopes}
    c.JupyterHub.load_roles = [*c.JupyterHub.get("load_roles", []), role]


# The files of JupyterLab's page, at one address for all servers: a Deployment of the chart.
lab_files = {"name": "rc2-lab", "url": values["labFiles"]["url"], "display": False}
c.JupyterHub.services = [*c.JupyterHub.get("services", []), lab_files]

# Idle servers are stopped.
if (cull := values["cull"])["enabled"]:
    command = [sys.executable, "-m", "jupyterhub_idle_culler", "--url=http://127.0.0.1:8081/hub/api"]
    command += [f"--timeout={cull['timeout']}", f"--cull-every={cull['every']}", f"--max-age={cull['maxAge']}"]
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    add_service({"name": "idle-culler", "command": command}, scopes)

# `helm test` logs in as one user, with a token that has no other permissions.
if values["test"]:
    scopes = [f"{scope}!user=rc2-helm-test" for scope in ("admin:users", "servers", "access:servers")]
    add_service({"name": "helm-test", "api_token": os.environ["RC2_TEST_TOKEN"]}, scopes)

# Prometheus reads /hub/metrics with a token that has no other permissions.
if token := os.environ.get("RC2_METRICS_TOKEN"):
    add_service({"name": "prometheus", "api_token": token}, ["read:metrics"])

install(c)
