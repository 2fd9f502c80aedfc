"""The gateway in front of an HDFS with Kerberos: users see no difference, and what fails is one sentence."""

import json
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import pytest

from rc2hub.errors import ConfigurationError, ServiceUnavailableError
from rc2hub.gateways import delegation_tokens
from rc2hub.gateways.delegation_tokens import DelegationTokens
from rc2hub.gateways.hdfs_client import HdfsClient
from rc2hub.gateways.hdfs_gateway import HdfsGateway
from rc2hub.gateways.spnego import Spnego
from rc2hub.gateways.token_review import TokenReviewer
from rc2hub.server_id import ServerId
from tests.fixtures.hdfs_gateway import Gateway
from tests.fixtures.hub import until
from tests.fixtures.kerberos import GATEWAY, Kdc, KerberosHdfs
from tests.fixtures.stream_gateway import HOUR, running

Query = dict[str, str]


@pytest.fixture(scope="module")
def keytab(kdc: Kdc) -> str:
    return str(kdc.keytab("rc2.keytab", GATEWAY))


@pytest.fixture(scope="module")
async def gateway(
    kerberos_hdfs: KerberosHdfs, keytab: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    settings = {"namenode": kerberos_hdfs.namenode, "keytab": keytab, "ca": kerberos_hdfs.ca}
    async with running(Gateway, tmp_path_factory.mktemp("gateway"), settings) as found:
        yield found


@pytest.fixture(scope="module")
async def tokens(gateway: Gateway) -> dict[str, str]:
    """The hub's tokens of alice and bob, whose servers are attached."""
    for user in ("alice", "bob"):
        await gateway.broker_call("Attach", user=user, server="", level="write", expires_at=time.time() + HOUR)
    return {user: gateway.grant(user, "write") for user in ("alice", "bob")}


class Asked:
    """What is asked of HDFS about tokens, by operation, and the token that was given at last."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.token: Query = {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found, call = Asked(), Spnego.call

    async def call_and_note(self: Spnego, method: str, url: str) -> tuple[int, bytes]:
        status, content = await call(self, method, url)
        (operation,) = parse_qs(urlsplit(url).query)["op"]
        found.operations.append(operation.removesuffix("DELEGATIONTOKEN"))
        if operation == "GETDELEGATIONTOKEN" and status == 200:
            found.token = {"delegation": json.loads(content)["Token"]["urlString"]}
        return status, content

    monkeypatch.setattr(Spnego, "call", call_and_note)
    return found


@pytest.fixture
async def of_users(kerberos_hdfs: KerberosHdfs, keytab: str, asked: Asked) -> AsyncIterator[DelegationTokens]:
    """The tokens of a gateway in this process."""
    made = DelegationTokens(kerberos_hdfs.namenode, Spnego(keytab, kerberos_hdfs.ca))
    yield made
    await made.close()


async def home_of(hdfs: KerberosHdfs, query: Query) -> tuple[int, str]:
    """A call straight to the NameNode without a ticket: its status, and the user's folder."""
    url = f"{hdfs.namenode}/webhdfs/v1/"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params={"op": "GETHOMEDIRECTORY", **query}, ssl=hdfs.trust) as answer,
    ):
        return answer.status, (await answer.json())["Path"] if answer.status == 200 else await answer.text()


async def test_a_user_makes_folders_and_writes_reads_and_lists_files(gateway: Gateway, tokens: dict[str, str]):
    alice, content = tokens["alice"], bytes(range(256)) * 1000
    assert await gateway.call(alice, "GET", "/?op=GETHOMEDIRECTORY") == (200, {"Path": "/user/alice"})
    assert (await gateway.call(alice, "PUT", f"/user/alice/{quote('a ü')}?op=MKDIRS"))[1] == {"boolean": True}
    assert await gateway.call(alice, "PUT", f"/user/alice/{quote('a ü')}/f?op=CREATE&overwrite=true", data=content) == (
        201,
        b"",
    )
    assert await gateway.call(alice, "GET", f"/user/alice/{quote('a ü')}/f?op=OPEN") == (200, content)
    _, listed = await gateway.call(alice, "GET", f"/user/alice/{quote('a ü')}?op=LISTSTATUS")
    (file,) = listed["FileStatuses"]["FileStatus"]
    assert (file["pathSuffix"], file["owner"], file["length"]) == ("f", "alice", len(content))


