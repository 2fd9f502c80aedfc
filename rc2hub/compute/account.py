"""How a standby that starts as root in its pod changes to one user's account, without a way back.

The home decides which account: the one that owns it, on whichever hub it was made. A new home gets the number that the hub
proposes, or the next one that owns no other home.
"""

import ctypes
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MIN_UID = 1000
"""Accounts below are the system's."""
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


class AccountError(RuntimeError):
    """The cause is the user's home, not this standby: another standby would fail as well."""


@dataclass(frozen=True)
class Account:
    """An account of the operating system; its own group has the same number."""

    uid: int
    groups: Sequence[int] = ()
    """The other groups that the account is a member of."""
    umask: int = 0o022


def prepare_home(home: Path, proposed_uid: int) -> int:
    """Make the home if it is missing, add its account to the password file, and return that account's number.

    Raises:
        AccountError: if a system account owns the home, or it is missing and cannot be made.
    """
    if home.parent.stat().st_uid == 0:
        home.parent.chmod(0o711)  # a new volume may be open to all; users have to pass through it, not to list it
    if not home.exists():
        _make_home(home, proposed_uid)
    uid = home.stat().st_uid
    if uid < MIN_UID:
        raise AccountError(f"The home {home} belongs to a system account; an operator has to give it to its owner.")
    name = os.environ.get("USER", "")
    account = name if ACCOUNT_NAME.fullmatch(name) else home.name
    _append_line("/etc/passwd", f"{account}:x:{uid}:{uid}::{home}:/bin/bash")
    add_group_name(account, uid)
    return uid


def add_group_name(name: str, gid: int) -> None:
    """Name a group in this pod; bash in a terminal warns of a group without a name."""
    _append_line("/etc/group", f"{name}:x:{gid}:")


def ensure_home(home: Path, examples: str = "") -> None:
    """Make the home if it is missing, as the account that this process already has; a new home gets a copy of the examples.

    Raises:
        AccountError: if that account cannot read and write it.
    """
    try:
        if not home.exists():
            home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
            if examples:
                shutil.copytree(examples, draft / "examples")
            _rename_draft(draft, home)
        is_open = os.access(home, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        is_open = False
    if not is_open:
        raise AccountError(f"The home {home} is closed to its account {os.geteuid()}; an operator has to open it.")


def change_owner(uid: int, *folders: Path) -> None:
    """Make the account the owner of these folders and all their content."""
    for folder in folders:
        for parent, names, files in os.walk(folder):
            for name in [*names, *files]:
                os.lchown(Path(parent, name), uid, uid)
        os.chown(folder, uid, uid)


def assume_account(account: Account) -> None:
    """Change this process to the account; there is no way back."""
    os.umask(account.umask)
    os.setgroups(account.groups)
    os.setresgid(account.uid, account.uid, account.uid)
    os.setresuid(account.uid, account.uid, account.uid)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self would stay root's


def _make_home(home: Path, proposed_uid: int) -> None:
    """Make the home under another name first, so that no process sees one that root still owns."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
        uid = _free_uid(home.parent, proposed_uid)
        os.chown(draft, uid, uid)
        _rename_draft(draft, home)
    except PermissionError as error:
        raise AccountError(
            f"The home {home} is missing and cannot be made from here; ask an operator to make it."
        ) from error


def _rename_draft(draft: Path, home: Path) -> None:
    try:
        draft.rename(home)
    except OSError:  # another server of the user has made it, and it has content
        shutil.rmtree(draft)


def _free_uid(homes: Path, proposed_uid: int) -> int:
    taken = set()
    for entry in os.scandir(homes):
        with suppress(FileNotFoundError):  # another standby's draft, which has been renamed since
            taken.add(entry.stat(follow_symlinks=False).st_uid)
    while proposed_uid in taken:
        proposed_uid += 1
    return proposed_uid


def _append_line(file: str, line: str) -> None:
    with Path(file).open("a") as accounts:
        accounts.write(line + "\n")
