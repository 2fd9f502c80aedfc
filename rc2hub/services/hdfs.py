"""The kind `hdfs`: a gateway in front of WebHDFS, which acts for each user under the user's own name in HDFS."""

import re
from collections.abc import Mapping
from typing import Any

from rc2hub.errors import ConfigurationError
from rc2hub.gateways.hdfs_client import HOMES
from rc2hub.services.base import TOKEN_IN_PYTHON
from rc2hub.services.hadoop_service import ADDRESS, HadoopService

NAMENODE = re.compile(r"https?://([A-Za-z0-9.-]+:\d+)")
FILES = ("keytab", "ca")
"""The fields with the path of a file that only the gateway reads."""
PATH = re.compile(r'/[^\s"\\]+')


class HdfsService(HadoopService):
    """An HDFS; a compute server uses it through the gateway, as the user."""

    kind = "hdfs"
    gateway_module, gateway_variable = "rc2hub.gateways.hdfs_gateway", "RC2_HDFS_GATEWAY"
    required = frozenset({"gateway", "namenode"})
    optional = frozenset({"admin", *FILES})
    addresses = (("gateway", ADDRESS, "hdfs-gateway:14000"), ("namenode", NAMENODE, "namenode:9870"))
    attach_timeout = 20.0

    @classmethod
    def validate(cls, where: str, entry: Mapping[str, Any]) -> None:
        """Check the addresses, and the paths of the files for Kerberos and TLS.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        super().validate(where, entry)
        for name in FILES:
            if name in entry and not (isinstance(entry[name], str) and PATH.fullmatch(entry[name])):
                raise ConfigurationError(
                    f"{where}: {name!r} must be the path of a file that the gateway can read, from the root."
                )

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The address of the NameNode, and the files for Kerberos and TLS."""
        return {name: entry[name] for name in ("namenode", *FILES) if name in entry}

    def r_code(self) -> str:
        """The line of R that opens the store."""
        return f'store <- rc2_hdfs("{self.name}")'

    def python_code(self, user: str) -> str:
        """The line of Python that opens the store."""
        host, _, port = self.gateway.removeprefix("http://").partition(":")
        return (
            f'import fsspec, os; store = fsspec.filesystem("webhdfs", host="{host}", port={port}, user="{user}", '
            f"password={TOKEN_IN_PYTHON})"
        )

    def settings_of(self, user: str) -> dict[str, str]:
        """The user's folder, which the gateway makes."""
        return {"home": f"{HOMES}/{user}"}
