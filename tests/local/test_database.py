"""The PostgreSQL of single-user mode for other accounts than the tests'."""

import pwd

import pytest

from rc2hub.local import database


def test_as_root_it_runs_as_an_account_that_every_debian_has(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    arguments = database._command("initdb", [])
    user = next(argument for argument in arguments if argument.startswith("--map-user=")).partition("=")[2]
    assert pwd.getpwuid(int(user)).pw_name == "nobody"
