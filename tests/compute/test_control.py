"""The standby's end of its control stream in a pod: callers come and go, one order counts."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute.control import TAKEN, ListeningControl
from rc2hub.errors import LostStandbyError, StandbyError
from rc2hub.pool.stream import Stream

ORDER = {"env": {"A": "1"}, "home": "/home/alice", "uid": 100001}


class Caller:
    """A hub's end of the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.readline, self._writer = reader.readline, writer

    async def write(self, line: bytes) -> None:
        self._writer.write(line)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()


class Pod:
    """A standby's control in a folder of its own, and the hubs that call it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "control.sock"
        self.control = ListeningControl(str(self.path))
        self.callers: list[Caller] = []

    async def call(self) -> Stream:
        """A hub that calls, and has been told that the standby is ready."""
        caller = Caller(*await asyncio.open_unix_connection(self.path))
        self.callers.append(caller)
        stream = Stream(caller)
        assert await stream.receive() == {"ready": True, "port": 8888}
        return stream


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[Pod]:
    pod = Pod(tmp_path)
    await pod.control.open(8888)
    yield pod
    for caller in pod.callers:
        await caller.close()
    pod.control._server.close()
    if hasattr(pod.control, "writer"):
        pod.control.writer.close()
    await asyncio.sleep(0)


async def test_only_its_own_account_can_open_the_socket(pod: Pod) -> None:
    assert stat.S_IMODE(pod.path.stat().st_mode) == 0o600


async def test_a_hub_that_goes_away_before_the_order_leaves_the_standby_to_the_next(pod: Pod) -> None:
    await (await pod.call()).close()
    hub = await pod.call()
    await hub.send(ORDER)
    assert await pod.control.order() == ORDER
    await hub.send({"attachments": []})
    assert await pod.control.receive() == {"attachments": []}
    await pod.control.active()
    assert await hub.receive() == {"active": True}


async def test_of_two_orders_one_counts_and_the_other_is_told_so(pod: Pod) -> None:
    first, second = [await pod.call() for _ in range(2)]
    await first.send(ORDER)
    assert await pod.control.order() == ORDER
    await second.send(ORDER | {"home": "/home/bob"})
    with pytest.raises(LostStandbyError, match=TAKEN):
        await second.receive()


async def test_the_pod_is_ready_when_the_standby_is_or_else_when_it_serves_somebody(pod: Pod) -> None:
    ready = pod.path.with_name("ready")
    hub = await pod.call()
    assert not ready.exists()
    await hub.send(ORDER)
    await pod.control.order()
    await pod.control.active()
    assert ready.exists()


async def test_a_cut_order_is_none(pod: Pod) -> None:
    hub = await pod.call()
    await hub._lines.write(json.dumps(ORDER).encode()[:20])
    await hub.close()
    whole = await pod.call()
    await whole.send(ORDER)
    assert await asyncio.wait_for(pod.control.order(), 5) == ORDER


async def test_with_cut_attachments_the_standby_ends_and_says_nothing_of_it(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(ORDER)
    await pod.control.order()
    await hub._lines.write(b'{"attachments": [{"serv')
    await hub.close()
    with pytest.raises(SystemExit) as ended:
        await pod.control.receive()
    assert ended.value.code == 0


async def test_a_cut_answer_is_that_of_a_lost_standby(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(ORDER)
    await pod.control.order()
    pod.control.writer.write(b'{"act')
    pod.control.writer.close()
    with pytest.raises(LostStandbyError):
        await hub.receive()


async def test_the_person_reads_why_a_standby_cannot_be_hers(pod: Pod) -> None:
    hub: Any = await pod.call()
    await hub.send(ORDER)
    await pod.control.order()
    await pod.control.refuse("The home /home/alice belongs to a system account.")
    with pytest.raises(StandbyError, match="belongs to a system account"):
        await hub.receive()


async def test_a_container_that_kubernetes_starts_again_is_nobodys_second_server(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(ORDER)
    await pod.control.order()
    with pytest.raises(SystemExit, match="takes no other order"):
        ListeningControl(str(pod.path))


async def test_a_standby_that_was_started_again_is_ready_only_when_it_is(pod: Pod) -> None:
    await pod.control.ready()
    again = ListeningControl(str(pod.path))
    assert not pod.path.with_name("ready").exists()
    await again.ready()
    assert pod.path.with_name("ready").exists()


async def test_hubs_that_hold_a_stream_to_a_standby_of_anothers_are_told_and_left(pod: Pod) -> None:
    hub = await pod.call()
    stirring = asyncio.ensure_future(hub.stirs())
    await asyncio.sleep(0)
    assert not stirring.done()
    other = await pod.call()
    await other.send(ORDER)
    await pod.control.order()
    await asyncio.wait_for(stirring, 5)
    with pytest.raises(LostStandbyError, match=TAKEN):
        await hub.receive()
    with pytest.raises(LostStandbyError):
        await hub.receive()  # the end of the stream


async def test_a_hub_notices_the_end_of_a_standby_that_it_has_ordered(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(ORDER)
    await pod.control.order()
    pod.control.writer.close()
    with pytest.raises(LostStandbyError):
        await hub.receive()
