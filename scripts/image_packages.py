"""Writes the list of the packages in an image's root folder: Debian, Python, R and Node.js.

    python3 scripts/image_packages.py NAME ROOT ARCHIVE > images/NAME/PACKAGES.md

ARCHIVE.cdx.json gets the same as a software bill of materials (CycloneDX 1.6, with package URLs). Requires only the standard
library and `dpkg-query`; tools of PyPI for this see the Python packages alone.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

Packages = dict[str, str]
"""Package name to version."""


def debian(root: Path) -> Packages:
    """The installed Debian packages."""
    options = ["--show", "--showformat=${db:Status-Abbrev}\t${Package}\t${Version}\n"]
    command = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", *options]
    listing = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = (line.split("\t") for line in listing.stdout.splitlines())
    return {name: version for status, name, version in lines if status.startswith("ii")}


def environments(root: Path) -> Iterator[tuple[str, Packages]]:
    """The packages of each Python environment, with a title that names its path."""
    for folder in sorted(root.glob("opt/*/lib/python3*/site-packages")):
        found = {package.name: package.version for package in distributions(path=[str(folder)])}
        yield f"Python packages in /{folder.parents[2].relative_to(root)}", found


def r(root: Path) -> Packages:
    """The R packages in R's libraries."""
    found = {}
    for library in ("usr/lib/R/library", "usr/lib/R/site-library", "usr/local/lib/R/site-library"):
        for file in root.glob(f"{library}/*/DESCRIPTION"):
            fields = dict(line.split(": ", 1) for line in file.read_text(errors="replace").splitlines() if ": " in line)
            found[fields["Package"]] = fields["Version"]
    return found


def node(root: Path) -> Packages:
    """The packages that npm has installed."""
    manifests = (json.loads(file.read_text()) for file in root.glob("opt/*/node_modules/**/package.json"))
    return {package["name"]: package["version"] for package in manifests if "name" in package and "version" in package}


def normalized(packages: Packages) -> Packages:
    """Python packages with the names that package URLs have."""
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in packages.items()}


def bill_of_materials(name: str, root: Path) -> dict[str, Any]:
    """The packages as a CycloneDX document."""
    kinds = [
        *(("pypi", normalized(packages)) for _, packages in environments(root)),
        ("cran", r(root)),
        ("npm", node(root)),
        ("deb/debian", debian(root)),
    ]
    components = {
        (purl := f"pkg:{kind}/{quote(package)}@{quote(version, safe='')}"): {
            "type": "library",
            "name": package,
            "version": version,
            "purl": purl,
        }
        for kind, packages in kinds
        for package, version in packages.items()
    }
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"rc2hub/{name}"}},
        "components": [components[purl] for purl in sorted(components)],
    }


def sections(root: Path) -> Iterator[str]:
    """A table for each kind of package in the image."""
    for title, packages in (
        *environments(root),
        ("R packages", r(root)),
        ("Node.js packages", node(root)),
        ("Debian packages", debian(root)),
    ):
        if packages:
            rows = (
                f"| {name} | {version} |" for name, version in sorted(packages.items(), key=lambda item: item[0].lower())
            )
            yield "\n".join([f"## {title}", "", "| package | version |", "|---|---|", *rows])


def main() -> None:
    """Print the list."""
    name, root, archive = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    head = f"# What the image {name} holds\n\nWritten by `make images`. Uncompressed {archive.stat().st_size / 1e6:.0f} MB."
    print("\n\n".join([head, *sections(root)]))
    Path(f"{archive}.cdx.json").write_text(json.dumps(bill_of_materials(name, root), indent=1) + "\n")


if __name__ == "__main__":
    main()
