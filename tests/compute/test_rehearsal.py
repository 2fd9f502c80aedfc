"""Nothing of the name under which a standby rehearsed is left in the server that becomes somebody's."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import traces

PROGRAM = Path(traces.__file__)


def look(*arguments: str) -> Any:
    """What `traces.py` finds in a standby that has become alice's."""
    done = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found() -> Any:
    return look()


def test_no_object_of_the_server_knows_the_name_of_its_rehearsal(found: Any) -> None:
    assert found["traces"] == {}


def test_no_process_of_the_server_has_it_in_its_environment(found: Any) -> None:
    assert {name for variables in found["environments"].values() for name in variables} == set()
    assert len(found["environments"]) >= 3, "the server, its R, and what a program started now would inherit"


def test_no_secret_is_that_of_another_server(found: Any) -> None:
    others = look()["secrets"]
    assert {name for name, secret in found["secrets"].items() if secret in {others[name], ""}} == set()
    assert len(bytes.fromhex(found["secrets"]["cookies"])) >= 32


def test_cookies_of_the_rehearsed_server_are_not_hers(found: Any) -> None:
    assert found["rehearsed cookies"] not in {"", found["secrets"]["cookies"]}


def test_what_is_left_of_a_rehearsal_is_found_wherever_it_is() -> None:
    left = look("plant")["traces"]
    planted = [text for text in left if text.startswith("/user/rc2-rehearsal/")]
    assert {f"/user/rc2-rehearsal/{kind}" for kind in traces.PLANTS} <= set(planted)
    assert "/user/rc2-rehearsal/api/status" in planted, "the whole server that was rehearsed"
    assert "tuple < " in left["/user/rc2-rehearsal/tuple"]
