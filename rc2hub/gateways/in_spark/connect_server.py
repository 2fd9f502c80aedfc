"""Starts a Connect server without a user in a waiting Java, and gives it its user when it is claimed.

    python connect_server.py CONNECTION PORT

Java (Spark's `PythonGatewayServer`) writes into the file CONNECTION how py4j reaches it. The file PORT gets the port of the
Connect server once it listens. Then each line of standard input is a call in JSON, and a line with its name is its answer:

    {"call": "open_warm_up", "session": …}          a session of no user, for the first queries
    {"call": "activate", "token": …, "conf": {…}, …}
                                                    the user's token and configuration; the program then ends, Java goes on

After any error the program ends without an answer, and the server must not be used.

Spark computes the configuration that sessions share, with the catalogue, when a session is first made from the server's base
session. So the first queries run in a session beside it, and the base session is made by the activation.
"""

import json
import os
import struct
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from py4j.java_gateway import GatewayParameters, JavaGateway

POLL_INTERVAL = 0.02
HADOOP = "spark.hadoop."
WARM_UP_USER = "rc2-warm-up"
CATALOG, OWN_CATALOG = "spark.sql.catalogImplementation", "in-memory"


class ConnectServer:
    """A Connect server that was started in this Java, and its Spark context."""

    def __init__(self, java: JavaGateway) -> None:
        """Start it; it listens when this returns."""
        self._jvm = java.jvm
        self._context = self._jvm.org.apache.spark.SparkContext(self._jvm.org.apache.spark.SparkConf())
        self._service = instance(self._jvm.org.apache.spark.sql.connect.service, "SparkConnectService")
        self._service.start(self._context)
        self._warm_up_session = None

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self._service.localPort())

    def open_warm_up(self, session: str) -> None:
        """Make a session with this id that shares nothing with those of the user."""
        self._warm_up_session = self._jvm.org.apache.spark.sql.classic.SparkSession(
            self._context, self._jvm.java.util.HashMap()
        )
        self._service.sessionManager().registerExistingSession(WARM_UP_USER, session, self._warm_up_session)

    def activate(self, token: str, hadoop_token: str, token_property: str, conf: Mapping[str, str]) -> None:
        """Give it the token and the configuration of its user, and make the base session of the user's sessions."""
        self._end_warm_up()
        self._jvm.java.lang.System.setProperty(token_property, token)
        delegation_token = self._jvm.org.apache.hadoop.security.token.Token()
        delegation_token.decodeFromUrlString(hadoop_token)
        self._jvm.org.apache.hadoop.security.UserGroupInformation.getLoginUser().addToken(delegation_token)
        for name, value in conf.items():
            self._context.conf().set(name, value)
            if name.startswith(HADOOP):
                self._context.hadoopConfiguration().set(name.removeprefix(HADOOP), value)
        self._make_base_session(conf)

    def _end_warm_up(self) -> None:
        """Close the session of the warm-up, also if its queries still run, and what Spark keeps of it."""
        self._service.sessionManager().invalidateAllSessions()
        if self._warm_up_session:
            listener = self._warm_up_session.sharedState().statusStore().listener()
            self._context.listenerBus().removeListener(listener.get())

    def _make_base_session(self, conf: Mapping[str, str]) -> None:
        """Make it by opening a session, as Spark has no other way.

        Raises:
            RuntimeError: if its catalogue is not the user's.
        """
        none = instance(self._jvm.scala, "None")
        session = self._service.getOrCreateIsolatedSession(WARM_UP_USER, str(uuid4()), none)
        catalog = session.session().sharedState().conf().get(CATALOG, OWN_CATALOG)
        if catalog != conf.get(CATALOG, OWN_CATALOG):
            raise RuntimeError(f"Spark's catalogue is {catalog}, and not the user's")
        self._service.sessionManager().closeSession(session.key(), False)


def instance(package: Any, name: str) -> Any:
    """The object of Scala that has this name."""
    return getattr(getattr(package, f"{name}$"), "MODULE$")


def connect(connection: Path) -> JavaGateway:
    """Java, as soon as it says how it is reached: a port and a secret, each after its length or in four bytes."""
    while not connection.exists():
        time.sleep(POLL_INTERVAL)
    content = connection.read_bytes()
    port, length = struct.unpack("!ii", content[:8])
    connection.unlink()
    parameters = GatewayParameters(port=port, auth_token=content[8 : 8 + length].decode(), auto_convert=True)
    return JavaGateway(gateway_parameters=parameters)


def main(connection: str, port: str) -> None:
    """Start the Connect server, and answer calls until it has its user."""
    java = connect(Path(connection))
    server = ConnectServer(java)
    draft = Path(f"{port}.new")
    draft.write_text(str(server.port))
    draft.rename(port)
    calls: dict[str, Callable[..., None]] = {"open_warm_up": server.open_warm_up, "activate": server.activate}
    while "activate" in calls and (line := sys.stdin.readline()):
        arguments = json.loads(line)
        name = arguments.pop("call")
        calls.pop(name)(**arguments)
        if name == "activate":
            java.shutdown()  # no other program reaches into this Java from now on
        print(name, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # at once, as the threads of py4j and gRPC would wait for Java
