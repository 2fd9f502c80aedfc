"""What the parts of one hub share."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from rc2hub.errors import StandbyError
from rc2hub.hub.runtime import Runtime
from rc2hub.spawn_request import SpawnChoices


class Pool:
    """A pool that opens at the second try."""

    tries = 0

    async def open(self, _used_locations: Any) -> None:
        self.tries += 1
        if self.tries == 1:
            raise StandbyError("the Kubernetes API does not answer")


def test_a_copy_of_the_configuration_holds_the_same_runtime():
    runtime = Runtime(SpawnChoices({}, {}))
    assert deepcopy({"rc2": runtime})["rc2"] is runtime


async def test_a_login_waits_until_the_pool_is_open():
    runtime = Runtime(SpawnChoices({}, {}))
    runtime.pool = Pool()
    login = asyncio.ensure_future(runtime.pool_opened())
    with pytest.raises(StandbyError):
        await runtime.open_pool(set)
    assert not login.done()
    await runtime.open_pool(set)
    await login
