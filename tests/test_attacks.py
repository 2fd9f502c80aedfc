"""What bob tries with code in R and Spark against the files and tables of alice: refused, or stated on the page about security.

One hub, one login and one HDFS for the whole table. All runs on one machine under one account, so what only a network policy or
the operating system could refuse succeeds here; each such attack has the sentence of the page that states it.
"""

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from thrift.Thrift import TType

from rc2hub.gateways.hdfs_client import HdfsClient
from rc2hub.gateways.hive_client import HiveClient
from rc2hub.gateways.hive_databases import HiveDatabases
from rc2hub.gateways.hive_key import key_file
from rc2hub.gateways.thrift_message import CALL, Fields, Message, text
from rc2hub.gateways.webhdfs_request import ACCOUNT
from rc2hub.local.hdfs import ports
from rc2hub.processes import free_ports
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hive import Hive
from tests.fixtures.hub import ROOT, Client, Kernel, Rc2, rc2_with, until
from tests.fixtures.s3 import Store
from tests.gateways.test_hive_gateway import table

SECRET = "for alice alone"
ENTRIES = """
c.SharedServices.catalogue["store"] = {{"kind": "hdfs", "gateway": "{hdfs}", "namenode": "{namenode}"}}
c.SharedServices.catalogue["tables"] = {{
    "kind": "hive", "gateway": "{hive}", "metastore": "{metastore}", "hdfs": "store", "key": {{"file": "{key}"}},
}}
c.SharedServices.catalogue["files"] = {{
    "kind": "s3", "gateway": "{s3}", "endpoint": "{endpoint}", "bucket": "lab", "credentials": "{credentials}",
}}
c.SharedServices.catalogue["spark"] |= {{"hdfs": "store", "hive": "tables"}}
c.JupyterHub.load_roles += [
    {{"name": "staff", "groups": ["staff"], "scopes": ["custom:rc2:store:write", "custom:rc2:tables:write",
      "custom:rc2:files:write"]}},
]
"""
TOOLS = """
library(rc2)
sql <- function(...) for (statement in c(...)) found <- DBI::dbGetQuery(con, statement)
read <- function(path, ...) {
  options <- c(path = path, ...)
  sql(paste0("CREATE OR REPLACE TEMPORARY VIEW theirs USING text OPTIONS (",
    paste0("'", names(options), "' '", options, "'", collapse = ", "), ")"))
  DBI::dbGetQuery(con, "SELECT * FROM theirs")
}
shell <- function(command) {
  DBI::dbGetQuery(con, paste0("SELECT TRANSFORM(id) USING '", command, "' AS (line STRING) FROM range(1)"))
}
fetch <- function(address, token = Sys.getenv("JUPYTERHUB_API_TOKEN"), content = NULL, ...) {
  handle <- curl::new_handle(path_as_is = TRUE)
  curl::handle_setheaders(handle, .list = c(list(Authorization = paste("Bearer", token)), list(...)))
  if (!is.null(content)) curl::handle_setopt(handle, post = TRUE, postfieldsize = length(content), postfields = content)
  answer <- curl::curl_fetch_memory(address, handle)
  bytes <- answer$content
  paste(answer$status_code, rawToChar(bytes[bytes != 0]))
}
run <- function(python, code, ...) system2(python, c("-c", shQuote(c(code, ...))), stdout = TRUE)
drivers <- function() DBI::dbGetQuery(con, "SELECT reflect('java.lang.System', 'getProperty', 'rc2.driver.token')")[[1]]
try_it <- function(code) cat(unlist(tryCatch(code, error = conditionMessage)), sep = "\n")
con <- rc2_spark()
"""
OPEN = "/webhdfs/v1/user/alice/secret?op=OPEN"
NOTHING = r"^\s*$"
"""The metastore removes folders in the name of the user, and drops the table also if HDFS refuses that."""
DENIED, NO_DATABASE = "Permission denied: user=bob", "cannot be found|There is no database alice"
REFUSED = {
    "a path of SQL": ("""read("webhdfs://rc2/user/alice/secret")""", DENIED),
    "a path with ..": ("""read("webhdfs://rc2/user/bob/../alice/secret")""", DENIED),
    "a path with escapes": ("""read("webhdfs://rc2/user/bob/%2e%2e/alice/secret")""", "Path does not exist"),
    "a path with two slashes": ("""read("webhdfs://rc2//user//alice//secret")""", DENIED),
    "a path by number": ("""read("webhdfs://rc2/.reserved/.inodes/16385")""", "A path must be absolute"),
    "a user in the address": ("""read("webhdfs://alice@rc2/user/alice/secret")""", DENIED),
    "a client without a token": (
        """read("webhdfs://rc2/user/alice/secret", fs.webhdfs.impl.disable.cache = "true",
        dfs.webhdfs.oauth2.enabled = "false")""",
        "Unauthorized",
    ),
    "a client with another token": (
        """read("webhdfs://rc2/user/alice/secret", fs.webhdfs.impl.disable.cache = "true",
        dfs.webhdfs.oauth2.credential = "alice")""",
        "A valid JupyterHub token",
    ),
    "a write of SQL": ("""sql("INSERT OVERWRITE DIRECTORY 'webhdfs://rc2/user/alice/x' USING csv SELECT 1")""", DENIED),
    "a file for executors": ("""sql("ADD FILE 'webhdfs://rc2/user/alice/secret'")""", DENIED),
    "a table at the place": ("""sql("CREATE TABLE theirs USING text LOCATION 'webhdfs://rc2/user/alice/secret'")""", DENIED),
    "data moved into a table": (
        """sql("CREATE TABLE IF NOT EXISTS mine (line STRING) STORED AS TEXTFILE",
        "LOAD DATA INPATH 'webhdfs://rc2/user/alice/secret' INTO TABLE mine")""",
        DENIED,
    ),
    "a table moved there and dropped": (
        """sql("DROP TABLE IF EXISTS moved", "CREATE TABLE moved (line STRING) STORED AS TEXTFILE",
        "ALTER TABLE moved SET LOCATION 'webhdfs://rc2/warehouse/alice.db/alone'", "DROP TABLE moved PURGE")""",
        NOTHING,
    ),
    "a table renamed": ("""sql("ALTER TABLE mine RENAME TO alice.mine")""", "databases do not match"),
    "a table read": ("""DBI::dbGetQuery(con, "SELECT * FROM alice.alone")""", NO_DATABASE),
    "a table described": ("""DBI::dbGetQuery(con, "DESCRIBE EXTENDED alice.alone")""", NO_DATABASE),
    "a table shown": ("""DBI::dbGetQuery(con, "SHOW TABLES IN alice")""", NO_DATABASE),
    "TRANSFORM without a token": ("""shell(paste0("HADOOP_USER_NAME=alice curl -s \\"", hdfs, open, "&user.name=alice\\""))""",
      "carries no token"),
    "a function with the server's token": (
        """{ address <- paste0(hdfs, open, "&user.name=alice"); token <- Sys.getenv("JUPYTERHUB_API_TOKEN")
        rc2_spark_map(1, function(i) {
          Sys.setenv(HADOOP_USER_NAME = "alice")
          handle <- curl::handle_setheaders(curl::new_handle(), Authorization = paste("Bearer", token))
          rawToChar(curl::curl_fetch_memory(address, handle)$content)
        }) }""",
        DENIED,
    ),
    "the driver's token for another user": ("""fetch(paste0(hdfs, open, "&doas=alice"), drivers())""", "403 .*cannot act for"),
    "the driver's token on S3": ("""fetch(paste0(s3, "/lab/users/alice/secret"), drivers())""", "403 (?s:.)*is in no folder of yours"),
    "the driver's token on the broker": (
        """fetch(paste0(hub, "/services/rc2/api/servers/bob/-/attachments"), drivers())""", "403 "),
    "a token in the address": ("""fetch(paste0(hdfs, open, "&delegation=alice"))""", "403 .*delegation is not offered"),
    "a foreign name in Thrift": (
        """fetch(paste0(hive, "/metastore"), content = thrift, `x-actor-username` = "alice")""", "200 .*no database alice"),
    "the metastore itself": ("""fetch(metastore, content = thrift, `x-actor-username` = "alice")""", "401 "),
    "the S3 store itself": ("""fetch(paste0(endpoint, "/lab/users/alice/secret"))""", "40[03] "),
    "a folder of S3": ("""fetch(paste0(s3, "/lab/users/bob/%2e%2e/alice/secret"))""", "403 "),
}  # fmt: skip
"""What bob tries, as code of R, and what the answer has in it."""
NO_KERBEROS = "every file in an HDFS that this machine reaches: without Kerberos it trusts the name that a caller gives"
STATED = {
    "the NameNode and DataNode by HTTP": ("""fetch(paste0(namenode, open, "&user.name=alice"))""", NO_KERBEROS),
    "the NameNode and DataNode by Hadoop's own protocol": (
        """{ sql("SELECT reflect('java.lang.System', 'setProperty', 'HADOOP_USER_NAME', 'alice')",
          "SELECT java_method('org.apache.hadoop.security.UserGroupInformation', 'reset')")
        read(paste0("hdfs://", rpc, "/user/alice/secret")) }""",
        NO_KERBEROS,
    ),
    "the files of the DataNode": (
        """shell(paste0("grep --recursive --no-filename alone ", blocks))""",
        NO_KERBEROS,
    ),
    "the operator's key of S3": (
        """{ keys <- sub(".*= *", "", readLines(credentials)[2:3])
        code <- "import sys; from pyarrow import fs
key, secret, address = sys.argv[1:]
store = fs.S3FileSystem(access_key=key, secret_key=secret, endpoint_override=address, scheme='http', region='us-east-1')
print(store.open_input_stream('lab/users/alice/secret').read())"
        run(Sys.getenv("RC2_DATA_PYTHON"), code, keys, sub("http://", "", endpoint)) }""",
        "the operator's key of an S3 store",
    ),
    "the key of Hive's gateway": (
        """{ code <- "import sys, pathlib; from rc2hub.gateways.hive_key import sign
print(sign(pathlib.Path(sys.argv[1]).read_bytes(), 'alice'))"
        fetch(metastore, run(python, code, key), thrift) }""",
        "the key with which the gateway of Hive signs",
    ),
}
"""What succeeds on one machine, and where the page states it."""

