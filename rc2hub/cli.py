"""The command `rc2hub`: single-user mode from a terminal."""

import argparse
from pathlib import Path

from rc2hub.local import up
from rc2hub.local.home import Home


def main() -> None:
    """Parse the command line and run one command; the folder of everything is $RC2_HOME, or `.rc2` here."""
    parser = argparse.ArgumentParser(prog="rc2hub", description="Rc² on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("up", help="start everything, print a login link for each person, stop with Ctrl-C")
    command.add_argument("--port", type=int, default=8000, help="port to open in the browser (default: %(default)s)")
    command.add_argument("--config", type=Path, default=Path("config/local/jupyterhub_config.py"), help="JupyterHub's file")
    command.set_defaults(run=lambda args: up.run(Home.from_environment(), args.config, args.port))
    command = commands.add_parser("link", help="print a new login link for a person, while `rc2hub up` runs")
    command.add_argument("name", help="a person of the file people.toml")
    command.set_defaults(run=lambda args: up.print_link(Home.from_environment(), args.name))
    args = parser.parse_args()
    args.run(args)
