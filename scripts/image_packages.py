"""Writes the list of an image's packages from its root folder: Debian's, Python's, R's and Node.js's.

    python3 scripts/image_packages.py NAME ROOT ARCHIVE > images/NAME/PACKAGES.md

Needs the standard library and `dpkg-query` only.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

Packages = dict[str, str]
"""Versions by name."""


def debian(root: Path) -> Packages:
    """What dpkg has installed."""
    wanted = ["--show", "--showformat=${db:Status-Abbrev}\t${Package}\t${Version}\n"]
    command = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", *wanted]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = (line.split("\t") for line in listing.stdout.splitlines())
    return {name: version for status, name, version in lines if status.startswith("ii")}


def environments(root: Path) -> Iterator[tuple[str, Packages]]:
    """The virtual environments of Python, each under its path."""
    for folder in sorted(root.glob("opt/*/lib/python3*/site-packages")):
        found = {one.name: one.version for one in distributions(path=[str(folder)])}
        yield f"Python packages in /{folder.parents[2].relative_to(root)}", found


def r(root: Path) -> Packages:
    """What R finds in its libraries."""
    found = {}
    for library in ("usr/lib/R/library", "usr/lib/R/site-library", "usr/local/lib/R/site-library"):
        for file in root.glob(f"{library}/*/DESCRIPTION"):
            fields = dict(line.split(": ", 1) for line in file.read_text(errors="replace").splitlines() if ": " in line)
            found[fields["Package"]] = fields["Version"]
    return found


def node(root: Path) -> Packages:
    """What npm has installed."""
    described = (json.loads(file.read_text()) for file in root.glob("opt/*/node_modules/**/package.json"))
    return {one["name"]: one["version"] for one in described if "name" in one and "version" in one}


def sections(root: Path) -> Iterator[str]:
    """A table for each kind of packages that the image has."""
    for title, packages in (
        *environments(root),
        ("R packages", r(root)),
        ("Node.js packages", node(root)),
        ("Debian packages", debian(root)),
    ):
        if packages:
            rows = (f"| {name} | {version} |" for name, version in sorted(packages.items(), key=lambda one: one[0].lower()))
            yield "\n".join([f"## {title}", "", "| package | version |", "|---|---|", *rows])


def main() -> None:
    """Print the list."""
    name, root, archive = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    head = f"# What the image {name} holds\n\nWritten by `make images`. Uncompressed {archive.stat().st_size / 1e6:.0f} MB."
    print("\n\n".join([head, *sections(root)]))


if __name__ == "__main__":
    main()
