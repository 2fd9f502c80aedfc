"""The catalogue of services: names, and the id of an installation."""

from pathlib import Path

import pytest
from traitlets.config import Config

from rc2hub.errors import ConfigurationError
from rc2hub.services.catalogue import SharedServices

FLIGHTS = {"kind": "postgres", "url": "postgresql://db:5432/flights", "admin": {"file": "/etc/rc2/flights"}}


def shared(name: str = "flights", **settings: str) -> SharedServices:
    return SharedServices(config=Config({"SharedServices": {"catalogue": {name: FLIGHTS}, **settings}}))


def test_an_installation_keeps_its_id_when_hub_and_broker_start_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ids = []
    for folder in ("hub", "hub", "another hub"):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        ids.append(shared().open_services()["flights"].installation)
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_an_operator_can_choose_the_id_of_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert shared(installation="department").open_services()["flights"].installation == "department"
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_cannot_be_kept_stops_the_broker_with_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rc2_installation").mkdir()
    with pytest.raises(
        ConfigurationError, match=r"c\.SharedServices\.installation must be set, as the file /.* cannot be used"
    ):
        shared().open_services()
