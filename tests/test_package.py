"""The wheel, as users install it."""

import asyncio
import json
import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

import rc2hub
from rc2hub.processes import free_ports
from tests.fixtures.hub import ROOT, until
from tests.test_docs import blocks

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


@pytest.fixture(scope="module")
def folder_of_a_hub(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the checkout, prepared as the README says; what it loads from registries comes from `.venv`."""
    folder = tmp_path_factory.mktemp("trial")
    (folder / "jupyterhub_config.py").write_text(blocks(ROOT / "README.md", "python")[0])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "venv"], cwd=folder, check=True)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], check=True)
    site = next(folder.glob("venv/lib/python3*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    for part in ("etc", "share", "spark"):
        (folder / "venv" / part).symlink_to(ROOT / ".venv" / part)
    build = ["R", "CMD", "build", "--no-build-vignettes", ROOT / "images/r-compute/rc2"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    (folder / "venv/library").mkdir()
    (package,) = folder.glob("rc2_*.tar.gz")
    subprocess.run(["R", "CMD", "INSTALL", "--library=venv/library", package], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
async def trial_hub(folder_of_a_hub: Path) -> AsyncIterator[str]:
    """The URL of the hub with the README's configuration; only its ports are free ones."""
    port, hub_port, api_port = free_ports(3)
    folder = folder_of_a_hub
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("RC2_", "PYTHON"))},
        "PATH": f"{folder}/venv/bin:{ROOT}/.venv/http-proxy/node_modules/.bin:/usr/local/bin:/usr/bin:/bin",
        "R_LIBS": f"{folder}/venv/library",
        "RC2_DATA_PYTHON": f"{folder}/venv/spark/bin/python",
    }
    arguments = ["--config", "jupyterhub_config.py", "--ip", "127.0.0.1", "--port", str(port)]
    ports = [f"--JupyterHub.hub_port={hub_port}", f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api_port}"]
    with (folder / "log").open("wb") as log:
        command = [folder / "venv/bin/python", "-m", "jupyterhub", *arguments, *ports]
        hub = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"

    async def is_up() -> bool:
        assert hub.poll() is None, (folder / "log").read_text()
        try:
            return (await asyncio.to_thread(urllib.request.urlopen, f"{url}hub/health")).status == 200
        except OSError:
            return False

    try:
        await until(is_up)
        yield url
    finally:
        hub.terminate()
        hub.wait()


async def test_the_readmes_configuration_runs_from_the_wheel_in_an_empty_folder(
    trial_hub: str, folder_of_a_hub: Path, page: Page
):
    await page.goto(trial_hub)
    await page.get_by_label("Username").fill("alice")
    await page.get_by_label("Password").fill("choose a password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_label("Spark (use)")).to_be_enabled()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    log = (folder_of_a_hub / "log").read_text()
    assert "Traceback" not in log
    assert str(ROOT / "rc2hub") not in log


def test_the_readme_names_every_r_package_that_the_r_package_needs():
    (install,) = [block for block in blocks(ROOT / "README.md", "sh") if "pip install" in block]
    description = (ROOT / "images/r-compute/rc2/DESCRIPTION").read_text()
    imports = re.search(r"^Imports: (.*)$", description, re.MULTILINE)[1].split(", ")
    needed = {name.lower() for name in imports} - {"methods", "stats", "utils"}
    assert {*needed, "irkernel"} <= set(re.findall(r"r-cran-([\w.]+)", install))


def test_the_wheel_holds_every_file_of_the_package(wheel: Path):
    tracked = subprocess.run(["git", "ls-files", "rc2hub"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_the_panels_of_jupyterlab(wheel: Path):
    panels = "rc2hub/compute/labextensions/@rc2hub/workbench/"
    with zipfile.ZipFile(wheel) as files:
        entry = json.loads(files.read(f"{panels}package.json"))["jupyterlab"]["_build"]["load"]
        assert f"{panels}{entry}" in files.namelist()


def test_the_bare_package_installs_into_an_empty_environment_and_imports(bare_environment: Path):
    out = subprocess.run(
        [bare_environment / "python", "-c", "import rc2hub; print(rc2hub.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == rc2hub.__version__


@pytest.mark.parametrize("command", [(), ("up",), ("link",), ("check",), ("pool",), ("pool", "plan")], ids=" ".join)
def test_help_works_without_extras(bare_environment: Path, command: tuple[str, ...]):
    out = subprocess.run([bare_environment / "rc2hub", *command, "--help"], capture_output=True, text=True, check=True)
    assert out.stdout.startswith(" ".join(("usage: rc2hub", *command)))
    assert out.stderr == ""


@pytest.mark.parametrize(
    ("command", "extra"), [("up", "local"), ("link alice", "local"), ("check", "hub"), ("pool plan", "hub")]
)
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
