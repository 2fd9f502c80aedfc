"""Reads a WebHDFS request of a user, and makes a new request to HDFS from what it knows. Pure: nothing is sent here.

A list says what may pass, and everything else is refused. HDFS takes the names of parameters in any case, the first of two,
and trusts `user.name` and `doas`; so a query is never passed on as it came.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from rc2hub.gateways.refused_call import RefusedCallError

PREFIX: Final = "/webhdfs/v1"
ACCOUNT: Final = "rc2"
"""The gateway's account in HDFS, the only one that may act for users (`hadoop.proxyuser.rc2.*`)."""
SUPERUSER: Final = "hdfs"
"""HDFS's superuser, which makes the folders of users."""
READ, WRITE = "read", "write"
READERS: Final = frozenset({READ, WRITE})
WRITERS: Final = frozenset({WRITE})
OPERATIONS: Final = {
    "GET": frozenset(
        {
            *("OPEN", "GETFILESTATUS", "LISTSTATUS", "LISTSTATUS_BATCH", "GETCONTENTSUMMARY", "GETQUOTAUSAGE"),
            *("GETFILECHECKSUM", "GETHOMEDIRECTORY", "GETACLSTATUS", "GETXATTRS", "LISTXATTRS", "CHECKACCESS"),
            *("GETFILEBLOCKLOCATIONS", "GET_BLOCK_LOCATIONS", "GETSERVERDEFAULTS"),
        }
    ),
    "PUT": frozenset(
        {
            *("CREATE", "MKDIRS", "RENAME", "SETPERMISSION", "SETTIMES", "SETREPLICATION"),
            *("SETACL", "MODIFYACLENTRIES", "REMOVEACLENTRIES", "REMOVEDEFAULTACL", "REMOVEACL"),
        }
    ),
    "POST": frozenset({"APPEND", "CONCAT", "TRUNCATE"}),
    "DELETE": frozenset({"DELETE"}),
}
"""The operations of each method; all but those of GET take the level `write`."""
AT_DATANODE: Final = frozenset({"OPEN", "CREATE", "APPEND", "GETFILECHECKSUM"})
"""The operations that a DataNode answers; for these the NameNode names one."""
WITH_DATA: Final = frozenset({"CREATE", "APPEND"})
PASSED: Final = frozenset(
    {
        *("offset", "length", "buffersize", "recursive", "permission", "unmaskedpermission", "overwrite", "blocksize"),
        *("replication", "createparent", "createflag", "destination", "renameoptions", "sources", "newlength"),
        *("modificationtime", "accesstime", "aclspec", "fsaction", "xattr.name", "encoding", "startafter"),
    }
)
"""The parameters that reach HDFS."""
IGNORED: Final = frozenset({"op", "user.name", "doas", "noredirect", "data", "tempdir"})
"""The parameters that the gateway reads itself, or that clients always send: Hadoop a `user.name`, fsspec a `tempdir`."""
CLIENT_DEFAULTS: Final = frozenset({"blocksize", "replication"})
"""Not passed on for a new file: Hadoop's client always sends its own defaults, and HDFS's are the ones to use."""
DEFAULT_MODES: Final = {
    "CREATE": {"permission": "644", "unmaskedpermission": "666"},
    "MKDIRS": {"permission": "755", "unmaskedpermission": "777"},
}
"""For a call without a mode, as Hadoop's own client has it: the default ACL of a folder decides, or else the umask 022."""
ACCESS_CONTROL: Final = "org.apache.hadoop.security.AccessControlException"
IO_ERROR: Final = "java.io.IOException"
TRUE: Final = "true"
Query = dict[str, str]


class WebHdfsError(RefusedCallError):
    """A refusal, as WebHDFS has it; its code is the Java class that Hadoop's own client raises."""


def remote_exception(error: RefusedCallError) -> dict[str, dict[str, str]]:
    """The JSON that clients of WebHDFS expect."""
    name = re.split(r"[.$]", error.code)[-1]
    return {"RemoteException": {"exception": name, "javaClassName": error.code, "message": str(error)}}


