"""A secret: rotation, and files of the operator that hold none."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from rc2hub.broker import service_worker
from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ServiceUnavailableError
from rc2hub.messages import DesiredStateUpdate, UserState
from rc2hub.server_id import ServerId
from rc2hub.services.secret import MAX_SIZE, SecretService

ALICE, BOB = ServerId("alice"), ServerId("bob")


async def test_after_a_rotation_each_server_is_attached_again_with_the_new_content(
    secret_service: SecretService, secret_file: Path
):
    for server in (ALICE, BOB):
        await secret_service.attach(server, "use")
    secret_file.write_text("rotated\n")
    assert await secret_service.attached() == {}
    assert (await secret_service.attach(ALICE, "use")).files == {"weather.secret": "rotated\n"}
    assert set(await secret_service.attached()) == {ALICE}


async def test_the_line_of_python_reads_the_secret_as_r_does(
    secret_service: SecretService, secret_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    secret_file.write_text("a key with a blank \r\n\n")
    attachment = await secret_service.attach(ALICE, "use")
    for name, content in attachment.files.items():
        (tmp_path / name).write_bytes(content.encode())
    monkeypatch.setenv("RC2_ATTACHMENTS_DIR", str(tmp_path))
    found: dict[str, str] = {}
    exec(attachment.python_code, found)
    assert found["key"] == "a key with a blank "


async def test_the_broker_sends_a_rotation_to_attached_servers_and_nothing_after_the_grant(
    secret_service: SecretService, secret_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service_worker, "LIST_INTERVAL", 0.0)
    reconciler = Reconciler({"weather": secret_service})
    running = asyncio.create_task(reconciler.run())

    def push(revision: int, *scopes: str) -> None:
        """What the hub sends, at the latest after 15 seconds."""
        server = UserState(scopes=frozenset(scopes), servers={"": {"weather": "use"}})
        reconciler.update(DesiredStateUpdate(revision=revision, users={"alice": server}))

    push(1, "custom:rc2:weather:use")
    assert await reconciler.wait_until_decided(ALICE, "weather", 10)
    before = reconciler.etag(ALICE)
    secret_file.write_text("rotated\n")
    push(2, "custom:rc2:weather:use")
    assert await reconciler.wait_for_change(ALICE, before, 10)
    (state,) = reconciler.states(ALICE, with_files=True).attachments
    assert (state.state, state.files) == ("attached", {"weather.secret": "rotated\n"})
    push(3)
    (state,) = reconciler.states(ALICE, with_files=True).attachments
    assert (state.state, state.files) == ("detached", None)
    running.cancel()


async def test_while_the_file_is_missing_a_server_keeps_what_it_has(secret_service: SecretService, secret_file: Path):
    await secret_service.attach(ALICE, "use")
    content = secret_file.read_text()
    secret_file.unlink()
    with pytest.raises(
        ServiceUnavailableError, match="weather: the broker cannot read the file /.*/weather with the secret"
    ):
        await secret_service.attached()
    secret_file.write_text(content)
    assert set(await secret_service.attached()) == {ALICE}


@pytest.mark.parametrize("content", ["a key\n", "line 1\r\nline 2\r\n", "  s p a c e ", "schlüssel ß €", "x" * MAX_SIZE])
async def test_the_content_arrives_as_it_is(secret_service: SecretService, secret_file: Path, content: str):
    secret_file.write_bytes(content.encode())
    assert (await secret_service.attach(ALICE, "use")).files == {"weather.secret": content}


@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"s3cret\xff", b"s3cret\0", b"s3cret" * MAX_SIZE],
    ids=["empty", "blank", "no UTF-8", "a zero byte", "too long"],
)
async def test_what_is_no_secret_is_one_sentence_without_the_content(
    secret_service: SecretService, secret_file: Path, content: bytes
):
    secret_file.write_bytes(content)
    with pytest.raises(ServiceUnavailableError, match="weather: the file .* holds no secret, .* of up to 65536") as error:
        await secret_service.check()
    assert "s3cret" not in str(error.value) + repr(error.value.__cause__) + repr(error.value.__context__)


async def test_a_folder_or_a_pipe_is_no_secret_and_stops_no_broker(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ServiceUnavailableError, match="holds no secret"):
            await SecretService("weather", {"file": str(tmp_path / name)}, 60.0).check()


async def test_a_file_that_every_account_can_read_is_a_warning_once(
    secret_service: SecretService, secret_file: Path, caplog: pytest.LogCaptureFixture
):
    await secret_service.check()
    assert secret_service.warnings == ()
    secret_file.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            await secret_service.check()
    assert secret_service.warnings == tuple(caplog.messages)
    assert "every account of the broker's machine can read" in caplog.messages[0]
