"""Standbys that are ready and cannot be reached by exec, without a cluster."""

import asyncio

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.pool import pod_profile_pool, unreachable_standbys
from rc2hub.messages import PoolState
from tests.hub.pool.tested_pool import DEADLINE, TestedPool, claimed_pod, pod


async def test_a_ready_standby_that_cannot_be_reached_is_broken_and_no_claim_waits_for_it(pool: TestedPool) -> None:
    pool.out_of_reach = True
    await pool.change(pod("a"))
    assert (pool.state().starting, pool.state().broken) == (0, 1)
    assert pool.state().message.startswith("A standby on the node node1 cannot be reached: ")
    assert await pool.claim() == ""


async def test_a_standby_that_stays_out_of_reach_is_replaced(pool: TestedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreachable_standbys, "REPLACE_AFTER", 0.0)
    pool.out_of_reach = True
    await pool.change(pod("a"))
    assert pool.deleted == ["a"]


async def test_replacements_on_a_node_without_exec_take_longer_and_longer(
    pool: TestedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreachable_standbys, "REPLACE_AFTER", 0.0)
    monkeypatch.setattr(unreachable_standbys, "MAX_REPLACE_AFTER", 60.0)
    unreachable = pool.profile_pool._unreachable
    unreachable._replace_after["node1"] = 30.0
    pool.out_of_reach = True
    await pool.change(pod("a"))
    assert pool.deleted == []
    await unreachable.record_failure("a", StandbyError("again"))
    assert pool.deleted == []
    unreachable._since["a"] -= 31
    await unreachable.record_failure("a", StandbyError("again"))
    assert (pool.deleted, unreachable._replace_after) == (["a"], {"node1": 60.0})
    unreachable.record_success(pod("b"))
    assert unreachable._replace_after == {}


async def test_while_the_api_server_is_away_no_standby_is_broken_or_replaced(
    pool: TestedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreachable_standbys, "REPLACE_AFTER", 0.0)
    pool.out_of_reach = pool.is_api_down = True
    await pool.change(pod("a"))
    assert (pool.state().broken, pool.state().message, pool.deleted) == (0, "", [])


async def test_a_pod_that_is_a_users_by_now_is_not_replaced(pool: TestedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreachable_standbys, "REPLACE_AFTER", 0.0)
    await pool.change(claimed_pod("a"))
    await pool.profile_pool._unreachable.record_failure("a", StandbyError("This server is activated already."))
    assert (pool.deleted, pool.state().broken) == ([], 0)


async def test_a_standby_that_can_be_reached_again_is_ready(pool: TestedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_profile_pool, "RETRY_DELAY", 0.01)
    pool.out_of_reach = True
    await pool.change(pod("a"))
    pool.out_of_reach = False
    async with asyncio.timeout(DEADLINE):
        while not pool.state().ready:
            await asyncio.sleep(0.01)
    assert pool.state() == PoolState("r", 1, 1, 0, 0, "")
    assert await pool.claim() == "a"
