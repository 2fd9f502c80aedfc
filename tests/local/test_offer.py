"""Which shared services `make up` offers."""

import pytest

from rc2hub.errors import ConfigurationError
from rc2hub.local import hdfs, hive, offer


@pytest.mark.parametrize(
    ("named", "offered"),
    [
        ("", ()),
        ("spark", ("spark",)),
        (" hdfs , flights", ("flights", "hdfs")),
        ("hive,hdfs,flights", ("flights", "hdfs", "hive")),
        ("spark,spark,", ("spark",)),
    ],
)
def test_a_user_picks_services(monkeypatch: pytest.MonkeyPatch, named: str, offered: tuple[str, ...]):
    monkeypatch.setenv("RC2_SERVICES", named)
    assert offer.offered_services() == offered


@pytest.mark.parametrize(
    ("gibibytes", "offered"),
    [(4, ("flights", "spark")), (8, ("flights", "spark", "hdfs")), (16, ("flights", "spark", "hdfs", "hive"))],
)
def test_by_default_hdfs_and_hive_are_offered_where_memory_allows(
    monkeypatch: pytest.MonkeyPatch, gibibytes: int, offered: tuple[str, ...]
):
    monkeypatch.delenv("RC2_SERVICES", raising=False)
    monkeypatch.setattr(offer, "_memory", lambda: gibibytes << 30)
    assert offer.offered_services() == offered


def test_spark_has_a_standby_where_memory_allows(monkeypatch: pytest.MonkeyPatch):
    for gibibytes, standbys in ((4, 0), (8, 1)):
        monkeypatch.setattr(offer, "_memory", lambda gibibytes=gibibytes: gibibytes << 30)
        assert offer.spark_standbys() == standbys


def test_a_name_that_does_not_exist_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_SERVICES", "flights,oracle")
    with pytest.raises(
        ConfigurationError, match="^RC2_SERVICES: there is no service 'oracle'; known are flights, spark, hdfs, hive.$"
    ):
        offer.offered_services()


def test_without_its_servers_hdfs_is_offered_to_no_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hdfs, "is_installed", lambda: False)
    monkeypatch.delenv("RC2_SERVICES", raising=False)
    assert offer.offered_services() == ("flights", "spark")
    monkeypatch.setenv("RC2_SERVICES", "hdfs")
    with pytest.raises(ConfigurationError, match="^RC2_SERVICES: hdfs is not installed; `make setup` installs it.$"):
        offer.offered_services()


def test_hive_that_is_named_without_its_metastore_or_its_stores_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_SERVICES", "spark,hive,hdfs")
    with pytest.raises(ConfigurationError, match="^RC2_SERVICES: hive needs flights and hdfs; name them too.$"):
        offer.offered_services()
    monkeypatch.setattr(hive, "is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match="^RC2_SERVICES: hive is not installed; `make setup` installs it.$"):
        offer.offered_services()


def test_a_grant_of_a_service_that_is_not_offered_is_no_scope():
    assert offer.scopes(["flights:read", "hdfs:write"], ("flights", "spark")) == ["custom:rc2:flights:read"]
