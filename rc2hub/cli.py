"""The command `rc2hub`: single-user mode, knitting from another machine, the check of a configuration, the plan of a pool.

Each command imports its modules when it runs, so `rc2hub --help` works without the extras of the package.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def main() -> None:
    """Parse the command line and run one command."""
    args = _parser().parse_args()
    args.run(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rc2hub",
        description="Rc²: R Cloud Computing for JupyterHub.",
        epilog="The environment variable RC2_HOME names the folder of all files (default: .rc2).",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser(
        "up", help="start Rc² on this machine and print a login link for each user; stop with Ctrl-C"
    )
    command.add_argument("--port", type=int, default=8000, help="port to open in the browser (default: %(default)s)")
    command.add_argument(
        "--config",
        type=Path,
        default=Path("config/local/jupyterhub_config.py"),
        help="configuration file of JupyterHub (default: %(default)s)",
    )
    command.set_defaults(run=_up)
    command = commands.add_parser("link", help="print a new login link for a user while `rc2hub up` runs")
    command.add_argument("name", help="a user in the file users.toml")
    command.set_defaults(run=_link)
    command = commands.add_parser(
        "knit",
        help="knit a document on your server, and store the output here",
        epilog="The environment variable JUPYTERHUB_API_TOKEN holds a token of yours, from the page Token of the hub.",
    )
    command.add_argument("document", help="its path in your home on the server")
    command.add_argument("--hub", required=True, help="address of the hub, such as https://rc2.example.org")
    command.add_argument("--format", default="own", help="own (the first one of the document), html, word or pdf")
    command.add_argument(
        "--service",
        action="append",
        default=[],
        help="a shared service that it needs, as NAME or NAME:LEVEL; can be repeated",
    )
    command.add_argument("--output", type=Path, help="file for the output (default: its own name, in the working directory)")
    command.set_defaults(run=_knit)
    command = commands.add_parser("check", help="check a configuration, and connect to its shared services")
    _add_config(command)
    command.set_defaults(run=_check)
    pool = commands.add_parser("pool", help="show information about standbys").add_subparsers(
        required=True, metavar="COMMAND"
    )
    command = pool.add_parser("plan", help="print how many standbys of each profile are kept ready, and when")
    _add_config(command)
    command.add_argument("--hours", type=int, default=24, help="hours to plan ahead (default: %(default)s)")
    command.set_defaults(run=_pool_plan)
    return parser


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-f",
        "--config",
        type=Path,
        default=Path("jupyterhub_config.py"),
        help="configuration file of JupyterHub (default: %(default)s)",
    )


def _up(args: argparse.Namespace) -> None:
    with _requires("local"):
        from rc2hub.local import home, up  # noqa: PLC0415
    up.run(home.Home.from_environment(), args.config, args.port)


def _link(args: argparse.Namespace) -> None:
    with _requires("local"):
        from rc2hub.local import home, up  # noqa: PLC0415
    up.print_link(home.Home.from_environment(), args.name)


def _knit(args: argparse.Namespace) -> None:
    with _requires("hub"):
        from rc2hub import remote_knit  # noqa: PLC0415
    remote_knit.run(remote_knit.KnitRequest(args.hub, args.document, args.format, args.service, args.output))


def _check(args: argparse.Namespace) -> None:
    with _requires("hub"):
        from rc2hub import config_check  # noqa: PLC0415
    config_check.run(args.config)


def _pool_plan(args: argparse.Namespace) -> None:
    with _requires("hub"):
        from rc2hub import spare_plan  # noqa: PLC0415
    spare_plan.run(args.config, args.hours)


@contextmanager
def _requires(extra: str) -> Iterator[None]:
    """Import the modules of a command, or exit with the name of the extra that has their dependencies.

    Raises:
        SystemExit: if a dependency is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("rc2hub"):
            raise
        sys.exit(f"rc2hub: this command needs rc2hub[{extra}]; install it with pip.")
