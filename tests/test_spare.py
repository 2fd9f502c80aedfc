"""How many standbys are desired: rules in time zones, overlapping rules, and demand in the last hour."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.errors import ConfigurationError
from rc2hub.spare import Demand, Spare

BERLIN = "Europe/Berlin"
CLASS = {"else": 2, "Mon-Fri 08:45-10:15 Europe/Berlin": 60}


def at(zone: str, moment: str, fold: int = 0) -> datetime:
    """A local time such as 2026-11-25 08:45 in a time zone; November 25th 2026 is a Wednesday."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone), fold=fold)


def offset(zone: str, moment: datetime) -> timedelta:
    return moment.astimezone(ZoneInfo(zone)).utcoffset()


def spare(value: object) -> Spare:
    return Spare.parse("spare", value)


@pytest.mark.parametrize(
    ("value", "zone", "moment", "desired"),
    [
        (3, "UTC", "2026-11-25 08:45", 3),
        (0, "UTC", "2026-11-25 08:45", 0),
        (CLASS, BERLIN, "2026-11-25 08:44:59", 2),
        (CLASS, BERLIN, "2026-11-25 08:45", 60),
        (CLASS, BERLIN, "2026-11-25 10:14:59", 60),
        (CLASS, BERLIN, "2026-11-25 10:15", 2),
        (CLASS, "UTC", "2026-11-25 07:45", 60),
        (CLASS, "UTC", "2026-07-01 06:45", 60),
        (CLASS, "UTC", "2026-07-01 07:45", 60),
        (CLASS, "UTC", "2026-07-01 08:45", 2),
        (CLASS, "America/New_York", "2026-11-25 03:00", 60),
        (CLASS, BERLIN, "2026-11-28 09:00", 2),
        (CLASS, BERLIN, "2026-11-30 09:00", 60),
        ({"else": 1, "Mon-Fri 09:00-10:00 Asia/Kolkata": 5}, "UTC", "2026-11-25 03:30", 5),
        ({"else": 1, "Wed 00:00-24:00 Pacific/Kiritimati": 5}, "UTC", "2026-11-24 10:00", 5),
        ({"else": 1, "Wed 00:00-24:00 Pacific/Pago_Pago": 5}, "UTC", "2026-11-26 10:59", 5),
        ({"else": 1, "Wed 00:00-24:00 Pacific/Pago_Pago": 5}, "UTC", "2026-11-26 11:00", 1),
        ({"else": 1, "Tue 14:00-13:30 Pacific/Pago_Pago": 5}, "UTC", "2026-11-26 00:00", 5),
        # days
        ({"else": 1, "Mon,Wed 09:00-10:00 UTC": 5}, "UTC", "2026-11-25 09:30", 5),
        ({"else": 1, "Mon,Wed 09:00-10:00 UTC": 5}, "UTC", "2026-11-24 09:30", 1),
        ({"else": 1, "Mon,Thu-Fri 09:00-10:00 UTC": 5}, "UTC", "2026-11-27 09:30", 5),
        ({"else": 1, "Sat-Mon 09:00-10:00 UTC": 5}, "UTC", "2026-11-29 09:30", 5),
        ({"else": 1, "Sat-Mon 09:00-10:00 UTC": 5}, "UTC", "2026-11-30 09:30", 5),
        ({"else": 1, "Sat-Mon 09:00-10:00 UTC": 5}, "UTC", "2026-11-24 09:30", 1),
        # overlap
        ({"else": 1, "Mon-Sun 08:00-18:00 UTC": 5, "Wed 09:00-10:00 UTC": 9}, "UTC", "2026-11-25 09:30", 9),
        ({"else": 1, "Wed 09:00-10:00 UTC": 9, "Mon-Sun 08:00-18:00 UTC": 5}, "UTC", "2026-11-25 09:30", 9),
        ({"else": 1, "Mon-Sun 08:00-18:00 UTC": 5, "Wed 09:00-10:00 UTC": 3}, "UTC", "2026-11-25 09:30", 5),
        ({"else": 4, "Sat-Sun 00:00-24:00 UTC": 0}, "UTC", "2026-11-28 12:00", 0),
        # midnight and the end of the week
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-26 01:59", 5),
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-26 02:00", 1),
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-25 01:00", 1),
        ({"else": 1, "Sun 22:00-02:00 UTC": 5}, "UTC", "2026-11-30 01:00", 5),
        ({"else": 1, "Sun 22:00-24:00 UTC": 5}, "UTC", "2026-11-30 00:00", 1),
        ({"else": 1, "Sun 22:00-00:00 UTC": 5}, "UTC", "2026-11-29 23:59", 5),
        ({"else": 1, "Mon-Sun 00:00-24:00 UTC": 5}, "UTC", "2026-11-30 00:00", 5),
    ],
)
def test_a_fixed_number_or_the_weekly_rules_give_the_number(value: object, zone: str, moment: str, desired: int):
    assert spare(value).desired(at(zone, moment)) == desired


