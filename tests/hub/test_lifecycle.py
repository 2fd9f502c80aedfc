"""What a start does when a standby fails. The faults are injected; whole logins are tested elsewhere."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.errors import LostStandbyError, ServiceUnavailableError, StandbyError
from rc2hub.hub import lifecycle
from rc2hub.hub.pool.activation import ActivationRequest
from rc2hub.server_id import ServerId
from rc2hub.spawn_request import SpawnChoices, SpawnRequest

LOST = LostStandbyError("The R server ended while it was started; start it again.")
BROKEN_HOME = StandbyError("The home /home/alice belongs to a system account; an operator has to give it to its owner.")


class Standby:
    """A standby that fails, or serves."""

    def __init__(self, number: int, error: Exception | None) -> None:
        self.url, self.error, self.discarded = f"http://standby-{number}", error, False

    async def activate(self, request: ActivationRequest) -> None:
        """Accept the request."""

    async def send_attachments(self, attachments: list[dict[str, Any]]) -> None:
        if self.error is not None:
            raise self.error

    async def discard(self) -> None:
        self.discarded = True


class Push:
    """Sends the desired state nowhere: the broker does not answer."""

    def push_soon(self) -> None:
        """Nothing is attached."""

    async def push(self) -> int:
        raise ServiceUnavailableError("The broker does not answer.")

    push_with_retry = push


class Alice:
    """A compute server whose standbys fail one after the other with the given errors."""

    choices, server_id, api_token = SpawnChoices({}, {}), ServerId("alice", ""), "token"
    spawn_request = SpawnRequest("r", {})

    def __init__(self, *errors: Exception | None) -> None:
        self.errors, self.standbys, self.messages = list(errors), list[Standby](), list[str]()
        self.requested_services: dict[str, str] = {}
        self.desired_state: Any = Push()

    async def claim(self) -> Standby:
        self.standbys.append(Standby(len(self.standbys), self.errors.pop(0)))
        return self.standbys[-1]

    def activation_request(self) -> ActivationRequest:
        return ActivationRequest({}, "/home/alice")

    async def delete_tokens(self) -> None:
        """There are none."""

    def save_state(self) -> None:
        """There is none."""

    def report_progress(self, message: str) -> None:
        self.messages.append(message)


async def error_of(alice: Alice) -> BaseException:
    with pytest.raises(BaseExceptionGroup) as raised:
        await lifecycle.start(alice)
    return lifecycle.first_error(raised.value)


async def test_a_lost_standby_is_replaced_by_the_next_one() -> None:
    alice = Alice(LOST, None)
    assert await lifecycle.start(alice) == "http://standby-1"
    assert [standby.discarded for standby in alice.standbys] == [True, False]
    assert "That R was lost; taking the next one" in alice.messages


async def test_a_lost_standby_is_replaced_only_once() -> None:
    alice = Alice(LOST, LOST, None)
    assert await error_of(alice) is LOST
    assert [standby.discarded for standby in alice.standbys] == [True, True]


async def test_a_failure_caused_by_the_users_home_takes_no_other_standby() -> None:
    alice = Alice(BROKEN_HOME, None)
    assert await error_of(alice) is BROKEN_HOME
    assert [standby.discarded for standby in alice.standbys] == [True]


async def test_a_cancelled_start_discards_its_standby() -> None:
    alice = Alice(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await lifecycle.start(alice)
    assert alice.standbys[0].discarded


@pytest.mark.parametrize("blocks_start", [False, True])
async def test_while_the_broker_is_away_only_a_service_that_blocks_the_start_fails_it(blocks_start: bool) -> None:
    alice = Alice(None)
    service: Any = SimpleNamespace(display_name="Spark", blocks_start=blocks_start)
    alice.choices, alice.spawn_request = SpawnChoices({}, {"spark": service}), SpawnRequest("r", {"spark": "use"})
    if blocks_start:
        assert "The broker does not answer." in str(await error_of(alice))
    else:
        assert await lifecycle.start(alice) == "http://standby-0"
