"""Single-user mode, as `make up` runs it: a hub on one machine, for one user or for users who trust each other."""

import os
import sys

from rc2hub.configure import install
from rc2hub.local import database
from rc2hub.local.home import Home

c = get_config()  # noqa: F821
home = Home.from_environment()
ports = home.ports()

c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ.get('RC2_HUB_PORT', '8000')}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports['hub']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports['proxy_api']}"

# Login: the users in users.toml log in by links that work once.
c.JupyterHub.authenticator_class = "rc2-login-link"
c.Rc2LoginLinkAuthenticator.users_file = str(home.users_file)
c.Rc2LoginLinkAuthenticator.links_dir = str(home.links)

# Compute servers: one profile, with two standbys always ready.
c.JupyterHub.spawner_class = "rc2-process"
c.JupyterHub.allow_named_servers = True
c.Rc2ProcessSpawner.homes_dir = str(home.homes)
c.Rc2ProcessSpawner.env_keep = ["PATH", "LANG", "LC_ALL", "TZ", "R_LIBS", "RC2_DATA_PYTHON", "RC2_EXAMPLES_DIR"]
c.Profiles.catalogue = [{"name": "r", "display_name": "R", "cpu": 1, "memory": "2G", "spare": 2}]

# Shared services: PostgreSQL with the flights of 2013, which JupyterHub runs as a service, and Spark.
c.JupyterHub.services = [
    {
        "name": "postgresql",
        "command": [sys.executable, "-m", "rc2hub.local.database", str(home.database)],
        "display": False,
    }
]
c.SharedServices.broker_url = f"http://127.0.0.1:{ports['broker']}"
c.SharedServices.contact = "the operator of this hub"
c.SharedServices.catalogue = {
    "flights": {
        "kind": "postgres",
        "display_name": "Flights from New York",
        "schemas": ["public", "dataexpo"],
        **database.entry(home.database, "flights"),
    },
    "spark": {"kind": "spark", "display_name": "Spark", "gateway": f"sc://127.0.0.1:{ports['spark']}"},
}

# Grants: roles of JupyterHub, for groups or users.
c.JupyterHub.load_roles = [
    {"name": "readers", "groups": ["analysts"], "scopes": ["custom:rc2:flights:read", "custom:rc2:spark:use"]},
    {"name": "writers", "groups": ["editors"], "scopes": ["custom:rc2:flights:write", "custom:rc2:spark:use"]},
]

install(c)
