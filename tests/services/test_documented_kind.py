"""docs/service-kinds.md as its reader follows it: the package is installed, its tests pass, and a hub attaches the kind."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fixtures.hub import ROOT, Client, Rc2, rc2_with, until
from tests.test_docs import blocks
from tests.test_separation import user_token

PAGE = ROOT / "docs" / "service-kinds.md"
MAX_LINES = 60


def documented() -> dict[str, str]:
    """The package's files by name, and the part of the configuration."""
    kind, entry, tests = blocks(PAGE, "py")
    (project,) = blocks(PAGE, "toml")
    return {"rc2_tokens.py": kind, "pyproject.toml": project, "test_rc2_tokens.py": tests, "entry": entry}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the package of the page; its source is in the folder beside it."""
    folder = tmp_path_factory.mktemp("documented")
    source = folder / "rc2-tokens"
    source.mkdir()
    for name, text in documented().items():
        if name != "entry":
            (source / name).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder / "site"]
    subprocess.run([*pip, source], check=True)
    return folder


def test_the_kind_has_at_most_sixty_lines():
    assert len(documented()["rc2_tokens.py"].splitlines()) <= MAX_LINES


def test_the_tests_of_the_page_pass(installed: Path):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_rc2_tokens.py"]
    environment = {**os.environ, "PYTHONPATH": str(installed / "site")}
    done = subprocess.run(
        command, cwd=installed / "rc2-tokens", env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^12 passed", done.stdout, re.MULTILINE), done.stdout


@pytest.fixture(scope="module")
def rc2(installed: Path) -> Iterator[Rc2]:
    """An Rc² whose catalogue has the entry of the page, with a database of this test, and whose analysts have a grant."""
    database = installed / "tokens.sqlite"
    (columns,) = re.findall(r'^COLUMNS = "(.*)"$', documented()["test_rc2_tokens.py"], re.MULTILINE)
    run(database, f"CREATE TABLE tokens ({columns}, PRIMARY KEY (installation, service, user, server))")
    (path,) = re.findall(r'"database": "(.*)"', documented()["entry"])
    (scope,) = re.findall(r'`"(custom:rc2:reports:\w+)"`', PAGE.read_text())
    role = f'c.JupyterHub.load_roles[0]["scopes"].append("{scope}")'
    lines = documented()["entry"].replace(path, str(database)) + role
    with rc2_with(installed, lines, RC2_SERVICES="flights", PYTHONPATH=str(installed / "site")) as running:
        yield running


def tokens(installed: Path) -> list[tuple[str, ...]]:
    """User, level and token of each row that the web API would see."""
    return run(installed / "tokens.sqlite", "SELECT user, level, token FROM tokens")


def run(file: Path, statement: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(statement).fetchall()


async def test_a_hub_attaches_the_kind_of_the_page_to_a_server(rc2: Rc2, client: Client, installed: Path):
    async with client.working("alice", ["reports"], "") as r:
        async with rc2.client(await user_token(client, "alice")) as alice:
            _, answer = await alice.call("GET", "/services/rc2/api/servers/alice/-/attachments")
        (attachment,) = answer["attachments"]
        assert (attachment["kind"], attachment["state"]) == ("tokens", "attached")
        token = await r.run(f"{attachment['r_code']}; cat(token)")
        assert tokens(installed) == [("alice", "read", token)]

    async def is_empty() -> bool:
        return tokens(installed) == []

    await until(is_empty)
