"""Folders that groups share, as the standby that starts as root makes and opens them.

    SHARED/.NAME        root:readers 0750   the gate: who is no reader gets no further
    SHARED/.NAME/NAME   root:writers 2775   the folder: who is a reader may look, who is a writer may write
    SHARED/NAME         a link to it

Plain modes do for that on every file system, NFS included; one folder alone would have to know two groups. What is made in
it belongs to its writers, and who writes there has a umask that lets the others write, too.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rc2hub.compute.person import Account, PersonError, name_group

OPEN_TO_THE_GROUP = 0o002
"""The umask of who writes: her own files have a group of their own, so they are open to nobody by that."""


def with_folders(uid: int, shared: Path, folders: Sequence[Mapping[str, Any]]) -> Account:
    """The account as it may use these folders; those that are missing are made.

    Raises:
        PersonError: if one is missing and cannot be made.
    """
    if folders and shared.is_dir() and shared.stat().st_uid == 0:
        shared.chmod(0o755)  # a new volume may be open to everybody
    for folder in folders:
        try:
            if not (shared / folder["name"]).is_symlink():
                _make(shared, folder["name"], folder["readers"], folder["writers"])
        except OSError as error:
            raise PersonError(
                f"The folder {shared / folder['name']} is missing and may not be made from here; ask an operator to make it."
            ) from error
    groups = {f"{folder['name']}-readers": folder["readers"] for folder in folders}
    groups |= {f"{folder['name']}-writers": folder["writers"] for folder in folders if folder["writes"]}
    for name, number in groups.items():
        name_group(name, number)
    account = Account(uid, list(groups.values()))
    return replace(account, umask=OPEN_TO_THE_GROUP) if any(folder["writes"] for folder in folders) else account


def _make(shared: Path, name: str, readers: int, writers: int) -> None:
    """Make it under another name first, so that nobody sees one that is half open."""
    os.setgroups([readers, writers])  # else Linux takes the bit off by which new files get the folder's group
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=shared))
    try:
        (draft / name).mkdir()
        os.chown(draft / name, 0, writers)
        (draft / name).chmod(0o2775)
        os.chown(draft, 0, readers)
        draft.chmod(0o750)
        with suppress(OSError):  # another server was faster
            draft.rename(shared / f".{name}")
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    with suppress(FileExistsError):
        (shared / name).symlink_to(f".{name}/{name}")
