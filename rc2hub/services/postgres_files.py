"""The address of a PostgreSQL service, and the files of an attachment: libpq's service file and password file, a CA."""

from collections.abc import Mapping
from pathlib import Path

import psycopg
from jupyterhub.slugs import safe_slug
from psycopg.conninfo import conninfo_to_dict

from rc2hub.compute.attachments import FOLDER
from rc2hub.errors import ServiceUnavailableError
from rc2hub.server_id import ServerId

OF_THE_ADMIN = frozenset({"sslcert", "sslkey"})
"""Parameters of libpq that stay in the broker: with them the admin role proves who it is."""
SYSTEM_CAS = "system"
"""The value of `sslrootcert` for the public CAs, which is not a file."""


def parse_url(url: object) -> dict[str, str]:
    """The libpq parameters in a URL, such as host, dbname and sslmode; empty if it is not a PostgreSQL URL."""
    if not isinstance(url, str) or not url.startswith(("postgresql://", "postgres://")):
        return {}
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        return {}


def client_settings(service: str, address: Mapping[str, str], role: str) -> tuple[dict[str, str], dict[str, str]]:
    """The libpq parameters with which a compute server connects, and the certificate that they name as a file.

    Raises:
        ServiceUnavailableError: if the broker cannot read the certificate.
    """
    settings = {name: value for name, value in address.items() if name not in OF_THE_ADMIN} | {"user": role}
    authority = address.get("sslrootcert", SYSTEM_CAS)
    if authority == SYSTEM_CAS:
        return settings, {}
    try:
        certificate = Path(authority).read_text()
    except (OSError, ValueError) as error:
        raise ServiceUnavailableError(
            f"{service}: the broker cannot read the certificate {authority} of 'sslrootcert' in its 'url'; ask an operator"
            " to provide it."
        ) from error
    name = f"{service}.ca.pem"
    return settings | {"sslrootcert": f"{FOLDER}/{name}"}, {name: certificate}


def service_file(name: str, settings: Mapping[str, str], server: ServerId) -> str:
    """The service's section of `pg_service.conf`."""
    who = safe_slug(server.user, avoid_collisions=False, max_length=40) + (f"/{server.name}" if server.name else "")
    lines = [f"{key}={value}" for key, value in settings.items()]
    return "\n".join([f"[{name}]", *lines, f"application_name=rc2 {who}", ""]) + "\n"


def pgpass(settings: Mapping[str, str], password: str) -> str:
    """The service's line of the password file."""
    fields = [settings["host"], settings["port"], settings["dbname"], settings["user"], password]
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"