@pytest.mark.parametrize(
    ("rule", "zone", "moment", "fold", "applies"),
    [
        # spring: on 2026-03-29 clocks in Berlin go from 02:00 to 03:00
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 00:30", 0, True),
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 01:29", 0, True),
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 01:30", 0, False),
        ("Sun 02:15-02:45 Europe/Berlin", "UTC", "2026-03-29 01:00", 0, True),
        ("Sun 02:45-03:15 Europe/Berlin", BERLIN, "2026-03-29 03:00", 0, True),
        ("Sun 02:45-03:15 Europe/Berlin", BERLIN, "2026-03-29 03:15", 0, False),
        ("Sun 09:00-10:00 Europe/Berlin", "UTC", "2026-03-29 07:00", 0, True),
        # autumn: on 2026-10-25 clocks in Berlin go from 03:00 back to 02:00
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:15", 0, True),
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:44", 1, True),
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:45", 1, False),
        ("Sun 01:00-02:30 Europe/Berlin", BERLIN, "2026-10-25 02:29", 1, True),
        ("Sun 02:30-04:00 Europe/Berlin", BERLIN, "2026-10-25 02:30", 0, True),
        ("Sun 09:00-10:00 Europe/Berlin", "UTC", "2026-10-25 08:00", 0, True),
        # in Cairo midnight is skipped (2026-04-24), and the hour before it occurs twice (2026-10-29)
        ("Fri 00:30-02:00 Africa/Cairo", "Africa/Cairo", "2026-04-24 01:00", 0, True),
        ("Thu 22:00-24:00 Africa/Cairo", "Africa/Cairo", "2026-10-29 23:59", 1, True),
    ],
)
def test_when_dst_changes_a_rule_covers_both_readings_of_an_ambiguous_time(
    rule: str, zone: str, moment: str, fold: int, applies: bool
):
    assert spare({"else": 1, rule: 5}).desired(at(zone, moment, fold)) == (5 if applies else 1)


ZONES = ("Europe/Berlin", "America/New_York", "America/St_Johns", "America/Santiago", "Australia/Lord_Howe", "Africa/Cairo")
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
CHANGES = {
    zone: [before for before, after in pairwise(HOURS) if offset(zone, before) != offset(zone, after)] for zone in ZONES
}
"""The hours before a change of the UTC offset."""


