"""Which account owns a home. What needs root is tested in pods."""

from pathlib import Path

import pytest

from rc2hub.compute import account


class RenamedDraft:
    """Another standby's draft of a home, which was renamed after it was listed."""

    def stat(self, *, follow_symlinks: bool) -> None:
        raise FileNotFoundError


def test_several_homes_can_be_made_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account.os, "scandir", lambda _: iter([RenamedDraft()]))
    assert account._free_uid(tmp_path, 104711) == 104711


def test_a_new_home_does_not_get_the_number_of_another_home(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    taken = (tmp_path / "ada").stat().st_uid
    assert account._free_uid(tmp_path, taken) == taken + 1


def test_a_home_that_another_server_has_just_made_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, examples = tmp_path / "homes" / "ada", tmp_path / "examples"
    examples.mkdir()
    (home / "work").mkdir(parents=True)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    account.ensure_home(home, str(examples))
    assert [path.name for path in home.parent.iterdir()] == ["ada"]
    assert [path.name for path in home.iterdir()] == ["work"]
