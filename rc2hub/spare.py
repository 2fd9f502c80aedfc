"""How many standbys of a profile are wanted at a moment: a number, the rules of a week, or what people did in the last hour.

Nothing here looks at a clock: callers say what time it is, so a test, the pool and `rc2hub pool plan` get the same answer.
A rule says when standbys have to be there, not when to start them: a class at 09:00 writes 08:45.
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

PAST = 3600.0
"""Seconds of the past that demand is judged by."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY, _TIME = f"(?:{'|'.join(DAYS)})", r"(?:[01]\d|2[0-3]):[0-5]\d"
_SPAN = f"{_DAY}(?:-{_DAY})?"
RULE = re.compile(rf"(?P<days>{_SPAN}(?:,{_SPAN})*) (?P<begins>{_TIME})-(?P<ends>{_TIME}|24:00) (?P<zone>\S+)")
WHOLE_DAY = 24 * 60
"""Minutes."""
EXAMPLE = "Mon-Fri 08:45-10:15 Europe/Berlin"
HORIZON = 9
"""Days from now within which the rules of a week change, if they ever do."""


@dataclass(frozen=True)
class Demand:
    """So many that a share of people finds one ready, judged by those who came in the last hour."""

    min: int
    max: int
    quantile: float = 0.95
    """The share of people, between 0 and 1."""

    @classmethod
    def parse(cls, where: str, value: object) -> "Demand":
        """Read the words `min`, `max` and `quantile`.

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

    def wanted(self, now: datetime, claims: Iterable[float], refill: float) -> int:
        """How many are wanted, if the next people come as those of the last hour did.

        Somebody finds a standby where not more people came than there are standbys, herself included, while the one that
        was claimed first is replaced. So each claim says how many would have done for it, and the quantile for the share.
        """
        recent = [claim for claim in claims if claim >= now.timestamp() - PAST]
        enough = sorted(count - bisect_right(recent, claim - refill) for count, claim in enumerate(recent, start=1))
        share = enough[math.ceil(self.quantile * len(enough)) - 1] if enough else 0
        return max(self.min, min(self.max, share))


@dataclass(frozen=True)
class Rule:
    """A number of standbys between two times of some days of the week, by the clock of one place."""

    days: frozenset[int]
    """0 is Monday."""
    begins: int
    """Minutes after midnight."""
    ends: int
    """Minutes after the same midnight, so beyond a day's where it goes over midnight."""
    zone: ZoneInfo
    spare: int

    @classmethod
    def parse(cls, where: str, words: object, spare: object) -> "Rule":
        """Read a rule such as `Mon-Fri 08:45-10:15 Europe/Berlin` and its number.

        Raises:
            ConfigurationError: naming `where` and the accepted values.
        """
        found = RULE.fullmatch(words) if isinstance(words, str) else None
        if not found:
            raise ConfigurationError(f"{where}, {words!r} is no rule; write days, times and a time zone: {EXAMPLE!r}.")
        where = f"{where}, {words!r}"
        begins, ends = _minutes(found["begins"]), _minutes(found["ends"])
        if begins == ends:
            raise ConfigurationError(f"{where} begins and ends at the same time; the whole day is 00:00-24:00.")
        ends += WHOLE_DAY if ends < begins else 0
        return cls(_days(found["days"]), begins, ends, _zone(where, found["zone"]), _count(where, spare))

    def on(self, day: date) -> tuple[datetime, datetime]:
        """When it begins, if it begins on that day, and when it ends.

        Where the clock changes, a time that is skipped or comes twice can be read in two ways: the beginning is the earlier,
        the end the later, so that the rule holds whenever a clock on the wall reads so.
        """
        return min(self._readings(day, self.begins)), max(self._readings(day, self.ends))

    def _readings(self, day: date, minutes: int) -> list[datetime]:
        wall = datetime.combine(day, time(), self.zone) + timedelta(minutes=minutes)
        return [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]


@dataclass(frozen=True)
class Spare:
    """How many standbys are wanted, at any time."""

    otherwise: int | Demand = 1
    """What holds where no rule does."""
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
                f"{where} needs either 'else' with a whole number, or 'demand', for when no rule holds."
            )
        rules = [Rule.parse(where, words, spare) for words, spare in value.items() if words not in ("else", "demand")]
        if "demand" in value:
            return cls(Demand.parse(f"{where}, 'demand'", value["demand"]), tuple(rules))
        return cls(_count(f"{where}, 'else'", value["else"]), tuple(rules))

    def __bool__(self) -> bool:
        """Whether a standby is ever wanted."""
        return bool(self.otherwise or self.rules)

    def wanted(self, now: datetime, claims: Iterable[float] = (), refill: float = 0.0) -> int:
        """How many standbys should be ready now.

        Args:
            now: a moment with its time zone.
            claims: when standbys of this profile were claimed, the oldest first, in seconds since 1970.
            refill: seconds from a claim until another standby is ready in place of the claimed one.
        """
        value = self.at(now)
        return value.wanted(now, claims, refill) if isinstance(value, Demand) else value

    def at(self, moment: datetime) -> int | Demand:
        """What holds at that moment: the largest number of the rules that do, else what is wanted otherwise."""
        holding = [spare for begins, ends, spare in self._times(moment, 2) if begins <= moment < ends]
        return max(holding, default=self.otherwise)

    def next_change(self, now: datetime) -> datetime | None:
        """When something else holds for the first time after `now`, in UTC; None if never."""
        before = self.at(now)
        edges = {edge for begins, ends, _ in self._times(now, HORIZON) for edge in (begins, ends) if edge > now}
        return next((edge for edge in sorted(edges) if self.at(edge) != before), None)

    def _times(self, moment: datetime, days: int) -> list[tuple[datetime, datetime, int]]:
        """Begin, end and number of what the rules say around the moment, up to so many days after it."""
        today = moment.astimezone(UTC).date()
        dates = [today + timedelta(days=offset) for offset in range(-2, days + 1)]  # UTC's date is a day off elsewhere
        return [(*rule.on(day), rule.spare) for rule in self.rules for day in dates if day.weekday() in rule.days]


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(where: str, value: object) -> int:
    if not _is_count(value):
        raise ConfigurationError(f"{where} must be a whole number from 0, not {value!r}.")
    return value


def _days(words: str) -> frozenset[int]:
    """Numbers of the days in a list such as `Mon,Wed-Fri`; a span may go over the week's end."""
    found: set[int] = set()
    for span in words.split(","):
        first, *last = (DAYS.index(day) for day in span.split("-"))
        found |= {(first + offset) % 7 for offset in range((last[0] - first) % 7 + 1 if last else 1)}
    return frozenset(found)


def _minutes(words: str) -> int:
    """Minutes after midnight."""
    hours, minutes = words.split(":")
    return 60 * int(hours) + int(minutes)


def _zone(where: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"{where} names no time zone: {name!r}; accepted are such as Europe/Berlin or UTC."
        ) from error
