"""The command `rc2hub`: single-user mode from a terminal, and what an operator wants to know beforehand."""

import argparse
from pathlib import Path

from rc2hub.local import up
from rc2hub.local.home import Home
from rc2hub.pool import plan


def main() -> None:
    """Parse the command line and run one command; the folder of everything is $RC2_HOME, or `.rc2` here."""
    parser = argparse.ArgumentParser(prog="rc2hub", description="Rc²: R Cloud Computing for JupyterHub.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("up", help="start everything, print a login link for each person, stop with Ctrl-C")
    command.add_argument("--port", type=int, default=8000, help="port to open in the browser (default: %(default)s)")
    command.add_argument("--config", type=Path, default=Path("config/local/jupyterhub_config.py"), help="JupyterHub's file")
    command.set_defaults(run=lambda args: up.run(Home.from_environment(), args.config, args.port))
    command = commands.add_parser("link", help="print a new login link for a person, while `rc2hub up` runs")
    command.add_argument("name", help="a person of the file people.toml")
    command.set_defaults(run=lambda args: up.print_link(Home.from_environment(), args.name))
    pool = commands.add_parser("pool", help="about the standbys").add_subparsers(required=True, metavar="COMMAND")
    command = pool.add_parser("plan", help="print when how many standbys of each profile are kept ready")
    command.add_argument("--config", type=Path, default=Path("jupyterhub_config.py"), help="JupyterHub's file")
    command.add_argument("--hours", type=int, default=24, help="how far to look (default: %(default)s)")
    command.set_defaults(run=lambda args: plan.run(args.config, args.hours))
    args = parser.parse_args()
    args.run(args)
