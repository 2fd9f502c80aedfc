"""User ids of homes and group ids of group folders: hashes of names, the same on every hub."""

import hashlib

FIRST_UID, UIDS = 100_000, 1_000_000_000
"""User ids of homes: above those of the image, below the ids that file systems use for unknown users."""
FIRST_GID, GIDS = 1_001_000_000, 1_000_000_000
"""Group ids of group folders: above the user ids, which are group ids too."""


def default_uid(name: str) -> int:
    """The user id of a new home. Every hub computes the same, so it seldom matters which hub makes the home."""
    return FIRST_UID + _hash(name) % UIDS


def folder_gid(name: str, level: str) -> int:
    """The id of the group that may use a folder at that level."""
    return FIRST_GID + _hash(f"{level} {name}") % GIDS


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
