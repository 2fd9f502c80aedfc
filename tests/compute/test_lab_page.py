"""JupyterLab's page: from where it loads its files, and what it is told of the home."""

import json
from pathlib import Path
from typing import Any

import pytest

from rc2hub.compute import lab_page
from rc2hub.compute.lab_page import LabPage

HASH = "0123456789abcdef"
URL = f"/services/rc2-lab/{HASH}/"
PANELS = {"name": "@rc2hub/panels", "load": "static/remoteEntry.2.js"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder := tmp_path / HASH).mkdir()
    (folder / "extensions.json").write_text(json.dumps({PANELS["name"]: PANELS["load"]}))
    monkeypatch.setattr(lab_page, "files_folder", lambda: folder)
    return folder


def page(home: Path, url: str, *extensions: dict[str, str]) -> dict[str, Any]:
    """The page as Rc² gives it to JupyterHub's hook, which returns it."""
    own = {"fullStaticUrl": "/user/ada/static/lab", "fullLabextensionsUrl": "/user/ada/lab/extensions"}
    hook = LabPage(lambda _, page: page, home, {"RC2_LAB_FILES": url})
    return hook(None, {**own, "federated_extensions": list(extensions)})  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_files_of_the_image_come_from_the_address_of_all_servers(tmp_path: Path) -> None:
    found = page(tmp_path, URL, PANELS)
    assert found["fullStaticUrl"] == f"{URL}static"
    assert found["fullLabextensionsUrl"] == f"{URL}extensions"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("load", ["static/remoteEntry.9.js", "static/../x.js"])
def test_with_an_extension_of_the_user_all_extensions_come_from_the_own_server(tmp_path: Path, load: str) -> None:
    own = page(tmp_path, URL, PANELS, {"name": "mine", "load": load})
    changed = page(tmp_path, URL, {**PANELS, "load": load})
    for found in (own, changed):
        assert found["fullStaticUrl"] == f"{URL}static"
        assert found["fullLabextensionsUrl"] == "/user/ada/lab/extensions"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("url", ["", "/services/rc2-lab/fedcba9876543210/"], ids=["no service", "another image"])
def test_without_the_same_files_at_that_address_all_come_from_the_own_server(tmp_path: Path, url: str) -> None:
    found = page(tmp_path, url, PANELS)
    assert found["fullStaticUrl"] == "/user/ada/static/lab"
    assert found["fullLabextensionsUrl"] == "/user/ada/lab/extensions"


def test_a_machine_without_these_files_has_the_page_of_jupyterlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_page, "files_folder", lambda: None)
    assert page(tmp_path, URL, PANELS)["fullStaticUrl"] == "/user/ada/static/lab"


@pytest.mark.usefixtures("folder")
def test_the_page_knows_whether_the_home_has_the_examples(tmp_path: Path) -> None:
    assert page(tmp_path, "")["rc2Examples"] is False
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/README.md").touch()
    assert page(tmp_path, "")["rc2Examples"] is True


@pytest.mark.usefixtures("folder")
def test_the_browser_does_not_ask_the_server_for_a_build(tmp_path: Path) -> None:
    assert page(tmp_path, "")["buildCheck"] is page(tmp_path, "")["buildAvailable"] is False