OWN_PORTS = ("web", "rpc", "data", "data_web", "data_ipc")
LISTENING = "0A"
LOOPBACK_IN_PROC = re.compile("(0{16}FFFF0000)?0100007F")


@pytest.fixture(scope="module")
async def alices(hdfs: Hdfs, hive: Hive, store: Store) -> None:
    """A file of alice in HDFS and in S3, and a table, whose names and content no other user may learn."""
    files, metastore = HdfsClient(hdfs.namenode), HiveClient(hive.url, hive.key, ACCOUNT)
    await files.make_home("alice")
    await HiveDatabases(files, metastore, []).make("alice")
    made: Fields = {1: (TType.STRUCT, table("alice", "alone"))}
    await metastore.call("alice", Message("create_table", CALL, 1, made).write())
    await metastore.close()
    await files.close()
    query = {"op": "CREATE", "user.name": ACCOUNT, "doas": "alice", "overwrite": "true", "permission": "600"}
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{hdfs.namenode}/webhdfs/v1/user/alice/secret", params=query, data=SECRET.encode()) as answer,
    ):
        assert answer.status == 201
    await store.call("PUT", "/lab/users/alice/secret", SECRET.encode())


@pytest.fixture(scope="module")
def gateways() -> dict[str, str]:
    """The addresses of the gateways."""
    return {name: f"http://127.0.0.1:{port}" for name, port in zip(("hdfs", "hive", "s3"), free_ports(3), strict=True)}


