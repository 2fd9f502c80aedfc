"""Numbers of people's accounts and of the groups of their folders: hashes of names, the same on every hub."""

import hashlib

FIRST_UID, UIDS = 100_000, 1_000_000_000
"""Accounts of people's homes: above those of the image, below what file systems call nobody."""
FIRST_GID, GIDS = 1_001_000_000, 1_000_000_000
"""Groups of folders: above the accounts of people, which are groups too."""


def proposed_uid(name: str) -> int:
    """The account for a new home; the same on every hub, so that it seldom matters which one made it."""
    return FIRST_UID + _hash(name) % UIDS


def folder_gid(name: str, level: str) -> int:
    """The group of those who may use a folder at that level."""
    return FIRST_GID + _hash(f"{level} {name}") % GIDS


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
