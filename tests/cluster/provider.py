"""An OpenID provider on the machine of the tests, for the users of a release of the chart."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.helm.release import Release
from tests.fixtures.oidc import Certificates, Provider


@contextmanager
def provided(release: Release, folder: Path) -> Iterator[Provider]:
    """A running provider. The values of the release, which is not installed yet, make users log in there."""
    settings = release.cluster.settings
    address, authority = settings["RC2_HOST_IP"], Path(settings["RC2_CLUSTER_CA"])
    provider = Provider(folder, _certificate(folder, address, authority), release.url, address)
    provider.issuer = f"https://{address}:{provider.port}"
    release.namespace.apply(
        _object("Secret", "login", stringData={"client-secret": provider.client_secret}),
        _object("ConfigMap", "authority", data={"ca.crt": authority.read_text()}),
    )
    del release.values["hub.config.Authenticator.allow_all"]
    from_secret = {"secretKeyRef": {"name": "login", "key": "client-secret"}}
    release.values.update(
        {
            "hub.config.JupyterHub.authenticator_class": "rc2-oidc",
            "hub.config.Rc2OIDCAuthenticator": {
                "issuer": provider.issuer,
                "client_id": provider.client_id,
                "allowed_groups": ["analysts", "visitors"],
                "auth_refresh_age": 5,
                "http_request_kwargs": {"ca_certs": "/etc/login/ca.crt"},
            },
            "hub.env": [{"name": "OAUTH_CLIENT_SECRET", "valueFrom": from_secret}],
            "hub.volumes": [{"name": "authority", "configMap": {"name": "authority"}}],
            "hub.volumeMounts": [{"name": "authority", "mountPath": "/etc/login"}],
        }
    )
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


def _object(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}


def _certificate(folder: Path, address: str, authority: Path) -> Certificates:
    """A certificate for the provider, signed by the cluster's authority."""
    key, request, certificate = (folder / f"provider.{kind}" for kind in ("key", "csr", "crt"))
    names = f"subjectAltName=IP:{address}"
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=login", "-addext", names)
    signer = ("-CA", authority, "-CAkey", authority.with_suffix(".key"), "-CAcreateserial")
    _openssl("x509", "-req", "-in", request, *signer, "-copy_extensions", "copy", "-days", "2", "-out", certificate)
    return Certificates(authority, key, certificate)


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
