"""`rc2hub pool plan`: how many standbys the configuration asks for in the next hours, to check it before it is used."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rc2hub.entry import read_file
from rc2hub.errors import ConfigurationError
from rc2hub.profiles import Profile, Profiles
from rc2hub.spare import Demand


def run(config: Path, hours: int) -> None:
    """Print the plan of JupyterHub's configuration file.

    Raises:
        SystemExit: with one sentence, if the file is missing or wrong.
    """
    try:
        profiles = Profiles(config=read_file(config)).profiles()
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    sys.stdout.writelines(f"{line}\n" for line in lines(profiles, datetime.now(UTC), hours))


def lines(profiles: Mapping[str, Profile], now: datetime, hours: int) -> Iterator[str]:
    """The number for each profile now, and a line for each change, in the time zone of the profile's first rule."""
    for name, profile in profiles.items():
        changes = list(_changes(profile, now, now + timedelta(hours=hours)))
        yield f"{name}: {_describe(profile.spare.at(now))} now" + ("" if changes else f", no change in {hours} hours")
        for moment in changes:
            yield f"  {moment:%a %d %b %H:%M %Z}: {_describe(profile.spare.at(moment))}"


def _changes(profile: Profile, now: datetime, end: datetime) -> Iterator[datetime]:
    moment = profile.spare.next_change(now)
    while moment and moment < end:
        yield moment.astimezone(profile.spare.rules[0].zone)
        moment = profile.spare.next_change(moment)


def _describe(spare: int | Demand) -> str:
    return f"{spare.min} to {spare.max} by demand" if isinstance(spare, Demand) else str(spare)
