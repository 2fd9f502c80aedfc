"""Spark's configuration for HDFS behind the HDFS gateway: Hadoop's own WebHDFS client, with the driver's token."""

from urllib.parse import urlsplit

NAME = "rc2"
"""HDFS's logical name, so that an address such as `webhdfs://rc2/user/alice` outlives the address of the gateway."""
WAREHOUSE = "/warehouse"
"""The folder with a folder for each database of Hive."""
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path


def webhdfs_conf(gateway: str, token: str) -> dict[str, str]:
    """The options of a driver for the HDFS gateway at this address, `http://host:port`.

    `token` is where Hadoop finds the driver's token, a variable in Hadoop's notation; so it stands in no configuration.
    """
    oauth2 = "dfs.webhdfs.oauth2"
    options = {
        f"{oauth2}.enabled": "true",
        f"{oauth2}.access.token.provider": "org.apache.hadoop.hdfs.web.oauth2.ConfCredentialBasedAccessTokenProvider",
        f"{oauth2}.refresh.url": f"{gateway}{TOKEN_PATH}",
        f"{oauth2}.client.id": "spark",
        f"{oauth2}.credential": token,
        "dfs.nameservices": NAME,
        f"dfs.ha.namenodes.{NAME}": "gateway",
        f"dfs.namenode.http-address.{NAME}.gateway": urlsplit(gateway).netloc,
        f"dfs.client.failover.proxy.provider.{NAME}": (
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
        ),
        # one range of a file for each call: twenty times fewer calls for Parquet
        "parquet.hadoop.vectored.io.enabled": "false",
    }
    return {f"spark.hadoop.{name}": value for name, value in options.items()}
