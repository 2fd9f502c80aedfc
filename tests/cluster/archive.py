"""An image as `make images` has put it into its archive: its configuration and its files, without running it."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tests.cluster.cluster import CACHE


@dataclass(frozen=True)
class Archive:
    """One image."""

    name: str
    size: int
    """Bytes, uncompressed."""
    config: dict[str, Any]
    """What the image says about itself and how it is started."""
    history: list[dict[str, Any]]
    files: dict[str, tarfile.TarInfo]
    """What a container finds, by path without the leading slash."""

    def below(self, folder: str) -> list[str]:
        """The paths in a folder and in the folders therein."""
        return [path for path in self.files if path.startswith(f"{folder}/")]


def names() -> list[str]:
    """The images that there are."""
    return sorted(_archives())


def read(name: str) -> Archive:
    """Look into the archive of an image; KeyError when `make images` has made none."""
    path = _archives()[name]
    with tarfile.open(path) as archive:
        (manifest,) = json.loads(_content(archive, "manifest.json"))
        described = json.loads(_content(archive, manifest["Config"]))
        files: dict[str, tarfile.TarInfo] = {}
        for layer in manifest["Layers"]:
            _lay_over(files, _members(archive, layer))
    return Archive(name, path.stat().st_size, described["config"], described["history"], files)


def _archives() -> dict[str, Path]:
    listing = CACHE / "images" / "images.env"
    return {name: Path(path) for name, _, path in (line.partition("=") for line in listing.read_text().splitlines())}


def _content(archive: tarfile.TarFile, member: str) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


def _members(archive: tarfile.TarFile, layer: str) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=archive.extractfile(layer)) as files:
        yield from files


def _lay_over(files: dict[str, tarfile.TarInfo], layer: Iterator[tarfile.TarInfo]) -> None:
    for member in layer:
        path = PurePosixPath(member.name)
        if not path.name.startswith(".wh."):
            files[str(path)] = member
            continue
        gone = str(path.parent) if path.name == ".wh..wh..opq" else str(path.with_name(path.name.removeprefix(".wh.")))
        for each in [each for each in files if each == gone or each.startswith(f"{gone}/")]:
            del files[each]
