"""What HDFS refuses, and the sentences for what a user cannot read in HDFS's own words."""

import json

from rc2hub.gateways.webhdfs_request import IO_ERROR, WebHdfsError

FIRST_ERROR_STATUS, UNAVAILABLE = 400, 503
NO_ANSWER = "HDFS does not answer; try again in a moment."
LOST_NAMENODE = frozenset({"java.io.EOFException", "java.net.ConnectException", "java.net.SocketException"})
"""How a DataNode reports that it has no answer of the NameNode."""
STARTING_NAMENODE = frozenset({"org.apache.hadoop.ipc.RetriableException", "org.apache.hadoop.ipc.StandbyException"})
"""How a NameNode says that it cannot answer yet."""
STARTING = "HDFS is starting; try again in a moment."
NOT_KNOWN = "Failed to obtain user group information: "
"""How HDFS begins when it does not accept whom a call names; the real class and its message come then."""
INVALID_TOKEN = "org.apache.hadoop.security.token.SecretManager$InvalidToken"  # noqa: S105 - the name of a class
MAY_NOT_ACT = "org.apache.hadoop.security.authorize.AuthorizationException"
"""How HDFS refuses its gateway to act for an account."""
TOKEN_ENDED = "HDFS has ended its gateway's token for you; try again in a moment."  # noqa: S105 - a sentence


def refusal_in(status: int, content: bytes) -> WebHdfsError | None:
    """The refusal that an answer of HDFS is, with HDFS's own sentence; None if it is none."""
    if status < FIRST_ERROR_STATUS:
        return None
    try:
        refusal = json.loads(content)["RemoteException"]
        name, message = str(refusal.get("javaClassName") or refusal["exception"]), str(refusal["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return WebHdfsError(status, IO_ERROR, f"HDFS answered with the status {status}.")
    if message.startswith(NOT_KNOWN):
        name, _, message = message.removeprefix(NOT_KNOWN).partition(": ")
    if name == INVALID_TOKEN:
        return WebHdfsError(UNAVAILABLE, INVALID_TOKEN, TOKEN_ENDED)
    if name in LOST_NAMENODE:
        return WebHdfsError(UNAVAILABLE, IO_ERROR, NO_ANSWER)
    if name in STARTING_NAMENODE:
        return WebHdfsError(UNAVAILABLE, name, STARTING)
    return WebHdfsError(status, name, message.strip().partition("\n")[0])
