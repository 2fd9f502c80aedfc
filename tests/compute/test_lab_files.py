"""JupyterLab's files at one address for all servers: what is served, how it is compressed, and what is not reached."""

import asyncio
import gzip
import http.client
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from rc2hub.compute import lab_files
from rc2hub.compute.lab_files_server import make_app

HASH = "0123456789abcdef"
MAIN = b"console.log('JupyterLab')"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As labextension/lab-files.mjs makes it, with two of the files for the first page."""
    folder = tmp_path / "lab" / HASH
    for name, content in (("static/main.1.js", MAIN), ("extensions/@rc2hub/panels/static/remoteEntry.2.js", b"1")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / f"{name}.br").write_bytes(b"brotli")
    (folder / "static/font.3.woff2").write_bytes(b"font")
    (folder / "extensions.json").write_text(json.dumps({"@rc2hub/panels": "static/remoteEntry.2.js"}))
    (tmp_path / "secret").write_text("secret")
    (first_page := tmp_path / "first_page.json").write_text('["static/main.1.js?v=1", "static/of-another-version.js"]')
    monkeypatch.setattr(lab_files, "FIRST_PAGE", first_page)
    return folder


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[tuple[str, int]]:
    sock, port = bind_unused_port()
    server = HTTPServer(make_app(folder, "/services/rc2-lab/"))
    server.add_socket(sock)
    yield f"http://127.0.0.1:{port}/services/rc2-lab/", port
    server.stop()
    await server.close_all_connections()


async def fetch(url: str, encodings: str = "") -> tuple[int, bytes, dict[str, str]]:
    headers = {"Accept-Encoding": encodings}
    async with aiohttp.ClientSession(auto_decompress=False) as session, session.get(url, headers=headers) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [("gzip, deflate, br, zstd", "br", b"brotli"), ("gzip", "gzip", None), ("", None, MAIN)],
    ids=["as Chromium", "without brotli", "without any"],
)
async def test_a_file_is_sent_as_the_browser_can_read_it_and_kept_for_good(
    server: tuple[str, int], accepted: str, encoding: str | None, content: bytes | None
) -> None:
    status, body, headers = await fetch(f"{server[0]}{HASH}/static/main.1.js", accepted)
    assert (status, headers.get("Content-Encoding"), headers["Content-Type"]) == (200, encoding, "text/javascript")
    assert (body if content else gzip.decompress(body)) == (content or MAIN)
    assert "immutable" in headers["Cache-Control"]
    assert headers["Vary"] == "Accept-Encoding"


async def test_a_font_is_sent_as_it_is(server: tuple[str, int]) -> None:
    status, body, headers = await fetch(f"{server[0]}{HASH}/static/font.3.woff2", "br")
    assert (status, body, headers.get("Content-Encoding")) == (200, b"font", None)


@pytest.mark.parametrize(
    "path",
    [
        "../../secret",
        "%2e%2e/%2e%2e/secret",
        "static/../../../secret",
        "..%2f..%2fsecret",
        "//etc/passwd",
        "static/",
        "none.js",
    ],
)
async def test_nothing_but_the_files_of_the_folder_is_served(server: tuple[str, int], path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server[1])

    def ask() -> int:
        connection.request("GET", f"/services/rc2-lab/{HASH}/{path}")  # as it stands: other clients shorten the path
        return connection.getresponse().status

    assert await asyncio.to_thread(ask) == 404
    connection.close()


async def test_an_address_of_other_files_is_unknown(server: tuple[str, int]) -> None:
    assert (await fetch(f"{server[0]}fedcba9876543210/static/main.1.js"))[0] == 404


async def test_the_hub_learns_the_hash(server: tuple[str, int]) -> None:
    status, body, _ = await fetch(f"{server[0]}index.json")
    assert (status, json.loads(body)) == (200, {"hash": HASH})


async def test_pages_of_the_hub_prefetch_what_this_version_of_jupyterlab_loads_first(server: tuple[str, int]) -> None:
    status, body, headers = await fetch(f"{server[0]}prefetch.js")
    assert (status, headers["Content-Type"]) == (200, "text/javascript")
    assert '["static/main.1.js?v=1", "extensions/@rc2hub/panels/static/remoteEntry.2.js"]' in body.decode()
    assert f'"/services/rc2-lab/{HASH}/"' in body.decode()


def test_a_machine_without_these_files_has_no_folder(tmp_path: Path) -> None:
    assert lab_files.files_folder(tmp_path / "none") is None