@given(
    st.sampled_from([(zone, change) for zone, changes in CHANGES.items() for change in changes]),
    st.integers(-120, 180),
    st.integers(0, 120),
    st.integers(1, 120),
)
@settings(max_examples=1000, deadline=None)
def test_around_every_dst_change_a_rule_applies_at_each_local_time_in_it(
    zone_and_change: tuple[str, datetime], minutes: int, before: int, after: int
):
    zone, change = zone_and_change
    now = (change + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    local = now.replace(tzinfo=None)
    rule = f"{local - timedelta(minutes=before):%a %H:%M}-{local + timedelta(minutes=after):%H:%M} {zone}"
    assert spare({"else": 1, rule: 5}).desired(now) == 5, rule


@pytest.mark.parametrize(
    ("claims", "refill", "desired"),
    [
        ([], 5, 2),
        ([-10], 5, 2),
        ([-10, -9, -8, -7], 5, 4),
        ([-40, -30, -20, -10], 5, 2),
        ([-40, -30, -20, -10], 35, 4),
        ([-0.1 * n for n in range(60)], 5, 20),
        ([-3601, -3602, -3603, -3604], 5, 2),
        ([-3600 + n / 10 for n in range(4)], 5, 4),
    ],
    ids=[
        "none",
        "one",
        "four at once",
        "one by one",
        "a slow refill",
        "more than max",
        "too long ago",
        "nearly an hour ago",
    ],
)
def test_demand_is_the_number_of_claims_during_a_refill(claims: list[float], refill: float, desired: int):
    now = at("UTC", "2026-11-25 09:00")
    moments = sorted(now.timestamp() + claim for claim in claims)
    assert spare({"demand": {"min": 2, "max": 20}}).desired(now, moments, refill) == desired


@pytest.mark.parametrize(("quantile", "desired"), [(1, 10), (0.95, 10), (0.5, 5), (0.9, 9), (0.01, 1)])
def test_the_quantile_is_the_share_of_users_who_find_a_standby(quantile: float, desired: int):
    now = at("UTC", "2026-11-25 09:00")
    ten_at_once = [now.timestamp() - 60 + n / 10 for n in range(10)]
    demand = {"demand": {"min": 0, "max": 99, "quantile": quantile}}
    assert spare(demand).desired(now, ten_at_once, 5) == desired


def test_when_no_rule_applies_a_profile_can_follow_demand():
    value = spare({"demand": {"min": 1, "max": 9}, "Wed 09:00-10:00 UTC": 60})
    assert value.desired(at("UTC", "2026-11-25 09:00")) == 60
    assert value.desired(at("UTC", "2026-11-25 10:00")) == 1
    assert value.at(at("UTC", "2026-11-25 10:00")) == Demand(1, 9)


@pytest.mark.parametrize(
    ("value", "moment", "changes"),
    [
        (3, "2026-11-25 09:00", None),
        ({"demand": {"min": 1, "max": 9}}, "2026-11-25 09:00", None),
        ({"else": 2, "Mon-Sun 00:00-24:00 Europe/Berlin": 5}, "2026-11-25 09:00", None),
        (CLASS, "2026-11-25 08:00", "2026-11-25 08:45"),
        (CLASS, "2026-11-25 08:45", "2026-11-25 10:15"),
        (CLASS, "2026-11-27 10:15", "2026-11-30 08:45"),
        ({"else": 2, "Wed 09:00-10:00 Europe/Berlin": 5}, "2026-11-25 10:00", "2026-12-02 09:00"),
        ({"else": 2, "Wed 09:00-10:00 Europe/Berlin": 2}, "2026-11-25 08:00", None),
        (
            {"else": 1, "Wed 08:00-18:00 Europe/Berlin": 5, "Wed 09:00-10:00 Europe/Berlin": 3},
            "2026-11-25 08:00",
            "2026-11-25 18:00",
        ),
        (
            {"demand": {"min": 1, "max": 9}, "Wed 09:00-10:00 Europe/Berlin": 5},
            "2026-11-25 09:30",
            "2026-11-25 10:00",
        ),
    ],
)
def test_next_change_is_the_time_of_the_next_change(value: object, moment: str, changes: str | None):
    assert spare(value).next_change(at(BERLIN, moment)) == (changes and at(BERLIN, changes))


def test_next_change_finds_every_change_of_a_year():
    value, moment = spare({"else": 1, "Sun 01:30-02:30 Europe/Berlin": 5, "Mon 23:00-00:30 UTC": 7}), at("UTC", "2026-01-01")
    changes = []
    while (moment := value.next_change(moment)) < at("UTC", "2027-01-01"):
        changes.append(moment)
        assert value.desired(moment) != value.desired(moment - timedelta(minutes=1))
    assert len(changes) == 4 * 52


def test_equal_settings_are_equal_values():
    assert spare(CLASS) == spare(dict(CLASS))
    assert spare(3) == Spare(3)
    assert hash(spare(CLASS)) == hash(spare(dict(CLASS)))


def test_a_spare_is_false_if_its_only_number_is_0():
    assert not spare(0)
    assert spare(1)
    assert spare({"else": 0, "Mon 09:00-10:00 UTC": 5})
    assert spare({"demand": {"min": 0, "max": 5}})


SHAPE = "must be a whole number from 0, or rules such as"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (-1, f"spare {SHAPE}"),
        (1.5, SHAPE),
        (True, SHAPE),
        ("3", SHAPE),
        (None, SHAPE),
        ([], SHAPE),
        ({}, "spare needs either 'else' .* or 'demand'"),
        ({"Mon 09:00-10:00 UTC": 5}, "needs either 'else' .* or 'demand'"),
        ({"else": 1, "demand": {"min": 1, "max": 2}}, "needs either 'else' .* or 'demand'"),
        ({"else": -1}, "spare, 'else' must be a whole number from 0, not -1."),
        ({"else": "2"}, "spare, 'else' must be a whole number from 0, not '2'."),
        ({"else": 1, "Mon 09:00-10:00 UTC": 2.5}, "'Mon 09:00-10:00 UTC' must be a whole number from 0, not 2.5."),
        (
            {"else": 1, "Mon-Fri 09:00-10:00": 5},
            "'Mon-Fri 09:00-10:00' is no rule; write .* 'Mon-Fri 08:45-10:15 Europe/Berlin'",
        ),
        ({"else": 1, "Mon-Fri 9:00-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, "weekend 09:00-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mo-Fr 09:00-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon,, 09:00-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon-Wed-Fri 09:00-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, 3: 5}, "3 is no rule"),
        ({"else": 1, "Mon 09:00-25:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon 24:00-01:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon 09:60-10:00 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon 09:00-24:30 UTC": 5}, "is no rule"),
        ({"else": 1, "Mon 09:00-09:00 UTC": 5}, "begins and ends at the same time; the whole day is 00:00-24:00."),
        (
            {"else": 1, "Mon 09:00-10:00 Europe/Berln": 5},
            "names an unknown time zone: 'Europe/Berln'; .* such as Europe/Berlin or UTC",
        ),
        ({"else": 1, "Mon 09:00-10:00 ../etc/passwd": 5}, "names an unknown time zone"),
        ({"demand": 3}, "spare, 'demand' must be a dictionary such as"),
        ({"demand": {"min": 1}}, "'demand' must be a dictionary such as"),
        ({"demand": {"min": 1, "max": 2, "share": 1}}, "'demand' must be a dictionary such as"),
        ({"demand": {"min": 3, "max": 2}}, "'demand': 'min' and 'max' must be whole numbers, 0 ≤ min ≤ max, not 3 and 2."),
        ({"demand": {"min": 1, "max": 2.5}}, "'min' and 'max' must be whole numbers"),
        ({"demand": {"min": 1, "max": 2, "quantile": 0}}, "'quantile' must be a number above 0 and up to 1, not 0."),
        ({"demand": {"min": 1, "max": 2, "quantile": 95}}, "'quantile' must be a number above 0 and up to 1, not 95."),
        ({"demand": {"min": 1, "max": 2, "quantile": "most"}}, "'quantile' must be a number"),
    ],
    ids=str,
)
def test_an_error_names_the_setting_and_the_accepted_values(value: object, sentence: str):
    with pytest.raises(ConfigurationError, match=f"^spare.*{sentence.removeprefix('spare')}"):
        spare(value)
