"""What the page shows of a service that warns; whole pages are tested with a hub in test_pools.py."""

from html import unescape
from types import SimpleNamespace
from typing import Any

from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.page import _template
from rc2hub.broker.reconciler import Reconciler
from rc2hub.broker.state import BrokerState
from rc2hub.messages import CatalogueEntry
from rc2hub.server_id import ServerId
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


def test_the_page_shows_how_to_use_a_service_from_r_and_from_python() -> None:
    entry = CatalogueEntry(
        service="store",
        kind="hdfs",
        display_name="Files",
        description="",
        levels=("read", "write"),
        granted=("read",),
        attached=True,
        level="read",
        role="alice",
        expires_at="2030-05-01T10:00:00+00:00",
        state="attached",
        message="",
        contact="the operator",
        r_code='store <- rc2_hdfs("store")',
        python_code='store = fsspec.filesystem("webhdfs")',
    )
    page = unescape(_template().render(**COMMON | {"servers": [(ServerId("alice"), [entry])]}, warnings={}))
    assert f">{entry.r_code}</code>" in page
    assert f">{entry.python_code}</code>" in page
