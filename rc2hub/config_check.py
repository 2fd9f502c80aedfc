"""`rc2hub check`: reads a configuration as the hub does, and asks each shared service, before a hub uses it."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rc2hub.entry import read_file
from rc2hub.errors import ConfigurationError, Rc2Error
from rc2hub.hub.managed_services import BROKER_NAME
from rc2hub.hub.trait_values import setting
from rc2hub.hub.validation import check
from rc2hub.services.base import AdminCredential, SharedService
from rc2hub.services.catalogue import SharedServices

CHECK_TIMEOUT = 15.0
"""Seconds for a service to answer; each kind gives up earlier, with its own sentence."""


def run(config: Path) -> None:
    """Print a line for each service.

    Raises:
        SystemExit: with exit code 1 and a sentence for each mistake, if there is any.
    """
    _show_warnings()
    try:
        c = read_file(config)
        _, shared = check(c)
    except ConfigurationError as error:
        sys.exit(f"rc2hub: {error}")
    if not any(service.get("name") == BROKER_NAME for service in setting(c, "JupyterHub", "services", [])):
        sys.exit(f"rc2hub: {config} does not call install(c); write it as the last line.")
    answers = asyncio.run(_ask(shared, c))
    for name, problem in answers.items():
        sys.stdout.write("" if problem else f"{name}: answers\n")
    for name in shared.catalogue:
        if name not in answers:
            sys.stdout.write(f"{name}: not checked, because the hub starts its gateway\n")
    if problems := [problem for problem in answers.values() if problem]:
        sys.exit("\n".join(f"rc2hub: {problem}" for problem in problems))


async def _ask(shared: SharedServices, c: Any) -> Mapping[str, str]:
    """What is wrong with each service that has an admin credential; an empty text if it answers."""
    opened = shared.open_services()
    started = {name for name in opened if shared.kind_of(name).gateway_command(name, shared.catalogue[name], c)}
    asked = {name: service for name, service in opened.items() if name not in started}
    try:
        problems = await asyncio.gather(*(_problem(shared.catalogue[name], service) for name, service in asked.items()))
    finally:
        await asyncio.gather(*(service.close() for service in opened.values()))
    return dict(zip(asked, problems, strict=True))


async def _problem(entry: Mapping[str, Any], service: SharedService) -> str:
    try:
        if "admin" in entry:
            AdminCredential.parse(service.name, entry["admin"]).read()
        async with asyncio.timeout(CHECK_TIMEOUT):
            await service.check()
    except Rc2Error as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a plug-in; the text of its exception may repeat a secret
        return f"{service.name}: its check failed with {type(error).__name__}; see the documentation of its kind."
    return ""


class _Once(logging.Filter):
    """Lets each message through once: a connection is tried several times."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        is_new = message not in self._shown
        self._shown.add(message)
        return is_new


def _show_warnings() -> None:
    """Show each warning of the services once, such as rights that they lack, and why a database refuses a connection."""
    logging.getLogger().addHandler(logging.NullHandler())
    output = logging.StreamHandler()
    output.setFormatter(logging.Formatter("rc2hub: %(message)s"))
    output.addFilter(_Once())
    for name in ("rc2hub", "psycopg.pool"):
        logging.getLogger(name).addHandler(output)