def forbidden(message: str) -> WebHdfsError:
    """A refusal for lack of a right."""
    return WebHdfsError(403, ACCESS_CONTROL, message)


def invalid(message: str) -> WebHdfsError:
    """A refusal of a request that HDFS would not understand as it is meant."""
    return WebHdfsError(400, "java.lang.IllegalArgumentException", message)


@dataclass(frozen=True)
class WebHdfsRequest:
    """What a user asks of HDFS, checked."""

    method: str
    operation: str
    path: str
    """The path in HDFS, decoded."""
    parameters: Query
    """What is passed to HDFS."""
    has_second_step: bool
    """Whether a write is in its second step, in which the data come."""

    @property
    def levels(self) -> frozenset[str]:
        """The levels of a grant that allow the operation."""
        return READERS if self.method == "GET" else WRITERS

    @property
    def query(self) -> Query:
        """What the NameNode is asked, without a user's name."""
        noredirect = {"noredirect": TRUE} if self.operation in AT_DATANODE else {}
        return {"op": self.operation, **self.parameters, **noredirect}

    def second_step(self, gateway: str) -> str:
        """The address at the gateway to which a client sends the data of a write."""
        return address(gateway, self.path, {"op": self.operation, **self.parameters, "data": TRUE})


def acting_for(user: str) -> Query:
    """The parameters with which the gateway's account acts for a user of HDFS."""
    return {"user.name": ACCOUNT, "doas": user}


def address(server: str, path: str, query: Query) -> str:
    """An address of WebHDFS; every character of a path that could mean something else is escaped."""
    return f"{server}{PREFIX}{quote(path, safe='/')}?{urlencode(query, quote_via=quote)}"


def parse(method: str, raw_path: str, user: str) -> WebHdfsRequest:
    """Check a request of a user of HDFS, given as it came: the path and query with their escapes.

    Raises:
        WebHdfsError: if it is not one that may pass.
    """
    escaped, _, query = raw_path.partition("?")
    if not escaped.startswith(PREFIX):
        raise invalid(f"An address begins with {PREFIX}.")
    try:
        path = unquote(escaped.removeprefix(PREFIX), errors="strict") or "/"
        path.encode()
        given = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise invalid("The path and the parameters must be UTF-8.") from error
    check_path(path)
    found = _named_once(given)
    operation = found.get("op", "").upper()
    if operation not in OPERATIONS.get(method, ()):
        raise forbidden(f"The operation {method} {operation} is not offered here.")
    if found.get("doas", user) != user:
        raise forbidden(f"You are {user} in HDFS, and cannot act for another user.")
    for other in found["sources"].split(",") if "sources" in found else []:
        check_path(other)
    if "destination" in found:
        check_path(found["destination"])
    return WebHdfsRequest(method, operation, path, _passed(operation, found), "data" in found)


def check_path(path: str) -> None:
    """Check that a decoded path means itself alone.

    `/.reserved` addresses a file by its number, or passes an encryption zone by.

    Raises:
        WebHdfsError: if it does not.
    """
    first, *parts = path.split("/")
    if first or "\0" in path or {".", ".."} & set(parts) or parts[:1] == [".reserved"] or "" in parts[:-1]:
        raise forbidden("A path must be absolute, without `.`, `..`, an empty part or /.reserved.")


def _passed(operation: str, found: Query) -> Query:
    """The parameters of an operation that reach HDFS."""
    names = PASSED - CLIENT_DEFAULTS if operation == "CREATE" else PASSED
    modes = {} if "permission" in found else DEFAULT_MODES.get(operation, {})
    return modes | {name: value for name, value in found.items() if name in names}


def _named_once(given: list[tuple[str, str]]) -> Query:
    found: Query = {}
    for given_name, value in given:
        name = given_name.lower()
        if name in found:
            raise invalid(f"The parameter {name} is there twice.")
        if name not in PASSED | IGNORED:
            raise forbidden(f"The parameter {name[:40]} is not offered here.")
        found[name] = value
    return found
