"""When the gate of a new standby is removed: not during the logins before it, and never much later. The clock is a fake."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.pool import refill_throttle
from rc2hub.hub.pool.deployment import GATE
from rc2hub.hub.pool.refill_throttle import MAX_GATED, POLL_INTERVAL, QUIET_PERIOD, RefillThrottle
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch, set_pods

METADATA = {"name": "new", "namespace": NAMESPACE, "labels": {}}
GATED: dict[str, Any] = {"metadata": METADATA, "spec": {"schedulingGates": [{"name": GATE}]}}
UNGATED: dict[str, Any] = {"metadata": METADATA, "spec": {}}


class World:
    """An API server and a clock; a test decides everything about them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ungated: list[tuple[str, str, float]] = []
        self.failures = 0
        self.awaited_from = float("inf")
        self.logins: list[float] = []
        self.pods = pod_watch(GATED)
        api: Any = SimpleNamespace(ungate=self.ungate)
        self.throttle = RefillThrottle(api, self.pods, lambda: self.now >= self.awaited_from)

    async def ungate(self, name: str, gate: str) -> None:
        if self.failures:
            self.failures -= 1
            raise StandbyError("the Kubernetes API does not answer")
        self.ungated.append((name, gate, self.now - 100))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds
        for _ in [login for login in self.logins if login <= self.now]:
            self.throttle.record_claim()

    async def watch(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.throttle.ungate_later(tasks, "new", self.pods.get("new"))  # type: ignore[arg-type]
            self.throttle.ungate_later(tasks, "new", self.pods.get("new"))  # type: ignore[arg-type]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(refill_throttle, "time", SimpleNamespace(monotonic=lambda: made.now))
    monkeypatch.setattr(refill_throttle, "asyncio", SimpleNamespace(sleep=made.sleep))
    return made


async def test_without_a_login_the_gate_is_removed_at_once_and_once(world: World) -> None:
    await world.watch()
    assert world.ungated == [("new", GATE, 0.0)]


async def test_the_gate_stays_until_the_login_is_over(world: World) -> None:
    world.throttle.record_claim()
    await world.watch()
    assert world.ungated == [("new", GATE, pytest.approx(QUIET_PERIOD, abs=POLL_INTERVAL))]


async def test_the_gate_stays_no_longer_than_two_seconds_however_many_users_log_in(world: World) -> None:
    world.throttle.record_claim()
    world.logins = [100.0]  # and from then on at each check
    await world.watch()
    assert world.ungated == [("new", GATE, pytest.approx(MAX_GATED, abs=POLL_INTERVAL))]


async def test_the_gate_is_removed_during_logins_if_a_user_waits_for_the_standby(world: World) -> None:
    world.throttle.record_claim()
    world.awaited_from = 100.3
    await world.watch()
    assert world.ungated == [("new", GATE, pytest.approx(0.3, abs=POLL_INTERVAL))]


async def test_a_failed_removal_is_tried_again(world: World) -> None:
    world.failures = 2
    await world.watch()
    assert world.ungated == [("new", GATE, 2 * refill_throttle.RETRY_DELAY)]


async def test_a_hub_that_shuts_down_leaves_no_gated_pod(world: World) -> None:
    world.throttle.record_claim()
    watching = asyncio.create_task(world.watch())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.ungated == []
    watching.cancel()
    await asyncio.wait({watching})
    assert [name for name, _, _ in world.ungated] == ["new"]


async def test_a_pod_without_the_gate_is_not_changed(world: World) -> None:
    set_pods(world.pods, UNGATED)
    await world.watch()
    assert world.ungated == []
