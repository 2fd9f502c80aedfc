"""The files of attachments in a compute server's folder."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from rc2hub.compute.attachments import AttachmentSync, write_files
from tests.fixtures.hub import until


def test_a_file_and_a_setting_can_name_another_file_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_ATTACHMENTS_DIR", str(tmp_path))
    path = "${RC2_ATTACHMENTS_DIR}/db.ca.pem"
    files = {"pg_service.conf": f"[db]\nsslrootcert={path}\n", "db.ca.pem": "a certificate"}
    write_files([{"service": "db", "settings": {"host": "db.example.org", "sslrootcert": path}, "files": files}])
    assert (tmp_path / "pg_service.conf").read_text() == f"[db]\nsslrootcert={tmp_path}/db.ca.pem\n"
    (attachment,) = json.loads((tmp_path / "attachments.json").read_text())["attachments"]
    assert attachment["settings"] == {"host": "db.example.org", "sslrootcert": f"{tmp_path}/db.ca.pem"}
    assert Path(attachment["settings"]["sslrootcert"]).read_text() == "a certificate"


def test_a_file_holds_what_the_broker_sent_in_any_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RC2_ATTACHMENTS_DIR", str(tmp_path))
    monkeypatch.setattr("locale.getencoding", lambda: "latin-1")
    content = "schlüssel €\r\n"
    write_files([{"service": "key", "settings": {}, "files": {"key.secret": content}}])
    assert (tmp_path / "key.secret").read_bytes() == content.encode()


async def test_what_the_broker_does_not_renew_is_removed_when_it_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    times = {"key": datetime.now(UTC) + timedelta(seconds=5), "later": datetime.now(UTC) + timedelta(hours=1)}
    listed = [
        {"service": name, "expires_at": at.isoformat(), "settings": {}, "files": {name: "content"}}
        for name, at in times.items()
    ]
    requests = []

    async def answer_once(request: web.Request) -> web.Response:
        requests.append(request.path)
        if len(requests) > 1:
            raise web.HTTPServiceUnavailable
        return web.json_response({"attachments": listed}, headers={"Etag": '"1"'})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer_once)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    for name, value in {
        "RC2_ATTACHMENTS_DIR": str(tmp_path),
        "RC2_BROKER_URL": f"http://127.0.0.1:{runner.addresses[0][1]}/",
        "JUPYTERHUB_API_TOKEN": "token",
        "JUPYTERHUB_USER": "alice",
    }.items():
        monkeypatch.setenv(name, value)
    following = asyncio.create_task(AttachmentSync(logging.getLogger()).follow())

    async def names() -> set[str]:
        return {file.name for file in tmp_path.iterdir() if not file.name.startswith(".")}

    async def has_both() -> bool:
        return await names() == {"key", "later", "attachments.json"}

    async def has_one() -> bool:
        return await names() == {"later", "attachments.json"}

    await until(has_both)
    await until(has_one)
    following.cancel()
    await runner.cleanup()
