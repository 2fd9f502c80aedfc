"""Sessions of Spark's Connect client: how they authenticate, and which databases they know as catalogs."""

import json
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from urllib.parse import urlencode

# if the main module has no file, PySpark takes it for a doctest, and ends R
sys.modules["__main__"].__file__ = getattr(sys.modules["__main__"], "__file__", "R")
# the full package could also start Spark itself; this makes it a client
os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
warnings.simplefilter("ignore")

from pyspark.sql.connect.client import DefaultChannelBuilder  # noqa: E402
from pyspark.sql.connect.session import SparkSession  # noqa: E402

logging.getLogger("SQLQueryContextLogger").disabled = True  # prints each error as 5 kB of JSON

JDBC = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"


class Channel(DefaultChannelBuilder):
    """A channel whose calls carry the hub token of this compute server in a header, never in a URL."""

    def metadata(self):
        return [("authorization", f"Bearer {os.environ['JUPYTERHUB_API_TOKEN']}")]


def open_session(service, session_id=None):
    """A new session of the service; with the id of one that is open, another client of it."""
    address = f"sc://{entry(service)['settings']['gateway']}"
    return SparkSession.builder.channelBuilder(
        Channel(f"{address}/;session_id={session_id}" if session_id else address)
    ).create()


def attachments():
    """What is attached to this compute server now."""
    summary = Path(os.environ["RC2_ATTACHMENTS_DIR"], "attachments.json")
    found = json.loads(summary.read_text())["attachments"] if summary.exists() else []
    return [attachment for attachment in found if attachment["state"] == "attached"]


def entry(service):
    """The attachment of a service.

    Raises:
        LookupError: if it is not attached.
    """
    for attachment in attachments():
        if attachment["service"] == service:
            return attachment
    raise LookupError(f"{service} is not attached to this server any more; rc2_services() tells why.")


def databases():
    """Options of a JDBC catalog for each attached PostgreSQL service, with the role of this compute server."""
    passwords = Path(os.environ["RC2_ATTACHMENTS_DIR"], "pgpass")
    return {
        attachment["service"]: jdbc_options(attachment["settings"], passwords)
        for attachment in attachments()
        if attachment["kind"] == "postgres"
    }


def jdbc_options(settings, passwords):
    """The options of one catalog."""
    address = {name: settings[name] for name in ("host", "port", "dbname", "user")}
    others = {name: value for name, value in settings.items() if name not in address}
    if authority := others.pop("sslrootcert", ""):
        others |= trust(authority)
    parameters = f"?{urlencode(others)}" if others else ""
    url = f"jdbc:postgresql://{address['host']}:{address['port']}/{address['dbname']}{parameters}"
    options = {"": JDBC, ".driver": "org.postgresql.Driver", ".url": url, ".user": address["user"]}
    for line in passwords.read_text().splitlines():
        fields = [re.sub(r"\\(.)", r"\1", field) for field in re.split(r"(?<!\\):", line)]
        if fields[:4] == list(address.values()):
            options[".password"] = fields[4]
    return options


def trust(authority):
    """Parameters of PostgreSQL's JDBC driver for libpq's `sslrootcert`. Spark reads no file of this server, so the URL holds
    the certificate; of several in the file the driver takes the first."""
    if authority == "system":
        return {"sslfactory": "org.postgresql.ssl.DefaultJavaSSLFactory"}
    return {"sslfactory": "org.postgresql.ssl.SingleCertValidatingFactory", "sslfactoryarg": Path(authority).read_text()}
