"""Spark's configuration for Hive behind its gateway: Hive's client that is built into Spark, with the driver's token."""

from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from rc2hub.gateways.webhdfs_conf import NAME, WAREHOUSE

TOKEN_VARIABLE = "HADOOP_TOKEN"  # noqa: S105 - the name of a variable
"""The variable from which Hadoop reads a delegation token; so it stands in no file and no configuration."""
TOKEN_KIND = "HIVE_DELEGATION_TOKEN"  # noqa: S105 - Hive's name of it
ACCESS_PATH = "/access"
"""Where the gateway tells a driver whether its user may use Hive, and the user's database."""
ACCESS_TIMEOUT = 5.0
"""Seconds for the gateway's answer."""
OK, FORBIDDEN = 200, 403
ONE_BYTE, TWO_BYTES = 0x80, 0x100


def hive_conf(gateway: str, database: str) -> dict[str, str]:
    """The options of a driver for the Hive gateway at this address, `http://host:port`, and its user's database."""
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.catalog.spark_catalog.defaultDatabase": database,
        "spark.sql.warehouse.dir": f"webhdfs://{NAME}{WAREHOUSE}",
        "spark.hadoop.hive.metastore.uris": f"thrift://{urlsplit(gateway).netloc}",
        "spark.hadoop.hive.metastore.sasl.enabled": "true",
        "spark.hadoop.hive.metastore.token.signature": NAME,
    }


async def granted_hive_conf(gateway: str, secret: str) -> dict[str, str] | None:
    """These options if the user of the driver with this secret may use Hive now, else none; None if that is not known."""
    headers, limit = {"Authorization": f"Bearer {secret}"}, ClientTimeout(total=ACCESS_TIMEOUT)
    try:
        async with (
            ClientSession(trust_env=False, timeout=limit) as session,
            session.get(f"{gateway}{ACCESS_PATH}", headers=headers) as answer,
        ):
            if answer.status == FORBIDDEN:
                return {}
            if answer.status != OK:
                return None
            return hive_conf(gateway, (await answer.json())["database"])
    except (ClientError, TimeoutError):
        return None


def hadoop_token(secret: str) -> str:
    """A driver's secret as a delegation token for the metastore, in the form of Hadoop's `Token.encodeToUrlString`.

    Identifier and password are both the secret: the gateway keeps no list of them, and has the secret itself reviewed.
    """
    parts = (secret, secret, TOKEN_KIND, NAME)
    content = b"".join(_length(len(part.encode())) + part.encode() for part in parts)
    return urlsafe_b64encode(content).decode().rstrip("=")


def _length(size: int) -> bytes:
    """A length below 65536 as Hadoop's `WritableUtils` writes it."""
    if size < ONE_BYTE:
        return bytes([size])
    return bytes([0x8F, size]) if size < TWO_BYTES else b"\x8e" + size.to_bytes(2, "big")
