"""How many standbys are wanted when: the clocks of the world, rules that overlap, and what people did in the last hour."""

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
    """A moment by the clock of a place, such as 2026-11-25 08:45; November 25th 2026 is a Wednesday."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone), fold=fold)


def offset(zone: str, moment: datetime) -> timedelta:
    return moment.astimezone(ZoneInfo(zone)).utcoffset()


def spare(value: object) -> Spare:
    return Spare.parse("spare", value)


@pytest.mark.parametrize(
    ("value", "zone", "moment", "wanted"),
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
        # midnight and the week's edges
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-26 01:59", 5),
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-26 02:00", 1),
        ({"else": 1, "Wed 22:00-02:00 UTC": 5}, "UTC", "2026-11-25 01:00", 1),
        ({"else": 1, "Sun 22:00-02:00 UTC": 5}, "UTC", "2026-11-30 01:00", 5),
        ({"else": 1, "Sun 22:00-24:00 UTC": 5}, "UTC", "2026-11-30 00:00", 1),
        ({"else": 1, "Sun 22:00-00:00 UTC": 5}, "UTC", "2026-11-29 23:59", 5),
        ({"else": 1, "Mon-Sun 00:00-24:00 UTC": 5}, "UTC", "2026-11-30 00:00", 5),
    ],
)
def test_a_number_or_the_week_says_how_many(value: object, zone: str, moment: str, wanted: int):
    assert spare(value).wanted(at(zone, moment)) == wanted


@pytest.mark.parametrize(
    ("rule", "zone", "moment", "fold", "holds"),
    [
        # spring: on 2026-03-29 the clock of Berlin goes from 02:00 to 03:00
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 00:30", 0, True),
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 01:29", 0, True),
        ("Sun 01:30-03:30 Europe/Berlin", "UTC", "2026-03-29 01:30", 0, False),
        ("Sun 02:15-02:45 Europe/Berlin", "UTC", "2026-03-29 01:00", 0, True),
        ("Sun 02:45-03:15 Europe/Berlin", BERLIN, "2026-03-29 03:00", 0, True),
        ("Sun 02:45-03:15 Europe/Berlin", BERLIN, "2026-03-29 03:15", 0, False),
        ("Sun 09:00-10:00 Europe/Berlin", "UTC", "2026-03-29 07:00", 0, True),
        # autumn: on 2026-10-25 the clock of Berlin goes from 03:00 back to 02:00
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:15", 0, True),
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:44", 1, True),
        ("Sun 02:15-02:45 Europe/Berlin", BERLIN, "2026-10-25 02:45", 1, False),
        ("Sun 01:00-02:30 Europe/Berlin", BERLIN, "2026-10-25 02:29", 1, True),
        ("Sun 02:30-04:00 Europe/Berlin", BERLIN, "2026-10-25 02:30", 0, True),
        ("Sun 09:00-10:00 Europe/Berlin", "UTC", "2026-10-25 08:00", 0, True),
        # where midnight is skipped (Cairo, 2026-04-24), or the hour before it comes twice (2026-10-29)
        ("Fri 00:30-02:00 Africa/Cairo", "Africa/Cairo", "2026-04-24 01:00", 0, True),
        ("Thu 22:00-24:00 Africa/Cairo", "Africa/Cairo", "2026-10-29 23:59", 1, True),
    ],
)
def test_on_the_day_a_clock_changes_a_rule_holds_whenever_the_clock_reads_so(
    rule: str, zone: str, moment: str, fold: int, holds: bool
):
    assert spare({"else": 1, rule: 5}).wanted(at(zone, moment, fold)) == (5 if holds else 1)


ZONES = ("Europe/Berlin", "America/New_York", "America/St_Johns", "America/Santiago", "Australia/Lord_Howe", "Africa/Cairo")
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(365 * 24)]
CHANGES = {
    zone: [before for before, after in pairwise(HOURS) if offset(zone, before) != offset(zone, after)] for zone in ZONES
}
"""The hours in which a clock changes."""


@given(
    st.sampled_from([(zone, change) for zone, changes in CHANGES.items() for change in changes]),
    st.integers(-120, 180),
    st.integers(0, 120),
    st.integers(1, 120),
)
@settings(max_examples=1000)
def test_around_every_change_a_rule_holds_at_least_whenever_the_clock_reads_so(
    place: tuple[str, datetime], minutes: int, ago: int, more: int
):
    zone, change = place
    now = (change + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    reads = now.replace(tzinfo=None)
    rule = f"{reads - timedelta(minutes=ago):%a %H:%M}-{reads + timedelta(minutes=more):%H:%M} {zone}"
    assert spare({"else": 1, rule: 5}).wanted(now) == 5, rule


@pytest.mark.parametrize(
    ("claims", "refill", "wanted"),
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
def test_demand_is_how_many_come_while_a_standby_is_refilled(claims: list[float], refill: float, wanted: int):
    now = at("UTC", "2026-11-25 09:00")
    moments = sorted(now.timestamp() + claim for claim in claims)
    assert spare({"demand": {"min": 2, "max": 20}}).wanted(now, moments, refill) == wanted


@pytest.mark.parametrize(("quantile", "wanted"), [(1, 10), (0.95, 10), (0.5, 5), (0.9, 9), (0.01, 1)])
def test_so_many_of_a_hundred_people_find_a_standby(quantile: float, wanted: int):
    now = at("UTC", "2026-11-25 09:00")
    ten_at_once = [now.timestamp() - 60 + n / 10 for n in range(10)]
    demand = {"demand": {"min": 0, "max": 99, "quantile": quantile}}
    assert spare(demand).wanted(now, ten_at_once, 5) == wanted


def test_outside_its_rules_a_profile_may_follow_demand():
    value = spare({"demand": {"min": 1, "max": 9}, "Wed 09:00-10:00 UTC": 60})
    assert value.wanted(at("UTC", "2026-11-25 09:00")) == 60
    assert value.wanted(at("UTC", "2026-11-25 10:00")) == 1
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
def test_it_says_when_it_changes_next(value: object, moment: str, changes: str | None):
    assert spare(value).next_change(at(BERLIN, moment)) == (changes and at(BERLIN, changes))


def test_whoever_follows_the_changes_through_a_year_is_right_at_each_minute_of_it():
    value, moment = spare({"else": 1, "Sun 01:30-02:30 Europe/Berlin": 5, "Mon 23:00-00:30 UTC": 7}), at("UTC", "2026-01-01")
    changes = []
    while (moment := value.next_change(moment)) < at("UTC", "2027-01-01"):
        changes.append(moment)
        assert value.wanted(moment) != value.wanted(moment - timedelta(minutes=1))
    assert len(changes) == 4 * 52


def test_the_same_words_are_the_same_value():
    assert spare(CLASS) == spare(dict(CLASS))
    assert spare(3) == Spare(3)
    assert hash(spare(CLASS)) == hash(spare(dict(CLASS)))


def test_no_standby_is_ever_wanted_where_the_only_number_is_0():
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
            "names no time zone: 'Europe/Berln'; .* such as Europe/Berlin or UTC",
        ),
        ({"else": 1, "Mon 09:00-10:00 ../etc/passwd": 5}, "names no time zone"),
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
def test_what_is_wrong_is_named_with_what_is_accepted(value: object, sentence: str):
    with pytest.raises(ConfigurationError, match=f"^spare.*{sentence.removeprefix('spare')}"):
        spare(value)
