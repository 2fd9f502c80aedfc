"""The push of the desired state, to a broker that is a stand-in."""

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush


class Broker:
    """Accepts the desired state, or does not answer."""

    is_down = False

    async def put_desired_state(self, _desired: object) -> None:
        if self.is_down:
            raise ServiceUnavailableError("down")


async def test_the_metrics_say_whether_the_broker_answers(monkeypatch: pytest.MonkeyPatch):
    broker: Any = Broker()
    push = DesiredStatePush(broker, SimpleNamespace(users={}))
    monkeypatch.setattr(push, "desired_state", lambda: None)
    await push.push()
    assert REGISTRY.get_sample_value("rc2_broker_up") == 1
    broker.is_down = True
    with pytest.raises(ServiceUnavailableError):
        await push.push()
    assert REGISTRY.get_sample_value("rc2_broker_up") == 0
