"""How a standby that starts as root in its pod becomes one person's account, for good (design D13).

Her home decides the account: it belongs to the number it was made with, on whichever hub that was. A new home gets the
number that the hub proposes, or the next one that no other home has.
"""

import ctypes
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOWEST = 1000
"""Accounts below are the system's."""
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


class PersonError(RuntimeError):
    """The reason lies with the person's home, not with this standby: another one would meet it too."""


@dataclass(frozen=True)
class Account:
    """What a process becomes; its own group has the number of its user."""

    uid: int
    groups: Sequence[int] = ()
    """What else it is a member of."""
    umask: int = 0o022


def prepare(home: Path, proposed: int) -> int:
    """Make the home if it is missing, and give the person an entry in the password file; returns her account.

    Raises:
        PersonError: if the home is somebody else's, or is missing and cannot be made.
    """
    if home.parent.stat().st_uid == 0:
        home.parent.chmod(0o711)  # a new volume may be open to everybody; each person has to pass, and nobody to look around
    if not home.exists():
        _make(home, proposed)
    uid = home.stat().st_uid
    if uid < LOWEST:
        raise PersonError(f"The home {home} belongs to a system account; an operator has to give it to its owner.")
    name = os.environ.get("USER", "")
    account = name if ACCOUNT_NAME.fullmatch(name) else home.name
    _add("/etc/passwd", f"{account}:x:{uid}:{uid}::{home}:/bin/bash")
    name_group(account, uid)
    return uid


def name_group(name: str, number: int) -> None:
    """Give a group a name in this pod; without one, each terminal would begin with a complaint."""
    _add("/etc/group", f"{name}:x:{number}:")


def enter(home: Path) -> None:
    """Make the home if it is missing, as the account that this process is already.

    Raises:
        PersonError: if it is not open to that account.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_open = os.access(home, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        is_open = False
    if not is_open:
        raise PersonError(f"The home {home} is closed to its account {os.geteuid()}; an operator has to open it.")


def hand_over(uid: int, *folders: Path) -> None:
    """Give these folders, with all that is in them, to the account."""
    for folder in folders:
        for parent, names, files in os.walk(folder):
            for name in [*names, *files]:
                os.lchown(Path(parent, name), uid, uid)
        os.chown(folder, uid, uid)


def become(account: Account) -> None:
    """Make this process the account's; there is no way back."""
    os.umask(account.umask)
    os.setgroups(account.groups)
    os.setresgid(account.uid, account.uid, account.uid)
    os.setresuid(account.uid, account.uid, account.uid)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self would stay root's


def _make(home: Path, proposed: int) -> None:
    """Make the home under another name first, so that nobody sees one that is still root's."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
        uid = _free(home.parent, proposed)
        os.chown(draft, uid, uid)
        try:
            draft.rename(home)
        except OSError:  # her other server was faster, and has put something in
            draft.rmdir()
    except PermissionError as error:
        raise PersonError(
            f"The home {home} is missing and may not be made from here; ask an operator to make it."
        ) from error


def _free(homes: Path, proposed: int) -> int:
    taken = set()
    for entry in os.scandir(homes):
        with suppress(FileNotFoundError):  # a draft of another standby, which has got its name by now
            taken.add(entry.stat(follow_symlinks=False).st_uid)
    while proposed in taken:
        proposed += 1
    return proposed


def _add(file: str, line: str) -> None:
    with Path(file).open("a") as accounts:
        accounts.write(line + "\n")
