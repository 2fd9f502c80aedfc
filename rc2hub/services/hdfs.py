"""The kind `hdfs`: a gateway in front of WebHDFS, which acts for each user under the user's own name in HDFS."""

from collections.abc import Mapping
from typing import Any

from rc2hub.gateways.hdfs_client import HOMES
from rc2hub.services.hadoop_service import ADDRESS, HadoopService


class HdfsService(HadoopService):
    """An HDFS; a compute server uses it through the gateway, as the user."""

    kind = "hdfs"
    gateway_module, gateway_variable = "rc2hub.gateways.hdfs_gateway", "RC2_HDFS_GATEWAY"
    required = frozenset({"gateway", "namenode"})
    optional = frozenset({"admin"})
    addresses = (("gateway", ADDRESS, "hdfs-gateway:14000"), ("namenode", ADDRESS, "namenode:9870"))
    attach_timeout = 20.0

    @classmethod
    def gateway_settings(cls, entry: Mapping[str, Any], config: Any) -> dict[str, Any]:
        """The address of the NameNode."""
        return {"namenode": entry["namenode"]}

    def r_code(self) -> str:
        """The line of R that opens the store."""
        return f'store <- rc2_hdfs("{self.name}")'

    def settings_of(self, user: str) -> dict[str, str]:
        """The user's folder, which the gateway makes."""
        return {"home": f"{HOMES}/{user}"}
