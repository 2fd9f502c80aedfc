"""Whose a home is. What takes root is tested in pods."""

from pathlib import Path

import pytest

from rc2hub.compute import person


class Vanished:
    """What another standby was making, and has given its name between two looks."""

    def stat(self, *, follow_symlinks: bool) -> None:
        raise FileNotFoundError


def test_many_homes_may_be_made_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person.os, "scandir", lambda _: iter([Vanished()]))
    assert person._free(tmp_path, 104711) == 104711


def test_the_number_of_another_home_is_not_given_again(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    taken = (tmp_path / "ada").stat().st_uid
    assert person._free(tmp_path, taken) == taken + 1
