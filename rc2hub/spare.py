"""How many standbys of a profile are desired: a fixed number, weekly rules, or the demand of the last hour.

Nothing here reads a clock: callers pass the time, so the tests, the pool and `rc2hub pool plan` get the same answer.
A rule states when standbys must be ready. For a class at 09:00 write 08:45.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rc2hub.errors import ConfigurationError

DEMAND_WINDOW = 3600.0
"""Seconds: demand counts the claims of this last period."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY, _TIME = f"(?:{'|'.join(DAYS)})", r"(?:[01]\d|2[0-3]):[0-5]\d"
_SPAN = f"{_DAY}(?:-{_DAY})?"
RULE_PATTERN = re.compile(rf"(?P<days>{_SPAN}(?:,{_SPAN})*) (?P<begins>{_TIME})-(?P<ends>{_TIME}|24:00) (?P<zone>\S+)")
DAY_MINUTES = 24 * 60
EXAMPLE = "Mon-Fri 08:45-10:15 Europe/Berlin"
HORIZON_DAYS = 9
"""Weekly rules that change at all have a change within this time."""


@dataclass(frozen=True)
class Demand:
    """Enough standbys that a share of users finds one ready, calculated from the claims of the last hour."""

    min: int
    max: int
    quantile: float = 0.95
    """The share of users, above 0 and at most 1."""

    @classmethod
    def parse(cls, where: str, value: object) -> "Demand":
        """Read a dictionary of `min`, `max` and `quantile`.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if not isinstance(value, Mapping) or not {"min", "max"} <= value.keys() <= {"min", "max", "quantile"}:
            raise ConfigurationError(
                f'{where} must be a dictionary such as {{"min": 2, "max": 20, "quantile": 0.95}}, not {value!r}.'
            )
        demand = cls(**value)
        if not (_is_count(demand.min) and _is_count(demand.max) and demand.min <= demand.max):
            raise ConfigurationError(
                f"{where}: 'min' and 'max' must be whole numbers, 0 ≤ min ≤ max, not {demand.min!r} and {demand.max!r}."
            )
        if not isinstance(demand.quantile, int | float) or not 0 < demand.quantile <= 1:
            raise ConfigurationError(f"{where}: 'quantile' must be a number above 0 and up to 1, not {demand.quantile!r}.")
        return demand

    def desired(self, now: datetime, claims: Iterable[float], refill: float) -> int:
        """How many standbys are desired, if the next hour has the same claims as the last.

        A claimed standby is replaced after `refill` seconds. So a claim needed as many standbys as there were claims in
        the `refill` seconds up to it, itself included. The result is the `quantile` of these numbers, within min and max.
        """
        recent = [claim for claim in claims if claim >= now.timestamp() - DEMAND_WINDOW]
        needed = sorted(count - bisect_right(recent, claim - refill) for count, claim in enumerate(recent, start=1))
        number = needed[math.ceil(self.quantile * len(needed)) - 1] if needed else 0
        return max(self.min, min(self.max, number))


@dataclass(frozen=True)
class Rule:
    """A number of standbys between two times on some days of the week, in one time zone."""

    days: frozenset[int]
    """0 is Monday."""
    begins: int
    """Minutes after midnight."""
    ends: int
    """Minutes after the same midnight; more than a day's minutes if the rule ends after the next midnight."""
    zone: ZoneInfo
    spare: int

    @classmethod
    def parse(cls, where: str, text: object, spare: object) -> "Rule":
        """Read a rule such as `Mon-Fri 08:45-10:15 Europe/Berlin` and its number.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        match = RULE_PATTERN.fullmatch(text) if isinstance(text, str) else None
        if not match:
            raise ConfigurationError(f"{where}, {text!r} is no rule; write days, times and a time zone: {EXAMPLE!r}.")
        where = f"{where}, {text!r}"
        begins, ends = _minutes(match["begins"]), _minutes(match["ends"])
        if begins == ends:
            raise ConfigurationError(f"{where} begins and ends at the same time; the whole day is 00:00-24:00.")
        ends += DAY_MINUTES if ends < begins else 0
        return cls(_days(match["days"]), begins, ends, _zone(where, match["zone"]), _count(where, spare))

    def interval(self, day: date) -> tuple[datetime, datetime]:
        """The begin and end of the rule, if it begins on that day.

        When daylight saving time begins or ends, a local time can be skipped or occur twice. The rule then begins at the
        earlier reading and ends at the later one, so it covers both.
        """
        return min(self._readings(day, self.begins)), max(self._readings(day, self.ends))

    def _readings(self, day: date, minutes: int) -> list[datetime]:
        local = datetime.combine(day, time(), self.zone) + timedelta(minutes=minutes)
        return [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


@dataclass(frozen=True)
class Spare:
    """How many standbys are desired at each time."""

    default: int | Demand = 1
    """The value when no rule applies."""
    rules: tuple[Rule, ...] = ()

    @classmethod
    def parse(cls, where: str, value: object) -> "Spare":
        """Read a number, or a dictionary of rules with `else` or `demand`.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        if _is_count(value):
            return cls(value)
        if not isinstance(value, Mapping):
            raise ConfigurationError(
                f'{where} must be a whole number from 0, or rules such as {{"else": 2, "{EXAMPLE}": 60}}, not {value!r}.'
            )
        if ("else" in value) == ("demand" in value):
            raise ConfigurationError(
                f"{where} needs either 'else' with a whole number, or 'demand', for when no rule applies."
            )
        rules = [Rule.parse(where, text, spare) for text, spare in value.items() if text not in ("else", "demand")]
        if "demand" in value:
            return cls(Demand.parse(f"{where}, 'demand'", value["demand"]), tuple(rules))
        return cls(_count(f"{where}, 'else'", value["else"]), tuple(rules))

    def __bool__(self) -> bool:
        """Whether a standby is ever desired."""
        return bool(self.default or self.rules)

    def desired(self, now: datetime, claims: Iterable[float] = (), refill: float = 0.0) -> int:
        """How many standbys should be ready now.

        Args:
            now: the time, with a time zone.
            claims: when standbys of this profile were claimed, the oldest first, in seconds since 1970.
            refill: seconds from a claim until the replacement of the claimed standby is ready.
        """
        value = self.at(now)
        return value.desired(now, claims, refill) if isinstance(value, Demand) else value

    def at(self, moment: datetime) -> int | Demand:
        """The value at that time: the largest number of all rules that apply, or the default if none does."""
        applying = [spare for begins, ends, spare in self._intervals(moment, 2) if begins <= moment < ends]
        return max(applying, default=self.default)

    def next_change(self, now: datetime) -> datetime | None:
        """The time of the first change after `now`, in UTC; None if the value never changes."""
        before = self.at(now)
        edges = {edge for begins, ends, _ in self._intervals(now, HORIZON_DAYS) for edge in (begins, ends) if edge > now}
        return next((edge for edge in sorted(edges) if self.at(edge) != before), None)

    def _intervals(self, moment: datetime, days: int) -> list[tuple[datetime, datetime, int]]:
        """Begin, end and number of each rule on each day around the moment, up to that many days after it."""
        today = moment.astimezone(UTC).date()
        dates = [
            today + timedelta(days=offset) for offset in range(-2, days + 1)
        ]  # the local date can differ from UTC's by a day
        return [(*rule.interval(day), rule.spare) for rule in self.rules for day in dates if day.weekday() in rule.days]


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(where: str, value: object) -> int:
    if not _is_count(value):
        raise ConfigurationError(f"{where} must be a whole number from 0, not {value!r}.")
    return value


def _days(text: str) -> frozenset[int]:
    """Numbers of the days in a list such as `Mon,Wed-Fri`; a range may cross the end of the week."""
    found: set[int] = set()
    for span in text.split(","):
        first, *last = (DAYS.index(day) for day in span.split("-"))
        found |= {(first + offset) % 7 for offset in range((last[0] - first) % 7 + 1 if last else 1)}
    return frozenset(found)


def _minutes(text: str) -> int:
    """Minutes after midnight."""
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


def _zone(where: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{where} names an unknown time zone: {name!r}; accepted are names such as Europe/Berlin or UTC."
        ) from error
