"""The wheel, as users install it."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import rc2hub
from tests.fixtures.hub import ROOT

GROUPS = ("jupyterhub.spawners", "jupyterhub.authenticators", "rc2hub.services", "jupyter_client.kernel_provisioners")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that has the wheel without extras."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", wheel], check=True)
    return folder / "bin"


def test_the_wheel_holds_every_file_of_the_package(wheel: Path):
    tracked = subprocess.run(["git", "ls-files", "rc2hub"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(zipfile.ZipFile(wheel).namelist())


def test_the_bare_package_installs_into_an_empty_environment_and_imports(bare_environment: Path):
    out = subprocess.run(
        [bare_environment / "python", "-c", "import rc2hub; print(rc2hub.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == rc2hub.__version__


@pytest.mark.parametrize("command", [(), ("up",), ("link",), ("pool",), ("pool", "plan")], ids=" ".join)
def test_help_works_without_extras(bare_environment: Path, command: tuple[str, ...]):
    out = subprocess.run([bare_environment / "rc2hub", *command, "--help"], capture_output=True, text=True, check=True)
    assert out.stdout.startswith(" ".join(("usage: rc2hub", *command)))
    assert out.stderr == ""


@pytest.mark.parametrize(("command", "extra"), [("up", "local"), ("link alice", "local"), ("pool plan", "hub")])
def test_a_command_without_its_extra_names_the_extra(bare_environment: Path, command: str, extra: str):
    out = subprocess.run([bare_environment / "rc2hub", *command.split()], capture_output=True, text=True, check=False)
    assert (out.returncode, out.stdout) == (1, "")
    assert out.stderr == f"rc2hub: this command needs rc2hub[{extra}]; install it with pip.\n"


def test_the_version_is_the_same_everywhere():
    changelog = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    description = re.search(r"^Version: (.+)$", (ROOT / "images/r-compute/rc2/DESCRIPTION").read_text(), re.MULTILINE)
    assert changelog[1] == description[1] == rc2hub.__version__


@pytest.mark.parametrize("group", GROUPS)
def test_every_entry_point_loads(group: str):
    ours = [point for point in entry_points(group=group) if point.value.startswith("rc2hub")]
    assert ours
    for point in ours:
        point.load()
