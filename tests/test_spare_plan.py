"""`rc2hub pool plan`: how many standbys a configuration asks for in the next hours."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from traitlets.config import Config

from rc2hub.profiles import Profile, Profiles
from rc2hub.spare import Spare
from rc2hub.spare_plan import lines
from tests.fixtures.hub import ROOT

RULES = {"else": 2, "Mon-Fri 08:45-10:15 Europe/Berlin": 60}
CONFIG = """
c = get_config()
c.JupyterHub.spawner_class = "rc2-process"
c.Profiles.catalogue = [{"name": "r", "display_name": "R", "spare": SPARE}]
from rc2hub.configure import install

install(c)
"""


def plan(spare: object, moment: str, hours: int = 24) -> list[str]:
    now = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("UTC"))
    return list(lines({"r": Profile("r", "R", spare=Spare.parse("spare", spare))}, now, hours))


@pytest.mark.parametrize(
    ("spare", "moment", "expected"),
    [
        (3, "2026-11-25 23:00", ["r: 3 now, no change in 24 hours"]),
        (
            {"demand": {"min": 2, "max": 20}},
            "2026-11-25 23:00",
            ["r: 2 to 20 by demand now, no change in 24 hours"],
        ),
        (
            RULES,
            "2026-11-25 23:00",
            ["r: 2 now", "  Thu 26 Nov 08:45 CET: 60", "  Thu 26 Nov 10:15 CET: 2"],
        ),
        (RULES, "2026-11-27 08:00", ["r: 60 now", "  Fri 27 Nov 10:15 CET: 2"]),
        (RULES, "2026-11-28 08:00", ["r: 2 now, no change in 24 hours"]),
        (
            {"demand": {"min": 2, "max": 20}, "Thu 09:00-10:00 UTC": 60},
            "2026-11-26 08:00",
            ["r: 2 to 20 by demand now", "  Thu 26 Nov 09:00 UTC: 60", "  Thu 26 Nov 10:00 UTC: 2 to 20 by demand"],
        ),
        (
            {"else": 1, "Sun 01:00-04:00 Europe/Berlin": 5},
            "2026-10-24 23:00",
            ["r: 5 now", "  Sun 25 Oct 04:00 CET: 1"],
        ),
        (
            {"else": 1, "Sun 01:00-04:00 Europe/Berlin": 5},
            "2026-03-28 23:00",
            ["r: 1 now", "  Sun 29 Mar 01:00 CET: 5", "  Sun 29 Mar 04:00 CEST: 1"],
        ),
    ],
)
def test_each_change_is_a_line_in_the_time_zone_of_the_rules(spare: object, moment: str, expected: list[str]):
    assert plan(spare, moment) == expected


def test_only_the_requested_hours_are_shown():
    assert plan(RULES, "2026-11-26 07:00", hours=1) == ["r: 2 now", "  Thu 26 Nov 08:45 CET: 60"]
    assert len(plan(RULES, "2026-11-26 07:00", hours=7 * 24)) == 1 + 2 * 5


def test_the_documented_example_gives_the_output_in_the_documentation():
    page = (ROOT / "docs/pool.md").read_text()
    c = Config()
    exec(page.split("```python\n")[1].split("```")[0], {"c": c})
    shown = page.split("$ rc2hub pool plan")[1].split("```")[0].splitlines()[1:]
    assert list(lines(Profiles(config=c).profiles(), datetime(2026, 11, 25, 23, tzinfo=ZoneInfo("UTC")), 24)) == shown


def rc2hub_pool_plan(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("rc2hub")), "pool", "plan", *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False)


def test_it_reads_jupyterhubs_configuration_file(tmp_path: Path):
    (tmp_path / "other.py").write_text(CONFIG.replace("SPARE", "4"))
    (tmp_path / "jupyterhub_config.py").write_text('load_subconfig("other.py", __file__.rpartition("/")[0])')
    result = rc2hub_pool_plan("--config", str(tmp_path / "jupyterhub_config.py"), "--hours", "48")
    assert (result.stdout, result.stderr, result.returncode) == ("r: 4 now, no change in 48 hours\n", "", 0)


def test_a_wrong_configuration_gives_the_hubs_error(tmp_path: Path):
    (config := tmp_path / "jupyterhub_config.py").write_text(CONFIG.replace("SPARE", '{"Mon": 3}'))
    result = rc2hub_pool_plan("--config", str(config))
    assert result.returncode == 1
    assert result.stderr == (
        "rc2hub: c.Profiles.catalogue[0]: 'spare' needs either 'else' with a whole number, or 'demand', for when no rule"
        " applies.\n"
    )


def test_a_missing_file_is_named(tmp_path: Path):
    result = rc2hub_pool_plan("--config", str(tmp_path / "hub.py"))
    assert result.returncode == 1
    assert (
        result.stderr == f"rc2hub: there is no file {tmp_path}/hub.py; name JupyterHub's configuration file with --config.\n"
    )
