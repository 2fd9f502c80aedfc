"""What the page shows of a service that warns; whole pages are tested with a hub in test_pools.py."""

from types import SimpleNamespace
from typing import Any

from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.page import _template
from rc2hub.broker.reconciler import Reconciler
from rc2hub.broker.state import BrokerState
from tests.broker.memory_service import MemoryService

WARNING = "flights: the table <nightly> of loader cannot be granted."
COMMON = {"user": "operator", "servers": [], "catalogue": [], "pools": []}


def broker(*warnings: str) -> BrokerState:
    service = MemoryService()
    service.warnings = warnings
    reconciler = Reconciler({"flights": service})
    shared: Any = SimpleNamespace(display_name=str.capitalize)
    return BrokerState(shared, reconciler, ChangeRequests(reconciler), "secret")


def test_an_admin_reads_what_a_service_warns_of() -> None:
    found = broker(WARNING).warnings()
    assert found == {"Flights": (WARNING,)}
    page = _template().render(**COMMON, warnings=found)
    assert "<dt>Flights</dt>" in page
    assert "the table &lt;nightly&gt; of loader cannot be granted." in page


def test_a_service_without_a_warning_is_not_listed() -> None:
    assert broker().warnings() == {}
    assert "What services warn of" not in _template().render(**COMMON, warnings={})
