"""The files in which results of previews are kept, so that a document need not run again in the next R."""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from rc2hub.compute.rmarkdown.live_r import ENGINE

MAX_DOCUMENTS = 20
"""Files that are kept, the newest; `live/keep.R` limits the size of one."""


def file_of(document: Path) -> Path:
    """The file of a document for this version of the engine.

    It is in the user's own cache, as those who share the document's folder may not see all values.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = sha256(bytes(document.resolve()))
    for source in sorted(ENGINE.glob("*.R")):
        name.update(source.read_bytes())
    return cache / "rc2" / "previews" / f"{name.hexdigest()[:32]}.rds"


def make_room(file: Path) -> None:
    """Make the folder of a file, which only the user can read, and remove the oldest files there."""
    with suppress(OSError):  # without a folder nothing is kept
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = sorted(file.parent.glob("*"), key=lambda other: other.stat().st_mtime, reverse=True)
        for other in [other for other in others if other != file][MAX_DOCUMENTS - 1 :]:
            other.unlink()
