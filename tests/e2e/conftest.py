"""A browser page for these tests, which share the users alice and bob."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from tests.fixtures.hub import Client, Rc2


@pytest.fixture
async def page(rc2: Rc2, client: Client, page: Page) -> AsyncIterator[Page]:
    """A page of a user who has not logged in yet, and whose JupyterLab does not open again what another test left open."""
    for workspaces in rc2.home.glob("homes/*/.jupyter/lab/workspaces"):
        shutil.rmtree(workspaces)
    yield page
    for user in ("alice", "bob"):  # the server of a test that failed
        await client.stop(user)
