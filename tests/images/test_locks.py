"""What the images pin is what was tried together everywhere else."""

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.hub import ROOT

IMAGES = ROOT / "images"
LOCKS = {
    IMAGES / "hub" / "requirements.txt": ROOT / "constraints.txt",
    IMAGES / "r-compute" / "requirements.txt": ROOT / "constraints.txt",
    IMAGES / "r-compute" / "spark-client.txt": ROOT / "spark-requirements.txt",
}
DOCKERFILES = sorted(IMAGES.glob("*/Dockerfile"))
IMAGE_PYTHON = 'python_version >= "3.13"'


def pins(file: Path) -> dict[str, str]:
    """Exact versions by name, as they hold in an image."""
    found = {}
    for line in file.read_text().splitlines():
        requirement, _, marker = line.partition(";")
        name, equal, version = requirement.strip().partition("==")
        if equal and marker.strip() in ("", IMAGE_PYTHON):
            found[name] = version
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(IMAGES)))
def test_a_lock_file_pins_every_line_to_one_version(lock: Path):
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


@pytest.mark.parametrize(("lock", "constraints"), LOCKS.items(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_lock_file_agrees_with_what_is_tried_on_one_machine(lock: Path, constraints: Path):
    wanted = pins(constraints)
    assert {name: version for name, version in pins(lock).items() if wanted.get(name, version) != version} == {}


def test_the_proxy_is_the_one_of_one_machine():
    (wanted,) = json.loads((IMAGES / "proxy" / "package.json").read_text())["dependencies"].items()
    assert "@".join(wanted) in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_is_built_from_debian_and_nothing_else(dockerfile: Path):
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile.read_text(), re.MULTILINE)
    assert {base for base, _ in stages} - {name for _, name in stages} == {"debian:trixie-slim"}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.parent.name)
def test_the_list_of_packages_is_there(dockerfile: Path):
    assert "| package | version |" in dockerfile.with_name("PACKAGES.md").read_text()
