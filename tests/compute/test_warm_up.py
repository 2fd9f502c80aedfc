"""Nothing of the warm-up's user name is left in the activated server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import traces

PROGRAM = Path(traces.__file__)


def find_traces(*arguments: str) -> Any:
    """What `traces.py` finds in a standby that was activated for alice."""
    done = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found() -> Any:
    return find_traces()


def test_no_object_of_the_server_holds_the_name_of_the_warm_up(found: Any) -> None:
    assert found["traces"] == {}


def test_no_process_of_the_server_has_the_name_in_its_environment(found: Any) -> None:
    assert {name for variables in found["environments"].values() for name in variables} == set()
    assert len(found["environments"]) >= 3, "the server, its R, and what a new program would inherit"


def test_no_secret_equals_that_of_another_server(found: Any) -> None:
    others = find_traces()["secrets"]
    assert {name for name, secret in found["secrets"].items() if secret in {others[name], ""}} == set()
    assert len(bytes.fromhex(found["secrets"]["cookies"])) >= 32


def test_the_cookie_secret_of_the_warm_up_is_not_used_by_the_activated_server(found: Any) -> None:
    assert found["warm-up cookies"] not in {"", found["secrets"]["cookies"]}


def test_traces_of_the_warm_up_are_found_in_every_kind_of_object() -> None:
    left = find_traces("plant")["traces"]
    planted = [text for text in left if text.startswith("/user/rc2-warm-up/")]
    assert {f"/user/rc2-warm-up/{kind}" for kind in traces.PLANTS} <= set(planted)
    assert "/user/rc2-warm-up/api/status" in planted, "the whole server of the warm-up"
    assert "tuple < " in left["/user/rc2-warm-up/tuple"]
