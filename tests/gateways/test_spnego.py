"""What can be wrong with Kerberos and no server of the tests does: each is one sentence. A stand-in says what curl says then."""

from pathlib import Path

import pytest

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways import spnego
from rc2hub.gateways.spnego import Spnego


async def sentence_of(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sentence for a curl that does this."""
    (folder / "keytab").touch()
    if script:
        (folder / "curl").write_text(f"#!/bin/sh\n{script}")
        (folder / "curl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(spnego, "CALL_TIMEOUT", 0.5)
    with pytest.raises(ServiceUnavailableError) as error:
        await Spnego(str(folder / "keytab")).call("GET", "https://namenode.example.org:9871/webhdfs/v1/")
    return str(error.value)


SKEW = "The clocks of HDFS's gateway and of the Kerberos server differ by minutes; ask the operator to set them."
REFUSED = "HDFS refuses the Kerberos ticket of its gateway; ask the operator to check keytab and clocks."


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo '* gss_init_sec_context() failed: Clock skew too great. ' >&2; printf '\n401'", SKEW),
        ("echo '<td>GSSException: (Mechanism level: Clock skew too great (37))</td>'; printf 403", SKEW),
        ("echo '<td>GSSException: (Mechanism level: Checksum failed)</td>'; printf 403", REFUSED),
        ("printf '\n401'", REFUSED),
        ("exec /bin/sleep 60", "The Kerberos server does not answer the gateway of HDFS; try again in a moment."),
        ("printf '\n000'; exit 28", "HDFS does not answer; try again in a moment."),
        ("", "The gateway of HDFS needs the program curl, with Kerberos; ask the operator to install it."),
    ],
    ids=["clock", "clock of HDFS", "key of HDFS", "not accepted", "silent", "slow HDFS", "no curl"],
)
async def test_what_fails_is_one_sentence(script: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert await sentence_of(script, tmp_path, monkeypatch) == sentence


async def test_a_ticket_is_in_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    told = "> Authorization: Negotiate SECRET\n* gss_init_sec_context() failed: The reason. \n"
    assert "Kerberos refuses the keytab" in await sentence_of(f"printf '{told}' >&2; printf '\n401'", tmp_path, monkeypatch)
    assert "Kerberos: The reason." in caplog.text
    assert "SECRET" not in caplog.text
