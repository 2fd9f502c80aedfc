"""A real Jupyter server opens R Markdown as notebooks and saves it, without a change to what was not edited."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rc2hub.processes import free_ports
from tests.compute.rmarkdown.test_document import DOCUMENTS
from tests.fixtures.hub import until

CLASS = "rc2hub.compute.rmarkdown.contents.RMarkdownContentsManager"
TRIAL = "---\ntitle: Trial\n---\n\nText.\n\n```{r, echo = F}\n1\n```\n"


class Server:
    """A Jupyter server with a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}/api/contents/"

    def call(self, method: str, path: str, model: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        data = json.dumps(model).encode() if model is not None else None
        request = urllib.request.Request(self.url + path, data, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def open(self, name: str) -> dict[str, Any]:
        status, model = self.call("GET", f"{quote(name)}?type=notebook&content=1&hash=1")
        assert status == 200, model
        return model

    def save(self, name: str, content: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return self.call("PUT", quote(name), {"type": "notebook", "format": "json", "content": content})


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("home")
    (port,) = free_ports(1)
    options = [
        f"--ServerApp.contents_manager_class={CLASS}",
        "--ServerApp.jpserver_extensions={}",
        "--ServerApp.open_browser=0",
    ]
    access = ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--allow-root"]
    command = [sys.executable, "-m", "jupyter_server", *options, *access, f"--port={port}", f"--ServerApp.root_dir={folder}"]
    server = Server(folder, port)
    environment = {**os.environ, "JUPYTER_NO_CONFIG": "1"}
    with (
        (folder.parent / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        await until(lambda: answers(server))
        yield server
        process.terminate()


async def answers(server: Server) -> bool:
    try:
        return server.call("GET", "")[0] == 200
    except OSError:
        return False


@pytest.fixture
def trial(server: Server) -> Iterator[Path]:
    file = server.folder / "trial.Rmd"
    file.write_text(TRIAL)
    yield file
    file.chmod(0o644)


def test_every_document_is_the_same_after_open_and_save(server: Server) -> None:
    assert len(DOCUMENTS) >= 60
    for document in DOCUMENTS:
        file = server.folder / document.name
        file.write_bytes(document.read_bytes())
        model = server.open(document.name)
        assert model["type"] == "notebook"
        status, saved = server.save(document.name, model["content"])
        assert (status, saved["type"]) == (200, "notebook")
        assert file.read_bytes() == document.read_bytes(), document.name
        assert server.open(document.name)["hash"] == model["hash"]


def test_an_edited_cell_is_saved_with_its_options(server: Server, trial: Path) -> None:
    notebook = server.open("trial.Rmd")["content"]
    assert notebook["metadata"]["kernelspec"]["name"] == "ir"
    assert [cell["source"] for cell in notebook["cells"]] == ["---\ntitle: Trial\n---", "Text.", "%%r, echo = F\n1"]
    notebook["cells"][2]["source"] = "%%r, echo = F, eval=FALSE\n2"
    notebook["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "2"}]
    assert server.save("trial.Rmd", notebook)[0] == 200
    assert trial.read_text() == TRIAL.replace("{r, echo = F}\n1", "{r, echo = F, eval=FALSE}\n2")


def test_a_change_on_disk_shows_in_the_time_of_change_that_jupyterlab_compares(server: Server, trial: Path) -> None:
    before = server.open("trial.Rmd")
    os.utime(trial, (1, 1))
    status, now = server.call("GET", "trial.Rmd?content=0&hash=1")
    assert status == 200
    assert now["last_modified"] != before["last_modified"]
    assert now["hash"] == before["hash"]


def test_the_same_file_is_also_a_text(server: Server, trial: Path) -> None:
    status, model = server.call("GET", "trial.Rmd")
    assert (status, model["type"], model["content"]) == (200, "file", TRIAL)
    status, model = server.call("PUT", "trial.Rmd", {"type": "file", "format": "text", "content": "Text.\n"})
    assert (status, trial.read_text()) == (200, "Text.\n")


def test_a_file_in_latin_1_is_refused_with_a_sentence_and_unharmed(server: Server, trial: Path) -> None:
    trial.write_bytes("Zürich\n".encode("latin1"))
    status, answer = server.call("GET", "trial.Rmd?type=notebook")
    sentence = "trial.Rmd is not encoded in UTF-8; convert it in a terminal: iconv -f latin1 -t utf-8 trial.Rmd > new.Rmd"
    assert (status, answer["message"]) == (400, sentence)
    assert trial.read_bytes() == "Zürich\n".encode("latin1")


def test_the_command_for_a_file_in_latin_1_runs_with_each_name(server: Server, trial: Path) -> None:
    name = "what's new $HOME.qmd"
    trial.with_name(name).write_bytes("Zürich\n".encode("latin1"))
    message = server.call("GET", f"{quote(name)}?type=notebook")[1]["message"]
    subprocess.run(message.partition("terminal: ")[2], shell=True, check=True, cwd=trial.parent)
    assert trial.with_name("new.qmd").read_text() == "Zürich\n"


def test_other_notebooks_are_opened_and_saved_as_before(server: Server) -> None:
    cells = [{"cell_type": "code", "source": "1", "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    assert server.save("other.ipynb", notebook)[0] == 201
    assert server.open("other.ipynb")["content"]["cells"][0]["source"] == "1"
    assert json.loads((server.folder / "other.ipynb").read_text())["nbformat"] == 4
