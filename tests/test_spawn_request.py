import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.errors import NotGrantedError, RequestError
from rc2hub.permissions import Grant
from rc2hub.profiles import Profile
from rc2hub.spawn_request import ServiceChoice, SpawnChoices, SpawnRequest, from_fields

FLIGHTS = ServiceChoice("flights", "postgres", "Flights", "data@example.org", ("read", "write"), True)
SPARK = ServiceChoice("spark", "spark", "Spark", "spark@example.org", ("use",), False)
CHOICES = SpawnChoices({"r": Profile("r", "R"), "big": Profile("big", "Big R")}, {"flights": FLIGHTS, "spark": SPARK})


def test_an_empty_request_is_the_first_profile_without_services():
    assert SpawnRequest.parse({}, CHOICES) == SpawnRequest("r", {})


def test_a_service_without_a_level_has_the_lowest_level():
    assert SpawnRequest.parse({"services": ["flights"]}, CHOICES).services == {"flights": "read"}


def test_a_service_requested_at_two_levels_has_the_higher_one():
    requested = {"services": ["flights:write", "flights:read"]}
    assert SpawnRequest.parse(requested, CHOICES).services == {"flights": "write"}


@pytest.mark.parametrize(
    "fields",
    [
        {"profile": ["big"], "service.flights": ["flights:write"], "service.spark": ["spark:use"], "service.survey": [""]},
        {"service": ["spark", "flights:write"], "profile": ["r", "big"]},
    ],
    ids=["form", "link"],
)
def test_form_link_and_rest_api_give_the_same_request(fields):
    rest = {"profile": "big", "services": ["flights:write", "spark"]}
    assert SpawnRequest.parse(from_fields(fields), CHOICES) == SpawnRequest.parse(rest, CHOICES)


def test_a_request_can_be_read_from_its_stored_options():
    request = SpawnRequest.parse({"profile": "big", "services": ["flights:write"]}, CHOICES)
    assert SpawnRequest.parse(request.options(), CHOICES) == request


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"profile": "huge"}, "profile"),
        ({"profile": ["r"]}, "profile"),
        ({"profile": {"r": 1}}, "profile"),
        ({"services": "flights"}, "services"),
        ({"services": {"flights": "read"}}, "services"),
        ({"services": ["../flights"]}, "services"),
        ({"services": [None]}, "services"),
        ({"services": ["flights:admin"]}, "services"),
        ({"services": ["flights:read:write"]}, "services"),
        ({"image": "evil"}, "image"),
    ],
    ids=str,
)
def test_an_invalid_request_names_the_field(options, field):
    with pytest.raises(RequestError, match=field):
        SpawnRequest.parse(options, CHOICES)


def test_options_that_are_no_object_are_refused():
    with pytest.raises(RequestError, match="profile and services"):
        SpawnRequest.parse(["flights"], CHOICES)


def test_a_long_wrong_value_is_not_repeated_in_full():
    with pytest.raises(RequestError) as refused:
        SpawnRequest.parse({"profile": "x" * 3000}, CHOICES)
    assert len(str(refused.value)) < 200


def test_a_refusal_names_the_service_the_reason_and_the_contact():
    with pytest.raises(NotGrantedError) as refused:
        SpawnRequest("r", {"flights": "read"}).check(frozenset(), CHOICES)
    assert str(refused.value) == "flights: you have no grant for this service; ask data@example.org."


def test_a_refusal_names_the_level_that_is_granted():
    with pytest.raises(NotGrantedError, match="with read, not with write"):
        SpawnRequest("r", {"flights": "write"}).check(frozenset({Grant("flights", "read")}), CHOICES)


def test_a_granted_request_passes():
    SpawnRequest("r", {"flights": "read", "spark": "use"}).check(
        frozenset({Grant("flights", "read"), Grant("spark", "use")}), CHOICES
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(deadline=None)
@given(JSON | st.fixed_dictionaries({}, optional={"profile": JSON, "services": JSON}))
def test_any_json_value_is_a_request_or_gives_an_error(options):
    try:
        request = SpawnRequest.parse(options, CHOICES)
    except RequestError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert request.profile in CHOICES.profiles
        assert set(request.services) <= set(CHOICES.services)
