"""The images pin the versions that are tested together on one machine."""

import json
import re
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.fixtures.hub import ROOT

IMAGES = ROOT / "images"
LOCKS = {
    IMAGES / "hub" / "requirements.txt": ROOT / "constraints.txt",
    IMAGES / "r-compute" / "requirements.txt": ROOT / "constraints.txt",
    IMAGES / "r-compute" / "spark-client.txt": ROOT / "spark-requirements.txt",
}
DOCKERFILES = sorted(IMAGES.glob("*/Dockerfile"))
IMAGE_PYTHON = 'python_version >= "3.13"'


def requirements(file: Path) -> list[str]:
    """The requirements of a file, each with its hashes in one line."""
    lines = file.read_text().replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins(file: Path) -> dict[str, str]:
    """Exact versions by name, for the Python of the images."""
    found = {}
    for line in requirements(file):
        requirement, _, marker = line.partition(" --hash")[0].partition(";")
        name, equal, version = requirement.strip().partition("==")
        if equal and marker.strip().replace("'", '"').replace("python_full_version", "python_version") in ("", IMAGE_PYTHON):
            found[canonicalize_name(name)] = version
    return found


@pytest.mark.parametrize("lock", [*LOCKS, ROOT / "spark-requirements.txt"], ids=lambda lock: lock.name)
def test_a_lock_file_pins_every_line_to_one_version_with_hashes(lock: Path):
    pinned = re.compile(r"[\w.-]+==[\w.]+( ; [^#]*?)?( +--hash=sha256:[0-9a-f]{64})+")
    assert [line for line in requirements(lock) if not pinned.fullmatch(line.strip())] == []


def test_pip_requires_the_hashes_of_every_lock_file():
    texts = [file.read_text().replace("\\\n", " ") for file in [*DOCKERFILES, ROOT / "Makefile"]]
    commands = [command for text in texts for command in re.findall(r"pip [^&\n]*--requirement \S+", text)]
    assert len(commands) == 5
    assert [command for command in commands if "--require-hashes" not in command] == []


@pytest.mark.parametrize(("lock", "constraints"), LOCKS.items(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_lock_file_agrees_with_the_versions_that_are_tested_on_one_machine(lock: Path, constraints: Path):
    tested = pins(constraints)
    assert {name: version for name, version in pins(lock).items() if tested.get(name, version) != version} == {}


def test_make_up_has_the_proxy_of_the_image_with_all_that_it_needs():
    installed = json.loads((ROOT / ".venv/http-proxy/node_modules/.package-lock.json").read_text())["packages"]
    locked = json.loads((IMAGES / "proxy" / "package-lock.json").read_text())["packages"]
    assert {name: each["integrity"] for name, each in installed.items()} == {
        name: each["integrity"] for name, each in locked.items() if name and not each.get("dev")
    }
    proxy = (ROOT / ".venv/bin/configurable-http-proxy").resolve()
    assert proxy.is_relative_to(ROOT / ".venv/http-proxy/node_modules/configurable-http-proxy")


LICENCES = {
    "default-jre-headless": "GPL-2.0-only WITH Classpath-exception-2.0",
    "openjdk-21-jre-headless": "GPL-2.0-only WITH Classpath-exception-2.0",
    "pandoc": "GPL-2.0-or-later",
    "r-packages.txt": "GPL-2.0-or-later",
    "python3": "PSF-2.0",
    "nodejs": "MIT",
    "postgresql-17": "PostgreSQL",
    "spark-requirements.txt": "Apache-2.0",
    "spark-client.txt": "Apache-2.0",
}
"""What a Dockerfile installs or copies into an image to the licence of it; of R, `GPL-2 | GPL-3`, that is what is meant."""


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_the_label_of_an_image_names_the_licences_of_what_it_ships(dockerfile: Path):
    text = re.sub(r"^#.*$", "", dockerfile.read_text(), flags=re.MULTILINE)
    label = re.search(r'image\.licenses="(.*)"', text)[1]
    ships = {licence for name, licence in LICENCES.items() if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}
    assert set(label.split(" AND ")) == {"BSD-3-Clause", *ships}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_is_built_from_debian_only(dockerfile: Path):
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile.read_text(), re.MULTILINE)
    assert {base for base, _ in stages} - {name for _, name in stages} == {"debian:trixie-slim"}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_has_a_list_of_packages(dockerfile: Path):
    assert "| package | version |" in dockerfile.with_name("PACKAGES.md").read_text()
