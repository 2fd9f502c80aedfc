"""Reads an image archive of `make images`: its configuration and its files, without running it."""

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
    """The image's configuration: labels, user, environment, command."""
    history: list[dict[str, Any]]
    files: dict[str, tarfile.TarInfo]
    """The file system of a container, by path without the leading slash."""

    def below(self, folder: str) -> list[str]:
        """The paths in a folder and in the folders therein."""
        return [path for path in self.files if path.startswith(f"{folder}/")]


def names() -> list[str]:
    """The names of all images."""
    return sorted(_archives())


def read(name: str) -> Archive:
    """Read the archive of an image; raises KeyError if `make images` has not built it."""
    path = _archives()[name]
    with tarfile.open(path) as archive:
        (manifest,) = json.loads(_content(archive, "manifest.json"))
        image = json.loads(_content(archive, manifest["Config"]))
        files: dict[str, tarfile.TarInfo] = {}
        for layer in manifest["Layers"]:
            _apply_layer(files, _members(archive, layer))
    return Archive(name, path.stat().st_size, image["config"], image["history"], files)


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


def _apply_layer(files: dict[str, tarfile.TarInfo], layer: Iterator[tarfile.TarInfo]) -> None:
    for member in layer:
        path = PurePosixPath(member.name)
        if not path.name.startswith(".wh."):
            files[str(path)] = member
            continue
        removed = str(path.parent) if path.name == ".wh..wh..opq" else str(path.with_name(path.name.removeprefix(".wh.")))
        for each in [each for each in files if each == removed or each.startswith(f"{removed}/")]:
            del files[each]