@pytest.fixture(scope="module")
def rc2(
    hdfs: Hdfs, hive: Hive, store: Store, gateways: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rc2]:
    """An Rc² that offers all stores."""
    entries = ENTRIES.format(
        namenode=hdfs.namenode,
        metastore=hive.url,
        key=key_file(hive.directory),
        endpoint=store.endpoint,
        credentials=store.credentials,
        **gateways,
    )
    with rc2_with(tmp_path_factory.mktemp("rc2"), entries) as running:
        yield running


@pytest.fixture(scope="module")
async def bob(
    rc2: Rc2, hdfs: Hdfs, hive: Hive, store: Store, gateways: dict[str, str], alices: None
) -> AsyncIterator[Kernel]:
    """R of bob, who has all stores and Spark, and knows all addresses."""
    rc2.groups(alice=["staff", "analysts"], bob=["staff", "analysts"])
    at = ports(hdfs.directory).read()
    known = {
        **gateways,
        "hub": rc2.url,
        "open": OPEN,
        "namenode": hdfs.namenode,
        "rpc": f"127.0.0.1:{at['rpc']}",
        "blocks": str(hdfs.directory / "data"),
        "metastore": hive.url,
        "key": str(key_file(hive.directory)),
        "endpoint": store.endpoint,
        "credentials": str(store.credentials),
        "python": sys.executable,
    }
    call = Message("get_all_tables", CALL, 1, {1: text("alice")}).write()
    code = [f"{name} <- {json.dumps(value)}" for name, value in known.items()]
    code.append(f"thrift <- as.raw(c({','.join(map(str, call))}))")
    async with (
        rc2.client() as client,
        client.working("bob", ["store:write", "tables:write", "files:write", "spark"], "\n".join([*code, TOOLS])) as kernel,
    ):
        yield kernel


