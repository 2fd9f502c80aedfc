"""The standby's end of its control stream in a pod: of many callers, one activation request counts."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute.control_socket import ALREADY_ACTIVATED, ListeningControl
from rc2hub.errors import LostStandbyError, StandbyError
from rc2hub.hub.pool.control_stream import Stream
from tests.fixtures.hub import HANG_TIMEOUT

REQUEST = {"env": {"A": "1"}, "home": "/home/alice", "uid": 100001}


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
    """A standby's control stream in a new folder, and the hubs that connect to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "control.sock"
        self.control = ListeningControl(str(self.path))
        self.callers: list[Caller] = []

    async def call(self) -> Stream:
        """A hub that has connected, and has read that the standby is ready."""
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


async def test_only_the_account_of_the_standby_can_open_the_socket(pod: Pod) -> None:
    assert stat.S_IMODE(pod.path.stat().st_mode) == 0o600


async def test_after_a_hub_that_disconnects_before_its_request_the_next_hub_can_activate_the_standby(pod: Pod) -> None:
    await (await pod.call()).close()
    hub = await pod.call()
    await hub.send(REQUEST)
    assert await pod.control.wait_for_activation() == REQUEST
    await hub.send({"attachments": []})
    assert await pod.control.receive() == {"attachments": []}
    await pod.control.mark_active()
    assert await hub.receive() == {"active": True}


async def test_of_two_requests_one_counts_and_the_other_gets_an_error(pod: Pod) -> None:
    first, second = [await pod.call() for _ in range(2)]
    await first.send(REQUEST)
    assert await pod.control.wait_for_activation() == REQUEST
    await second.send(REQUEST | {"home": "/home/bob"})
    with pytest.raises(LostStandbyError, match=ALREADY_ACTIVATED):
        await second.receive()


async def test_a_pod_that_is_activated_before_its_warm_up_is_ready_when_it_serves(pod: Pod) -> None:
    ready = pod.path.with_name("ready")
    hub = await pod.call()
    assert not ready.exists()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    await pod.control.mark_active()
    assert ready.exists()


async def test_an_incomplete_request_does_not_count(pod: Pod) -> None:
    hub = await pod.call()
    await hub._lines.write(json.dumps(REQUEST).encode()[:20])
    await hub.close()
    whole = await pod.call()
    await whole.send(REQUEST)
    assert await asyncio.wait_for(pod.control.wait_for_activation(), HANG_TIMEOUT) == REQUEST


async def test_with_incomplete_attachments_the_standby_ends_without_an_error(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    await hub._lines.write(b'{"attachments": [{"serv')
    await hub.close()
    with pytest.raises(SystemExit) as ended:
        await pod.control.receive()
    assert ended.value.code == 0


async def test_an_incomplete_answer_means_a_lost_standby(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    pod.control.writer.write(b'{"act')
    pod.control.writer.close()
    with pytest.raises(LostStandbyError):
        await hub.receive()


async def test_the_user_gets_the_reason_why_a_standby_cannot_be_activated(pod: Pod) -> None:
    hub: Any = await pod.call()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    await pod.control.report_error("The home /home/alice belongs to a system account.")
    with pytest.raises(StandbyError, match="belongs to a system account"):
        await hub.receive()


async def test_a_restarted_container_cannot_be_activated_again(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    with pytest.raises(SystemExit, match="cannot be activated again"):
        ListeningControl(str(pod.path))


async def test_a_restarted_standby_is_ready_only_after_its_own_warm_up(pod: Pod) -> None:
    await pod.control.mark_ready()
    again = ListeningControl(str(pod.path))
    assert not pod.path.with_name("ready").exists()
    await again.mark_ready()
    assert pod.path.with_name("ready").exists()


async def test_hubs_that_stay_connected_get_an_error_when_another_hub_activates_the_standby(pod: Pod) -> None:
    hub = await pod.call()
    readable = asyncio.ensure_future(hub.wait_readable())
    await asyncio.sleep(0)
    assert not readable.done()
    other = await pod.call()
    await other.send(REQUEST)
    await pod.control.wait_for_activation()
    await asyncio.wait_for(readable, HANG_TIMEOUT)
    with pytest.raises(LostStandbyError, match=ALREADY_ACTIVATED):
        await hub.receive()
    with pytest.raises(LostStandbyError):
        await hub.receive()  # the end of the stream


async def test_a_hub_notices_the_end_of_a_standby_that_it_is_activating(pod: Pod) -> None:
    hub = await pod.call()
    await hub.send(REQUEST)
    await pod.control.wait_for_activation()
    pod.control.writer.close()
    with pytest.raises(LostStandbyError):
        await hub.receive()
