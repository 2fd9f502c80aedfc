"""HDFS from R, in a whole login: a user works as the user, is refused like elsewhere, and loses it with the grant."""

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rc2hub.processes import free_ports
from tests.fixtures.hdfs import Hdfs
from tests.fixtures.hub import LOCAL, Client, Kernel, Rc2, RError, until
from tests.test_kill import children

GATEWAY = b"rc2hub.gateways.hdfs_gateway"
STORE = """
c.SharedServices.catalogue["store"] = {{"kind": "hdfs", "gateway": "http://127.0.0.1:{port}", "namenode": "{namenode}"}}
c.JupyterHub.load_roles += [{{"name": "staff", "groups": ["staff"], "scopes": ["custom:rc2:store:write"]}}]
install(c)
"""


@pytest.fixture(scope="module")
def rc2(hdfs: Hdfs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the HDFS of the tests as `store`."""
    folder = tmp_path_factory.mktemp("rc2")
    store = STORE.format(port=free_ports(1)[0], namenode=hdfs.namenode)
    (folder / "local.py").write_text(LOCAL.read_text().replace("\ninstall(c)\n", store))
    running = Rc2(folder / "rc2", local=folder / "local.py")
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
async def r(rc2: Rc2, client: Client) -> AsyncIterator[Kernel]:
    """R of alice, who has the store at the level write."""
    rc2.groups(alice=["staff"], bob=[])
    await client.create("alice")
    assert (await client.start("alice", services=["store:write"]))[0] == 201
    async with client.kernel("alice") as kernel:
        await kernel.run('store <- rc2::rc2_hdfs("store"); file <- tempfile()')
        yield kernel
    await client.stop("alice")


async def test_a_user_writes_and_reads_under_the_own_name(r: Kernel, hdfs: Hdfs):
    await r.run('write.csv(data.frame(x = 1:3), file, row.names = FALSE); store$put(file, "x.csv", overwrite = TRUE)')
    assert await r.run('cat(sum(store$read_csv("x.csv")$x), unique(store$ls()$owner))') == "6 alice"
    status = (await hdfs.call("GET", "/user/alice", "GETFILESTATUS"))["FileStatus"]
    assert (status["owner"], status["permission"]) == ("alice", "700")
    assert await r.run("s <- rc2::rc2_services(); cat(s$role[s$service == 'store'])") == "alice"


async def test_a_user_without_a_grant_reads_whom_to_ask(rc2: Rc2, client: Client):
    rc2.groups(alice=["staff"], bob=[])
    await client.create("bob")
    status, answer = await client.start("bob", services=["store:write"])
    assert (status, answer["message"]) == (403, "store: you have no grant for this service; ask the operator of this hub.")
    assert (await client.start("bob"))[0] == 201
    async with client.kernel("bob") as kernel:
        with pytest.raises(RError, match="store: you have no grant for this service; ask the operator of this hub"):
            await kernel.run('rc2::rc2_hdfs("store")')
    await client.stop("bob")


async def test_a_lost_grant_ends_a_running_write_within_thirty_seconds_and_r_goes_on(rc2: Rc2, r: Kernel):
    await r.run('hole <- file(file, "wb"); seek(hole, 2^30); writeBin(raw(1), hole); close(hole); mine <- 41')
    started_at = time.monotonic()
    rc2.groups(alice=[], bob=[])
    output = await r.run("cat(tryCatch(repeat store$put(file, 'long', overwrite = TRUE), error = conditionMessage))")
    assert time.monotonic() - started_at < 30
    assert "store" in output
    assert await r.run("cat(mine + 1)") == "42"


async def test_a_killed_gateway_is_started_again_and_the_next_use_works(rc2: Rc2, r: Kernel):
    (killed,) = (pid for pid in children(rc2) if GATEWAY in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(killed, signal.SIGKILL)

    async def is_back() -> bool:
        return await r.run('cat(tryCatch(nrow(store$ls("/")) > 0, error = function(error) FALSE))') == "TRUE"

    await until(is_back, interval=0.5)
