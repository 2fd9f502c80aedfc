"""Folders that groups share: a standby that starts as root makes them, and opens them to its user.

    SHARED/.NAME        root:readers 0750   only readers can enter
    SHARED/.NAME/NAME   root:writers 2775   the folder: readers can read, writers can write
    SHARED/NAME         a link to it

These modes work on every file system, NFS included; one folder alone cannot have two groups. New files in the folder
belong to the group of its writers, and a writer's umask lets the other writers change them.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rc2hub.compute.account import Account, AccountError, add_group_name

WRITERS_UMASK = 0o002
"""The umask of a writer. A user's own files have a group without other members, so this opens them to no other user."""


def account_with_folders(uid: int, shared_dir: Path, folders: Sequence[Mapping[str, Any]]) -> Account:
    """The account with the groups and the umask for these folders; missing folders are made.

    Raises:
        AccountError: if one is missing and cannot be made.
    """
    if folders and shared_dir.is_dir() and shared_dir.stat().st_uid == 0:
        shared_dir.chmod(0o755)  # a new volume may be writable by all
    for folder in folders:
        path = shared_dir / folder["name"]
        try:
            if not path.is_symlink():
                _make_folder(shared_dir, folder["name"], folder["readers"], folder["writers"])
        except OSError as error:
            raise AccountError(
                f"The folder {path} is missing and cannot be made from here; ask an operator to make it."
            ) from error
    groups = {f"{folder['name']}-readers": folder["readers"] for folder in folders}
    groups |= {f"{folder['name']}-writers": folder["writers"] for folder in folders if folder["writes"]}
    for name, gid in groups.items():
        add_group_name(name, gid)
    account = Account(uid, list(groups.values()))
    return replace(account, umask=WRITERS_UMASK) if any(folder["writes"] for folder in folders) else account


def _make_folder(shared_dir: Path, name: str, readers: int, writers: int) -> None:
    """Make it under another name first, so that no process sees it before its modes are complete."""
    os.setgroups([readers, writers])  # else Linux removes the bit by which new files get the folder's group
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=shared_dir))
    try:
        (draft / name).mkdir()
        os.chown(draft / name, 0, writers)
        (draft / name).chmod(0o2775)
        os.chown(draft, 0, readers)
        draft.chmod(0o750)
        with suppress(OSError):  # another server has made it meanwhile
            draft.rename(shared_dir / f".{name}")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    with suppress(FileExistsError):
        (shared_dir / name).symlink_to(f".{name}/{name}")
