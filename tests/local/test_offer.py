"""Which shared services `make up` offers."""

import pytest

from rc2hub.errors import ConfigurationError
from rc2hub.local import hdfs, offer


@pytest.mark.parametrize(
    ("named", "offered"),
    [
        ("", ()),
        ("spark", ("spark",)),
        (" hdfs , flights", ("flights", "hdfs")),
        ("spark,spark,", ("spark",)),
    ],
)
def test_a_user_picks_services(monkeypatch: pytest.MonkeyPatch, named: str, offered: tuple[str, ...]):
    monkeypatch.setenv("RC2_SERVICES", named)
    assert offer.offered_services() == offered


@pytest.mark.parametrize(("gibibytes", "offered"), [(4, ("flights", "spark")), (8, ("flights", "spark", "hdfs"))])
def test_by_default_hdfs_is_offered_where_memory_allows(
    monkeypatch: pytest.MonkeyPatch, gibibytes: int, offered: tuple[str, ...]
):
    monkeypatch.delenv("RC2_SERVICES", raising=False)
    monkeypatch.setattr(offer, "_memory", lambda: gibibytes << 30)
    assert offer.offered_services() == offered


def test_a_name_that_does_not_exist_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_SERVICES", "flights,oracle")
    with pytest.raises(
        ConfigurationError, match="^RC2_SERVICES: there is no service 'oracle'; known are flights, spark, hdfs.$"
    ):
        offer.offered_services()


def test_without_its_servers_hdfs_is_offered_to_no_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hdfs, "is_installed", lambda: False)
    monkeypatch.delenv("RC2_SERVICES", raising=False)
    assert "hdfs" not in offer.offered_services()
    monkeypatch.setenv("RC2_SERVICES", "hdfs")
    with pytest.raises(ConfigurationError, match="^RC2_SERVICES: hdfs is not installed; `make setup` installs it.$"):
        offer.offered_services()


def test_a_grant_of_a_service_that_is_not_offered_is_no_scope():
    assert offer.scopes(["flights:read", "hdfs:write"], ("flights", "spark")) == ["custom:rc2:flights:read"]
