"""For whom a program of a service works: a Spark driver uses HDFS as its user, while both are attached."""

from types import SimpleNamespace
from typing import Any

import pytest

from rc2hub.broker.state import BrokerState
from rc2hub.gateways.driver_token import driver_token
from rc2hub.messages import DesiredState, UserState
from rc2hub.server_id import ServerId
from rc2hub.services.hdfs import HdfsService
from rc2hub.services.spark import SparkService

ALL = ("custom:rc2:spark:use", "custom:rc2:store:read", "custom:rc2:store:write")
TOKEN = driver_token("s3cret", "alice", "spark-1")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RC2_GATEWAY_SECRET", "s3cret")


def state(scopes: tuple[str, ...] = ALL, **servers: dict[str, str]) -> BrokerState:
    """The broker's state with these servers of alice; a server is a dictionary of service to level."""
    services = {
        "spark": SparkService("spark", {"gateway": "sc://gateway:15002"}, 60.0),
        "store": HdfsService("store", {"gateway": "http://gateway:14000", "namenode": "http://namenode:9870"}, 60.0),
    }
    desired = DesiredState(1, {"alice": UserState(scopes=scopes, servers=servers)})
    reconciler: Any = SimpleNamespace(services=services, desired=desired)
    unused: Any = None
    return BrokerState(unused, reconciler, unused, "")


def test_a_driver_works_for_its_user():
    assert state(one={"spark": "use"}).user_of_program(TOKEN) == "alice"


@pytest.mark.parametrize(
    ("scopes", "servers"),
    [(ALL, {}), (ALL, {"one": {"store": "read"}}), (("custom:rc2:store:read",), {"one": {"spark": "use"}})],
)
def test_without_an_attached_spark_a_driver_works_for_no_user(scopes: tuple[str, ...], servers: dict[str, Any]):
    assert state(scopes, **servers).user_of_program(TOKEN) is None


def test_a_token_that_no_gateway_made_names_no_user():
    forged = driver_token("guessed", "alice", "spark-1")
    assert state(one={"spark": "use"}).user_of_program(forged) is None


def test_a_driver_has_the_highest_level_of_its_users_servers():
    found = state(one={"spark": "use", "store": "read"}, two={"store": "write"}).highest_level("alice", "store")
    assert found == (ServerId("alice", "two"), "write")


def test_a_level_without_its_grant_does_not_count():
    servers = {"one": {"store": "read"}, "two": {"store": "write"}}
    assert state(ALL[:2], **servers).highest_level("alice", "store") == (ServerId("alice", "one"), "read")
    assert state(ALL[:1], **servers).highest_level("alice", "store") is None
    assert state(ALL).highest_level("bob", "store") is None
