"""HTTP calls that Kerberos authenticates (SPNEGO, RFC 4559), by curl with an operator's keytab.

Only the few calls about tokens are made this way. What a call asks and gets passes through curl's input and output, as other
programs of the machine can read a command line. The ticket is in curl's memory and ends with it.
"""

import asyncio
import logging
import os
import re
from asyncio.subprocess import PIPE
from collections.abc import Sequence

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.webhdfs_refusal import NO_ANSWER

log = logging.getLogger("rc2hub.gateways")

HDFS_TIMEOUT, CALL_TIMEOUT = 3.0, 4.0
"""Seconds for HDFS to answer, and with all that the Kerberos server is asked; below the broker's patience with a gateway."""
MAX_PROCESSES = 4
"""Processes of curl at the same time, of 12 MiB each: many users may log in at once, and a stop cancels all tokens."""
COMMAND = ("curl", "--disable", "--config", "-")
BAD_CERTIFICATE = frozenset({60, 77})
"""curl's exit codes for a certificate that it does not trust, and for a file of certificates that it cannot read."""
UNAUTHORIZED = 401
GSS_ERROR = re.compile(r"^\* .*gss_init_sec_context\(\) failed: (.*)$", re.MULTILINE)
"""Why curl has no ticket."""
HDFS_ERROR = re.compile(r"<td>GSSException: ([^<]*)")
"""Why HDFS refuses a ticket."""
NO_CURL = "The gateway of HDFS needs the program curl, with Kerberos; ask the operator to install it."
NO_KEYTAB = "The gateway of HDFS cannot read its keytab {}; ask the operator to provide it."
NO_KDC = "The Kerberos server does not answer the gateway of HDFS; try again in a moment."
SKEW = "The clocks of HDFS's gateway and of the Kerberos server differ by minutes; ask the operator to set them."
NO_WEB_PRINCIPAL = (
    "Kerberos knows no service HTTP at the host of the NameNode's address; ask the operator to correct the address."
)
BAD_KEYTAB = "Kerberos refuses the keytab of HDFS's gateway; ask the operator to replace it."
REFUSED_TICKET = "HDFS refuses the Kerberos ticket of its gateway; ask the operator to check keytab and clocks."
BAD_CA = "The gateway of HDFS does not trust the NameNode's certificate; ask the operator to check the file in `ca`."
REASONS = (
    ("Clock skew", SKEW),
    ("Cannot contact any KDC", NO_KDC),
    ("Cannot find KDC", NO_KDC),
    ("Cannot resolve", NO_KDC),
    ("Server HTTP", NO_WEB_PRINCIPAL),
)
"""What a message of libkrb5 has, and the sentence for it."""


class Spnego:
    """Calls as the account whose key is the first one of a keytab."""

    def __init__(self, keytab: str, ca: str = "") -> None:
        """Take the files with the account's key, and with the certificate of the server's authority."""
        self._keytab, self._ca = keytab, ca
        self._running = asyncio.Semaphore(MAX_PROCESSES)

    async def call(self, method: str, url: str) -> tuple[int, bytes]:
        """The status and the content of the answer to a call; `url` has its escapes already.

        Raises:
            ServiceUnavailableError: if Kerberos or the server does not answer, or refuses the account.
        """
        if not await asyncio.to_thread(os.access, self._keytab, os.R_OK):
            raise ServiceUnavailableError(NO_KEYTAB.format(self._keytab))
        async with self._running:
            exit_code, answer, told = await self._curl("\n".join(self._options(method, url)))
        content, _, status = answer.rpartition(b"\n")
        texts = told.decode(errors="replace"), content.decode(errors="replace")
        if problem := _problem(exit_code, int(status or 0), *texts):
            raise ServiceUnavailableError(problem)
        return int(status), content

    async def _curl(self, options: str) -> tuple[int, bytes, bytes]:
        """Exit code, output and messages of curl."""
        try:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._variables()
            )
        except FileNotFoundError as error:
            raise ServiceUnavailableError(NO_CURL) from error
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                answer, told = await process.communicate(options.encode())
        except TimeoutError as error:
            raise ServiceUnavailableError(NO_KDC) from error
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, answer, told

    def _options(self, method: str, url: str) -> Sequence[str]:
        """curl's options; `verbose` has the errors of Kerberos, which curl reports in no other way."""
        authority = [f'cacert = "{self._ca}"'] if self._ca else []
        return [
            *("negotiate", 'user = ":"', "silent", "verbose", 'noproxy = "*"', f"max-time = {HDFS_TIMEOUT}", *authority),
            *(f'request = "{method}"', 'write-out = "\\n%{http_code}"', f'url = "{url}"'),
        ]

    def _variables(self) -> dict[str, str]:
        kerberos = {"KRB5_CLIENT_KTNAME": f"FILE:{self._keytab}", "KRB5CCNAME": "MEMORY:", "LC_ALL": "C"}
        return {name: os.environ[name] for name in ("PATH", "KRB5_CONFIG") if name in os.environ} | kerberos


def _problem(exit_code: int, status: int, told: str, content: str) -> str:
    """Why a call was not made in the account's name; empty if it was. `told` has the ticket, so only errors are logged."""
    if found := GSS_ERROR.search(told) or HDFS_ERROR.search(content):
        log.warning("Kerberos: %s", found[1].strip())
        ours = BAD_KEYTAB if found.re is GSS_ERROR else REFUSED_TICKET
        return next((sentence for text, sentence in REASONS if text in found[1]), ours)
    if exit_code and exit_code not in BAD_CERTIFICATE:
        log.warning("HDFS was not reached: curl ended with %d", exit_code)
        return NO_ANSWER
    return BAD_CA if exit_code else REFUSED_TICKET if status == UNAUTHORIZED else ""
