"""How a hub keeps and claims the standbys of a profile, without a cluster; `tests/cluster` has one."""

import asyncio

import pytest

from rc2hub.errors import ClaimRefusedError, StandbyError
from rc2hub.hub.pool import pod_profile_pool
from rc2hub.kubernetes import Pod
from tests.hub.pool.tested_pool import TestedPool, claimed_pod, pod


async def test_the_oldest_standby_is_claimed_first_but_those_of_the_newest_template_before_all_others(
    pool: TestedPool,
) -> None:
    await pool.change(pod("a", template="old"))
    await pool.change(pod("b"))
    await pool.change(pod("c"))
    assert [await pool.claim() for _ in range(3)] == ["b", "c", "a"]


async def test_a_standby_that_is_ready_again_has_a_stream_again(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    await pool.change(pod("a", ready=False))
    pool.streams["a"][0].ended.set()
    await pool.change(pod("b"))
    assert len(pool.streams["a"]) == 1
    await pool.change(pod("a"))
    assert len(pool.streams["a"]) == 2
    assert {await pool.claim(), await pool.claim()} == {"a", "b"}


async def test_a_standby_whose_claim_fails_can_be_claimed_again(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    pool.failures = [StandbyError("the Kubernetes API does not answer")]
    with pytest.raises(StandbyError):
        await pool.claim()
    await pool.change(pod("a"))
    assert await pool.claim() == "a"


async def test_a_standby_that_another_hub_has_claimed_is_not_claimed(pool: TestedPool) -> None:
    await pool.change(pod("a"), pod("b"))
    await pool.change(claimed_pod("a"))
    pool.streams["a"][0].ended.set()
    await pool.change()
    assert await pool.claim() == "b"


async def test_a_claim_waits_for_the_standby_that_starts_and_the_next_one_gets_none(pool: TestedPool) -> None:
    await pool.change(pod("a", ready=False))
    first, second = asyncio.create_task(pool.claim()), asyncio.create_task(pool.claim())
    await asyncio.sleep(0)
    assert await second == ""
    await pool.change(pod("a"))
    assert await first == "a"
    assert pool.progress == ["Waiting for the next R: about 10 s"]


async def test_without_a_standby_on_its_way_a_claim_gets_none(pool: TestedPool) -> None:
    pool.reconciler.replica_failure = "exceeded quota"
    assert await pool.claim() == ""


REFUSAL = ClaimRefusedError("R could not be started: Pod is invalid; try again, or ask an operator.")


async def test_a_user_whose_claims_are_refused_reads_why_and_empties_no_pool(pool: TestedPool) -> None:
    await pool.change(pod("a"), pod("b"), pod("c"))
    pool.failures = [REFUSAL] * 3
    with pytest.raises(ClaimRefusedError, match="Pod is invalid"):
        await pool.claim()
    assert pool.tried == ["a", "b"]
    assert (pool.state().ready, pool.state().starting) == (3, 0)
    pool.failures = []
    assert {await pool.claim() for _ in range(3)} == {"a", "b", "c"}


async def test_a_claim_that_is_refused_once_gets_the_next_standby(pool: TestedPool) -> None:
    await pool.change(pod("a"), pod("b"))
    pool.failures = [REFUSAL]
    assert await pool.claim() == "b"
    assert await pool.claim() == "a"


async def test_a_refused_claim_that_no_standby_follows_ends_with_the_next_error(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    pool.failures = [REFUSAL, StandbyError("the Kubernetes API does not answer")]
    with pytest.raises(StandbyError, match="does not answer"):
        await pool.claim()


@pytest.mark.parametrize("error", [REFUSAL, StandbyError("the Kubernetes API does not answer")], ids=["refused", "away"])
async def test_a_spawner_whose_claim_fails_keeps_the_name_of_its_own_pod(pool: TestedPool, error: StandbyError) -> None:
    await pool.change(pod("a"))
    pool.failures, spawner = [error, error], pool.spawner()
    spawner.pod_name = "jupyter-alice"
    with pytest.raises(StandbyError):
        await pool.profile_pool.claim(spawner)
    assert spawner.pod_name == "jupyter-alice", "JupyterHub would delete a standby that another user may have by then"


async def test_a_claimed_standby_does_not_start_but_its_replacement_will(pool: TestedPool) -> None:
    await pool.change(pod("a"))
    assert await pool.claim() == "a"
    assert pool.state().starting == 0
    second = asyncio.create_task(pool.claim())
    await pool.change(claimed_pod("a"), pod("b"))
    assert await second == "b"


async def test_an_event_of_one_standby_costs_the_same_beside_few_and_many_pods(
    pool: TestedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Pod] = []
    is_ready = pod_profile_pool.is_ready

    def recording(pod: Pod) -> bool:
        checked.append(pod)
        return is_ready(pod)

    await pool.change(*(pod(f"standby-{n}") for n in range(100)))
    await pool.change(*(claimed_pod(f"server-{n}") for n in range(100)))
    monkeypatch.setattr(pod_profile_pool, "is_ready", recording)
    await pool.change(pod("new"))
    assert {each["metadata"]["name"] for each in checked} == {"new"}, f"{len(checked)} checks"
