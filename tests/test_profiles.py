import pytest
from traitlets.config import Config

from rc2hub.errors import ConfigurationError
from rc2hub.profiles import Profiles


def profiles(*entries):
    return Profiles(config=Config({"Profiles": {"catalogue": list(entries)}})).profiles()


def test_a_name_is_enough():
    assert profiles({"name": "r"})["r"].display_name == "r"


def test_the_first_profile_stays_the_first():
    assert list(profiles({"name": "small"}, {"name": "big"})) == ["small", "big"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({}, "'name'"),
        ({"name": "R 4"}, "'name'"),
        ({"name": "r", "cpu": 0}, "'cpu'"),
        ({"name": "r", "cpu": "many"}, "'cpu'"),
        ({"name": "r", "memory": 2}, "'memory'"),
        ({"name": "r", "memory": "2 GB"}, "'memory'"),
        ({"name": "r", "spare": -1}, "'spare'"),
        ({"name": "r", "spare": 1.5}, "'spare'"),
        ({"name": "r", "spares": 1}, "'spares'"),
        ("r", "dictionary"),
    ],
    ids=str,
)
def test_a_wrong_profile_is_named_with_what_is_accepted(entry, says):
    with pytest.raises(ConfigurationError, match=says) as refused:
        profiles({"name": "first"}, entry)
    assert "c.Profiles.catalogue[1]" in str(refused.value)


def test_two_profiles_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="taken by an earlier"):
        profiles({"name": "r"}, {"name": "r"})


def test_an_empty_catalogue_is_refused():
    with pytest.raises(ConfigurationError, match="at least one profile"):
        profiles()
