import pytest
from traitlets.config import Config

from rc2hub.errors import ConfigurationError
from rc2hub.profiles import Profiles


def profiles(*entries):
    return Profiles(config=Config({"Profiles": {"catalogue": list(entries)}})).profiles()


def test_a_profile_needs_only_a_name():
    assert profiles({"name": "r"})["r"].display_name == "r"


def test_the_profiles_keep_the_operators_order():
    assert list(profiles({"name": "small"}, {"name": "big"})) == ["small", "big"]


@pytest.mark.parametrize(
    ("entry", "message"),
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
        ({"name": "r-"}, "'name' must be a lower-case letter and up to 29 letters, digits and '-', the last one no '-'"),
        ({"name": "r" * 80}, "'name' must be a lower-case letter and up to 29 letters"),
        ({"name": "r\n"}, "'name' must be a lower-case letter"),
        ({"name": "r", "display_name": 3}, "'display_name' must be a text for users, not 3."),
        ({"name": "r", "display_name": ""}, "'display_name' must be a text for users, not ''."),
        ({"name": "r", "cpu": float("inf")}, "'cpu' must be a number of cores above 0, not inf."),
        ({"name": "r", "cpu": float("nan")}, "'cpu' must be a number of cores above 0, not nan."),
        ({"name": "r", "cpu": True}, "'cpu' must be a number of cores above 0, not True."),
        ({"name": "r", "memory": "0.0G"}, "'memory' must be a size above 0, such as '2G', not '0.0G'."),
        ({"name": "r", "memory": "2G\n"}, "'memory' must be a size above 0"),
        ({"name": "r", "kubespawner_override": []}, "'kubespawner_override' must be a dictionary of traits of KubeSpawner."),
        ({"name": "r", 3: 4}, "unknown field '3'; accepted are cpu, display_name"),
    ],
    ids=str,
)
def test_an_error_names_the_profile_and_the_accepted_values(entry, message):
    with pytest.raises(ConfigurationError, match=message) as refused:
        profiles({"name": "first"}, entry)
    assert "c.Profiles.catalogue[1]" in str(refused.value)


def test_two_profiles_with_the_same_name_are_refused():
    with pytest.raises(ConfigurationError, match="taken by an earlier"):
        profiles({"name": "r"}, {"name": "r"})


def test_an_empty_catalogue_is_refused():
    with pytest.raises(ConfigurationError, match="at least one profile"):
        profiles()
