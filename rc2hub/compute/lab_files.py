"""The files of JupyterLab's page that are the same for all users of a machine or image (`labextension/lab-files.mjs`).

They are in a folder that is named by their hash: JupyterLab itself in `static`, extensions in `extensions/NAME/static`, each
file compressed, and `extensions.json` with the file by which the page loads each extension.
"""

import gzip
import json
import sys
from functools import cache
from pathlib import Path

LAB_FILES = Path(sys.prefix, "share", "rc2", "lab")
FIRST_PAGE = Path(__file__).with_name("first_page.json")
"""The files that JupyterLab loads for its first page; `tests/e2e/test_lab_files.py` compares them with Chromium's list."""
SUFFIXES = {"br": ".br", "gzip": ".gz"}
"""Encodings, the better one first."""


def files_folder(root: Path = LAB_FILES) -> Path | None:
    """The folder of the files, whose name is their hash; None where they were not made."""
    return next(root.iterdir(), None) if root.exists() else None


@cache
def extensions(folder: Path) -> dict[str, str]:
    """The extensions of the machine or image: name to the file by which the page loads it."""
    found: dict[str, str] = json.loads((folder / "extensions.json").read_text())
    return found


def first_page(folder: Path) -> list[str]:
    """What the first page loads, as far as the folder has it, in the order in which it is loaded.

    The names have the queries that JupyterLab adds, as a browser keeps files by their whole address.
    """
    loaded = [f"extensions/{name}/{file}" for name, file in extensions(folder).items()]
    wanted = [*json.loads(FIRST_PAGE.read_text()), *loaded]
    return [name for name in wanted if (folder / f"{name.partition('?')[0]}.gz").exists()]


class LabFiles:
    """The files of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, whose name is the hash of its files."""
        self.hash = folder.name
        self._files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        self.first_page = first_page(folder)

    def find(self, name: str, accepted: str) -> tuple[bytes, str]:
        """The content of a file and its encoding, which is one of those that the browser accepts.

        Raises:
            KeyError: if there is no such file.
        """
        if name in self._files:
            return self._files[name].read_bytes(), ""
        for encoding, suffix in SUFFIXES.items():
            if encoding in accepted:
                return self._files[name + suffix].read_bytes(), encoding
        return gzip.decompress(self._files[f"{name}.gz"].read_bytes()), ""
