"""The Helm chart, installed in a namespace of its own behind the Ingress, for people of a real OpenID provider."""

import json
import secrets
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.cluster.cluster import Namespace
from tests.fixtures.hub import ROOT, Client
from tests.fixtures.oidc import Certificates, Provider

CHART = ROOT / "helm" / "rc2hub"
PROBE = """
import os
c.JupyterHub.services = [{"name": "probe", "api_token": os.environ["RC2_PROBE_TOKEN"]}]
c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, {
    "name": "probe", "services": ["probe"],
    "scopes": ["admin:users", "admin:servers", "access:servers", "access:services", "tokens", "read:hub", "groups"]}]
"""


class Release:
    """One `helm install` with an OpenID provider beside it, which runs on the machine of the tests."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self.namespace, self.folder = namespace, folder
        settings = namespace.cluster.settings
        self.host = f"{namespace.name}.{settings['RC2_INGRESS_DOMAIN']}"
        self.url = f"https://{self.host}"
        self.token, self.address = secrets.token_hex(16), settings["RC2_HOST_IP"]
        self.authority = Path(settings["RC2_CLUSTER_CA"])
        (folder / "provider").mkdir()
        self.provider = Provider(folder / "provider", self._certificate(), self.url, self.address)
        self.provider.issuer = f"https://{self.address}:{self.provider.port}"

    @property
    def compute(self) -> Namespace:
        """Where people's pods are."""
        return Namespace(self.namespace.cluster, f"{self.namespace.name}-compute")

    @property
    def spark(self) -> Namespace:
        """Where Spark's pods are."""
        return Namespace(self.namespace.cluster, f"{self.namespace.name}-spark")

    def start(self, **changes: Any) -> None:
        """Start the provider, install the chart, and wait until all of it is ready."""
        self.provider.start()
        secret = {"client-secret": self.provider.client_secret, "probe-token": self.token}
        self.namespace.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": secret},
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "authority"},
                "data": {"ca.crt": self.authority.read_text()},
            },
        )
        for name in ("hub", "proxy", "postgresql", "r-compute", *(["spark"] if changes.get("spark") else [])):
            self.namespace.cluster.image(name)
        self.upgrade(**changes)

    def upgrade(self, **changes: Any) -> None:
        """Install or upgrade the chart with these values on top of the usual ones."""
        file = self.folder / "values.json"
        file.write_text(json.dumps({**self.values(), **changes}))
        self.helm("upgrade", "--install", "rc2", str(CHART), f"--values={file}", "--wait", "--wait-for-jobs", "--timeout=5m")

    def helm(self, *arguments: str) -> str:
        """Run helm in the release's namespace."""
        return self.namespace.cluster.helm(f"--namespace={self.namespace.name}", *arguments, timeout=330)

    def stop(self) -> None:
        """Take all of it away, the namespaces of its pods too."""
        self.provider.stop()
        self.helm("uninstall", "rc2", "--ignore-not-found")
        for other in (self.compute, self.spark):
            other.cluster.kubectl("delete", "namespace", other.name, "--wait=false", "--ignore-not-found")

    def values(self) -> dict[str, Any]:
        """What an operator would write for this cluster."""
        small = {"cpu_guarantee": 0.05, "mem_guarantee": "100M"}
        return {
            "images": {"prefix": "localhost/rc2hub/", "pullPolicy": "Never"},
            "ingress": {"enabled": True, "className": "traefik", "host": self.host},
            "profiles": [{"name": "r", "display_name": "R", "cpu": 1, "memory": "1G", "kubespawner_override": small}],
            "compute": {"homes": {"storageClass": "rc2-homes", "size": "1Gi"}},
            "postgresql": {
                "enabled": True,
                "sampleData": True,
                "storage": {"size": "1Gi"},
                "databases": {"flights": {"display_name": "Flights from New York", "schemas": ["public"]}},
            },
            "sharedServices": {"contact": "the data team"},
            "roles": [
                {
                    "name": "readers",
                    "groups": ["analysts"],
                    "scopes": ["custom:rc2:flights:read"],
                }
            ],
            "hub": {
                "config": {
                    "JupyterHub": {"authenticator_class": "rc2-oidc"},
                    "Rc2OIDCAuthenticator": {
                        "issuer": self.provider.issuer,
                        "client_id": self.provider.client_id,
                        "allowed_groups": ["analysts", "visitors"],
                        "auth_refresh_age": 5,
                        "http_request_kwargs": {"ca_certs": "/etc/login/ca.crt"},
                    },
                },
                "extraConfig": {"probe": PROBE},
                "env": [
                    self._from_secret("OAUTH_CLIENT_SECRET", "client-secret"),
                    self._from_secret("RC2_PROBE_TOKEN", "probe-token"),
                ],
                "volumes": [{"name": "authority", "configMap": {"name": "authority"}}],
                "volumeMounts": [{"name": "authority", "mountPath": "/etc/login"}],
            },
        }

    @asynccontextmanager
    async def client(self, token: str | None = None) -> AsyncIterator[Client]:
        """A program that speaks to the hub through the Ingress, and checks its certificate."""
        trusted = ssl.create_default_context(cafile=self.authority)
        ingress = Ingress(self.namespace.cluster.settings["RC2_INGRESS_IP"])
        headers = {"Authorization": f"token {token or self.token}"}
        connector = aiohttp.TCPConnector(ssl=trusted, resolver=ingress)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            yield Client(self, session)

    def _from_secret(self, name: str, key: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": "login", "key": key}}}

    def _certificate(self) -> Certificates:
        """A certificate for the provider, by the authority of the cluster."""
        key, request, certificate = (self.folder / f"provider.{kind}" for kind in ("key", "csr", "crt"))
        names = f"subjectAltName=IP:{self.address}"
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=login", "-addext", names
        )
        signer = ("-CA", self.authority, "-CAkey", self.authority.with_suffix(".key"), "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *signer, "-copy_extensions", "copy", "-days", "2", "-out", certificate)
        return Certificates(self.authority, key, certificate)


class Ingress(AbstractResolver):
    """Every name is the Ingress."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        found = ResolveResult(hostname=host, host=self._address, port=port, family=family, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        """Nothing is open."""


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