async def test_another_user_is_refused(gateway: Gateway, tokens: dict[str, str]):
    status, refused = await gateway.call(tokens["bob"], "GET", "/user/alice?op=LISTSTATUS")
    assert status == 403
    assert refused["RemoteException"]["message"].startswith("Permission denied: user=bob, access=READ_EXECUTE")


async def test_a_user_brings_no_token_of_hdfs(gateway: Gateway, tokens: dict[str, str]):
    status, refused = await gateway.call(tokens["bob"], "GET", "/user/alice?op=LISTSTATUS&delegation=x")
    assert (status, refused["RemoteException"]["message"]) == (403, "The parameter delegation is not offered here.")


async def test_hdfs_refuses_a_caller_without_a_ticket(kerberos_hdfs: KerberosHdfs):
    assert (await home_of(kerberos_hdfs, {"user.name": "alice"}))[0] == 401


async def test_an_account_for_which_the_gateway_may_not_act_is_refused(gateway: Gateway):
    status, refused = await gateway.call(gateway.grant("mallory", "write"), "GET", "/?op=LISTSTATUS")
    assert status == 403
    assert "is not allowed to impersonate mallory" in refused["RemoteException"]["message"]


async def test_a_token_is_renewed_at_half_of_its_time(
    kerberos_hdfs: KerberosHdfs, of_users: DelegationTokens, asked: Asked, monkeypatch: pytest.MonkeyPatch
):
    first = await of_users.query("alice")
    assert await of_users.query("alice") == first
    assert asked.operations == ["GET", "RENEW"]
    later = time.monotonic() + 13 * HOUR  # HDFS's tokens live for a day, unless they are renewed
    monkeypatch.setattr(delegation_tokens.time, "monotonic", lambda: later)
    assert await of_users.query("alice") == first
    assert asked.operations == ["GET", "RENEW", "RENEW"]
    assert await home_of(kerberos_hdfs, first) == (200, "/user/alice")


async def test_a_token_that_cannot_be_renewed_is_replaced(
    of_users: DelegationTokens, kerberos_hdfs: KerberosHdfs, monkeypatch: pytest.MonkeyPatch
):
    first = await of_users.query("alice")
    await cancel(kerberos_hdfs, first)
    later = time.monotonic() + 13 * HOUR
    monkeypatch.setattr(delegation_tokens.time, "monotonic", lambda: later)
    second = await of_users.query("alice")
    assert second != first
    assert await home_of(kerberos_hdfs, second) == (200, "/user/alice")


async def cancel(hdfs: KerberosHdfs, token: Query) -> None:
    """End a token behind the gateway's back, as its renewer."""
    spnego = Spnego(str(hdfs.kdc.folder / "rc2.keytab"), hdfs.ca)
    url = f"{hdfs.namenode}/webhdfs/v1/?op=CANCELDELEGATIONTOKEN&token={token['delegation']}"
    assert await spnego.call("PUT", url) == (200, b"")


async def test_hdfs_ends_a_token_and_the_user_notices_nothing(kerberos_hdfs: KerberosHdfs, keytab: str, asked: Asked):
    client = HdfsClient(kerberos_hdfs.namenode, keytab, kerberos_hdfs.ca)
    assert await client.allows("alice", "/", "r-x")
    await cancel(kerberos_hdfs, asked.token)
    assert await client.allows("alice", "/", "r-x")
    assert asked.operations == ["GET", "RENEW", "CANCEL", "GET", "RENEW"]
    await client.close()
    assert asked.operations[5:] == ["CANCEL"]


async def test_the_last_detach_of_a_user_cancels_the_token(kerberos_hdfs: KerberosHdfs, keytab: str, asked: Asked):
    client = HdfsClient(kerberos_hdfs.namenode, keytab, kerberos_hdfs.ca)
    gateway = HdfsGateway(TokenReviewer("http://127.0.0.1:9/", "store", "-"), client)
    servers = ServerId("alice"), ServerId("alice", "second")
    for server in servers:
        await gateway.attach(server, "write", time.time() + HOUR)
    assert await client.allows("alice", "/", "r-x")
    of_alice = asked.token
    await gateway.detach(servers[0])
    assert await home_of(kerberos_hdfs, of_alice) == (200, "/user/alice")
    await gateway.detach(servers[1])
    status, refused = await home_of(kerberos_hdfs, of_alice)
    assert status == 403
    assert "InvalidToken" in refused
    await gateway.close()


