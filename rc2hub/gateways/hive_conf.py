"""Spark's configuration for Hive behind its gateway: Hive's client that is built into Spark, with the driver's token."""

import asyncio
import contextlib
from base64 import urlsafe_b64encode
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.webhdfs_conf import NAME, WAREHOUSE

TOKEN_KIND = "HIVE_DELEGATION_TOKEN"  # noqa: S105 - Hive's name of it
ACCESS_PATH = "/access"
"""Where the gateway tells a driver whether its user may use Hive, and the user's database."""
ACCESS_TIMEOUT = 5.0
"""Seconds for the gateway's answer."""
HIVE_TIMEOUT = 60.0
"""Seconds that a start waits for Hive; its metastore and HDFS need up to 30 after the start of their machine."""
HIVE_INTERVAL = 0.5
"""Seconds between two questions."""
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


class HiveCatalog:
    """Whether the user of a driver may use Hive, and the options for it with which the driver was started."""

    def __init__(self, gateway: str, secret: str) -> None:
        """Take the gateway's address, empty without Hive, and the driver's secret."""
        self.conf: dict[str, str] = {}
        """The options of the driver; none without Hive."""
        self._gateway, self._secret = gateway, secret

    async def choose(self) -> None:
        """Wait until Hive says whether the user may use it: without its catalogue, tables would end with the driver.

        Raises:
            ServiceUnavailableError: if it does not in time.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HIVE_TIMEOUT):
                while True:
                    if (conf := await self._granted()) is not None:
                        self.conf = conf
                        return
                    await asyncio.sleep(HIVE_INTERVAL)
        raise ServiceUnavailableError("Spark cannot start while Hive does not answer; try again, or ask an operator.")

    async def is_right(self) -> bool:
        """Whether the driver has the catalogue that its user may use now; also while that is not known."""
        return await self._granted() in (self.conf, None)

    async def _granted(self) -> dict[str, str] | None:
        return await granted_hive_conf(self._gateway, self._secret) if self._gateway else {}


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
