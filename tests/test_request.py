import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.errors import NotGrantedError, RequestError
from rc2hub.permissions import Grant
from rc2hub.profiles import Profile
from rc2hub.request import Offer, OfferedService, SpawnRequest, from_fields

FLIGHTS = OfferedService("flights", "postgres", "Flights", "data@example.org", ("read", "write"), True)
SPARK = OfferedService("spark", "spark", "Spark", "spark@example.org", ("use",), False)
OFFER = Offer({"r": Profile("r", "R"), "big": Profile("big", "Big R")}, {"flights": FLIGHTS, "spark": SPARK})


def test_nothing_asked_for_is_the_first_profile_and_no_services():
    assert SpawnRequest.parse({}, OFFER) == SpawnRequest("r", {})


def test_a_service_without_a_level_is_asked_for_at_the_least():
    assert SpawnRequest.parse({"services": ["flights"]}, OFFER).services == {"flights": "read"}


def test_both_boxes_of_a_service_mean_the_higher_level():
    asked = {"services": ["flights:write", "flights:read"]}
    assert SpawnRequest.parse(asked, OFFER).services == {"flights": "write"}


@pytest.mark.parametrize(
    "fields",
    [
        {"profile": ["big"], "service": ["flights:write", "spark"]},
        {"service": ["spark", "flights:write"], "profile": ["r", "big"]},
    ],
    ids=["form", "link"],
)
def test_form_and_link_say_the_same_as_the_rest_api(fields):
    rest = {"profile": "big", "services": ["flights:write", "spark"]}
    assert SpawnRequest.parse(from_fields(fields), OFFER) == SpawnRequest.parse(rest, OFFER)


def test_what_jupyterhub_stores_is_read_back_as_the_same_request():
    request = SpawnRequest.parse({"profile": "big", "services": ["flights:write"]}, OFFER)
    assert SpawnRequest.parse(request.options(), OFFER) == request


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
def test_what_is_malformed_or_unknown_names_its_field(options, field):
    with pytest.raises(RequestError, match=field):
        SpawnRequest.parse(options, OFFER)


def test_options_that_are_no_object_are_refused():
    with pytest.raises(RequestError, match="profile and services"):
        SpawnRequest.parse(["flights"], OFFER)


def test_a_long_wrong_value_is_not_repeated_in_full():
    with pytest.raises(RequestError) as refused:
        SpawnRequest.parse({"profile": "x" * 3000}, OFFER)
    assert len(str(refused.value)) < 200


def test_a_refusal_names_service_reason_and_contact():
    with pytest.raises(NotGrantedError) as refused:
        SpawnRequest("r", {"flights": "read"}).check(frozenset(), OFFER)
    assert str(refused.value) == "flights: you have no grant for this service; ask data@example.org."


def test_a_reader_who_wants_to_write_is_told_what_she_may():
    with pytest.raises(NotGrantedError, match="with read, not with write"):
        SpawnRequest("r", {"flights": "write"}).check(frozenset({Grant("flights", "read")}), OFFER)


def test_a_granted_request_passes():
    SpawnRequest("r", {"flights": "read", "spark": "use"}).check(
        frozenset({Grant("flights", "read"), Grant("spark", "use")}), OFFER
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(deadline=None)
@given(JSON | st.fixed_dictionaries({}, optional={"profile": JSON, "services": JSON}))
def test_anything_at_all_is_a_request_or_a_sentence(options):
    try:
        request = SpawnRequest.parse(options, OFFER)
    except RequestError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert request.profile in OFFER.profiles
        assert set(request.services) <= set(OFFER.services)