@pytest.mark.parametrize("attack", REFUSED)
async def test_an_attack_is_refused_and_nothing_of_alice_has_changed(bob: Kernel, hdfs: Hdfs, attack: str):
    before = [await hdfs.call("GET", path, "GETCONTENTSUMMARY") for path in ("/user/alice", "/warehouse/alice.db")]
    code, answer = REFUSED[attack]
    output = await bob.run(f"try_it({{{code}}})")
    assert re.search(answer, output), output
    assert SECRET not in output
    assert [await hdfs.call("GET", path, "GETCONTENTSUMMARY") for path in ("/user/alice", "/warehouse/alice.db")] == before


@pytest.mark.parametrize("attack", STATED)
async def test_what_one_account_for_all_leaves_open_is_on_the_page_about_security(bob: Kernel, attack: str):
    code, sentence = STATED[attack]
    assert sentence in (ROOT / "docs/security.md").read_text()
    assert "alone" in await bob.run(f"try_it({{{code}}})")


def test_hdfs_of_one_machine_listens_on_the_loopback_interface_alone(hdfs: Hdfs):
    ours = {f"{ports(hdfs.directory).read()[name]:04X}" for name in OWN_PORTS}
    found = {}
    for file in ("tcp", "tcp6"):
        for line in Path("/proc/net", file).read_text().splitlines()[1:]:
            (address, port), state = line.split()[1].split(":"), line.split()[3]
            if state == LISTENING and port in ours:
                found[port] = address
    assert set(found) == ours
    assert all(LOOPBACK_IN_PROC.fullmatch(address) for address in found.values())


async def test_the_tokens_of_a_stopped_server_open_no_store(rc2: Rc2, client: Client, bob: Kernel, gateways: dict[str, str]):
    drivers_token = (await bob.run("cat(drivers())")).rpartition("\n")[2]
    servers_token = await bob.run('cat(Sys.getenv("JUPYTERHUB_API_TOKEN"))')
    calls = {"hdfs": "/webhdfs/v1/user/bob?op=LISTSTATUS", "hive": "/tables", "s3": "/lab?list-type=2&prefix=users/bob/"}

    async def statuses(token: str) -> list[int]:
        found = []
        for name, call in calls.items():
            headers = {"Authorization": f"Bearer {token}"}
            async with client.session.get(gateways[name] + call, headers=headers) as answer:
                found.append(answer.status)
        return found

    assert (await statuses(servers_token), await statuses(drivers_token)) == ([200] * 3, [200] * 3)
    await client.stop("bob")

    async def are_refused() -> bool:
        return await statuses(servers_token) + await statuses(drivers_token) == [403] * 6

    await until(are_refused, seconds=30, interval=0.5)