async def test_a_folder_that_the_gateway_may_not_make_is_named(
    kerberos_hdfs: KerberosHdfs, keytab: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rc2hub.gateways.hdfs_client.SUPERUSER", "mallory")
    client = HdfsClient(kerberos_hdfs.namenode, keytab, kerberos_hdfs.ca)
    sentence = "HDFS has no folder /user/carol, and its gateway may not make it; ask the operator to make it."
    with pytest.raises(ServiceUnavailableError, match=sentence):
        await client.make_home("carol")
    await client.close()


async def test_while_the_kerberos_server_is_away_a_token_that_was_given_goes_on(
    gateway: Gateway, tokens: dict[str, str], kdc: Kdc
):
    kdc.stop()
    try:
        assert (await gateway.call(tokens["alice"], "GET", "/user/alice?op=LISTSTATUS"))[0] == 200
        status, refused = await gateway.call(gateway.grant("dora", "write"), "GET", "/?op=LISTSTATUS")
    finally:
        kdc.start()
    sentence = "The Kerberos server does not answer the gateway of HDFS; try again in a moment."
    assert (status, refused["RemoteException"]["message"]) == (503, sentence)

    async def has_a_token() -> bool:
        return (await gateway.call(gateway.grant("dora", "write"), "GET", "/?op=LISTSTATUS"))[0] == 200

    await until(has_a_token)


async def sentence_of(hdfs: KerberosHdfs, keytab: str, namenode: str = "") -> str:
    client = HdfsClient(namenode or hdfs.namenode, keytab, hdfs.ca)
    with pytest.raises(ServiceUnavailableError) as error:
        await client.check()
    await client.close()
    return str(error.value)


async def test_what_is_wrong_with_a_keytab_is_one_sentence(kerberos_hdfs: KerberosHdfs, kdc: Kdc):
    missing, broken = kdc.folder / "missing.keytab", kdc.folder / "broken.keytab"
    broken.write_text("no keytab")
    old = kdc.keytab("old.keytab", "old/localhost")
    kdc.keytab("new.keytab", "old/localhost", options="")
    assert await sentence_of(kerberos_hdfs, str(missing)) == (
        f"The gateway of HDFS cannot read its keytab {missing}; ask the operator to provide it."
    )
    for file in (broken, old):
        assert await sentence_of(kerberos_hdfs, str(file)) == (
            "Kerberos refuses the keytab of HDFS's gateway; ask the operator to replace it."
        )


async def test_what_is_wrong_with_the_address_is_one_sentence(kerberos_hdfs: KerberosHdfs, keytab: str):
    by_number = kerberos_hdfs.namenode.replace("localhost", "127.0.0.1")
    assert await sentence_of(kerberos_hdfs, keytab, by_number) == (
        "Kerberos knows no service HTTP at the host of the NameNode's address; ask the operator to correct the address."
    )
    assert await sentence_of(kerberos_hdfs, keytab, "https://localhost:9") == "HDFS does not answer; try again in a moment."
    with pytest.raises(ConfigurationError, match="The certificate /missing in `ca` of the service of HDFS cannot be read"):
        HdfsClient(kerberos_hdfs.namenode, keytab, "/missing")


async def test_a_certificate_of_another_authority_is_refused(kerberos_hdfs: KerberosHdfs, keytab: str):
    kerberos_hdfs_of_others = Spnego(keytab)
    with pytest.raises(ServiceUnavailableError, match="does not trust the NameNode's certificate"):
        await kerberos_hdfs_of_others.call("GET", f"{kerberos_hdfs.namenode}/webhdfs/v1/?op=GETHOMEDIRECTORY")


async def test_no_secret_is_in_a_log_or_a_text_of_a_token(gateway: Gateway, of_users: DelegationTokens):
    (secret,) = (await of_users.query("alice")).values()
    log = gateway.log.read_text()
    assert "user=alice" in log
    assert not [word for word in ("delegation=", "token=", "Negotiate", secret[:12]) if word in log]
    assert secret not in repr(delegation_tokens.Token(secret, 0.0))
