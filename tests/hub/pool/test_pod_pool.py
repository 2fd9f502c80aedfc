"""The pool of multi-user mode without a cluster: how it opens, and which states it reports. The rest is in `tests/cluster`."""

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from kubernetes_asyncio.client import ApiException

from rc2hub.errors import ConfigurationError, ServiceUnavailableError, StandbyError
from rc2hub.hub.pool.deployment import POOL
from rc2hub.hub.pool.pod_pool import NEEDS_USER, PodPool
from rc2hub.hub.runtime import Runtime
from rc2hub.kubernetes import Pod, PodWatch
from rc2hub.messages import PoolState
from rc2hub.profiles import Profile
from rc2hub.spare import Spare
from rc2hub.spawn_request import SpawnChoices
from tests.hub.pool.pod_watches import NAMESPACE, pod_watch, set_pods
from tests.hub.pool.test_deployment import TEMPLATE_POD

PROFILES = {name: Profile(name, name, spare=Spare(spare)) for name, spare in (("r", 3), ("cold", 0), ("own", 1))}


class Template:
    """Makes the pod of every profile except `own`, whose hook needs the name of a user."""

    owner, hub_id = "", "1a2b3c4d"

    def __init__(self) -> None:
        self.watch = pod_watch()
        self.failures = 0

    async def pods(self) -> PodWatch:
        if self.failures:
            self.failures -= 1
            raise ServiceUnavailableError("the Kubernetes API does not answer")
        return self.watch

    async def template_pod(self, profile: str) -> Pod:
        if profile == "own":
            raise AttributeError("name")
        return TEMPLATE_POD


def make_pool(template: Template) -> PodPool:
    api: Any = SimpleNamespace(namespace=NAMESPACE)
    return PodPool(api, template, PROFILES)


def standby(name: str, **waiting: str) -> Pod:
    container = {"name": "notebook", "state": {"waiting": waiting} if waiting else {"running": {}}}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {POOL: "r"}}
    return {"metadata": metadata, "status": {"containerStatuses": [container]}}


async def test_each_profile_with_standbys_has_a_state_with_the_reason_of_a_problem() -> None:
    template = Template()
    pool = make_pool(template)
    assert pool.states() == []
    await pool.open(set)
    without_standbys = PoolState("own", 0, 0, 0, 0, NEEDS_USER)
    assert pool.states() == [PoolState("r", 3, 0, 0, 0, ""), without_standbys]
    set_pods(template.watch, standby("a"), standby("b", reason="ErrImagePull", message="no such image"))
    profile_pool = pool.profile_pool("r")
    assert profile_pool
    profile_pool.reconciler._note_problem({})
    assert pool.states() == [PoolState("r", 3, 0, 1, 1, "ErrImagePull: no such image"), without_standbys]


async def test_an_opened_pool_knows_which_profiles_have_standbys() -> None:
    pool = make_pool(Template())
    assert [name for name in PROFILES if pool.profile_pool(name)] == []
    await pool.open(set)
    assert [name for name in PROFILES if pool.profile_pool(name)] == ["r"]


async def test_a_login_that_comes_before_the_pool_is_open_waits_until_it_is() -> None:
    runtime = Runtime(SpawnChoices(PROFILES, {}))
    runtime.pool = pool = make_pool(Template())
    waiting = asyncio.ensure_future(runtime.pool_opened())
    await asyncio.sleep(0)
    assert not waiting.done()
    await runtime.open_pool(set)
    await waiting
    assert [name for name in PROFILES if pool.profile_pool(name)] == ["r"]


async def test_a_pool_that_cannot_be_opened_is_opened_again() -> None:
    template = Template()
    template.failures = 1
    pool = make_pool(template)
    with pytest.raises(StandbyError, match="the Kubernetes API does not answer"):
        await pool.open(set)
    assert pool.profile_pool("r") is None
    await pool.open(set)
    assert pool.profile_pool("r")


@pytest.mark.parametrize(
    ("status", "error"), [(403, ConfigurationError), (404, ConfigurationError), (429, StandbyError), (503, StandbyError)]
)
async def test_a_refusal_of_the_api_server_is_the_operators_to_mend_and_an_outage_is_waited_for(
    status: int, error: type[Exception]
) -> None:
    refusal = ServiceUnavailableError("pods is forbidden")
    refusal.__cause__ = ApiException(status)
    template = Template()
    template.pods = AsyncMock(side_effect=refusal)  # type: ignore[method-assign]
    with pytest.raises(error, match="pods is forbidden"):
        await make_pool(template).open(set)


async def resize(pool: PodPool, *reports: Any) -> bool:
    """The result of a resize whose node then reports these statuses."""
    watch = await pool._template.pods()
    before = standby("a")
    set_pods(watch, before)
    resizing = asyncio.create_task(pool.resize(before, {}))
    for status in reports:
        await asyncio.sleep(0)
        set_pods(watch, {**before, "status": status})
    return await resizing


@pytest.mark.parametrize(
    ("reports", "has_room"),
    [
        ([{}, {"containerStatuses": [{"name": "notebook", "resources": {"requests": {"cpu": "2"}}}]}], True),
        ([{}, {"conditions": [{"type": "PodResizePending", "message": "node has no room"}]}], False),
    ],
)
async def test_a_resize_waits_until_the_node_reports_whether_it_has_room(reports: Any, has_room: bool) -> None:
    pool = make_pool(Template())
    pool.api.resize = AsyncMock()  # type: ignore[method-assign]
    await pool.open(set)
    async with asyncio.timeout(5):
        assert await resize(pool, *reports) is has_room
