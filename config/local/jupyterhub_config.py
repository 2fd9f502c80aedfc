"""Single-user mode, as `make up` runs it: a hub on this machine, for one person or for people who trust each other."""

import os
import sys

from rc2hub.configure import install
from rc2hub.local import database
from rc2hub.local.home import Home

c = get_config()  # noqa: F821
home = Home.from_environment()
ports = home.ports()

c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ.get('RC2_PORT', '8000')}/"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports['hub']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports['proxy_api']}"

# Who: the people of people.toml log in by a link that works once.
c.JupyterHub.authenticator_class = "rc2-local"
c.Rc2LocalAuthenticator.people_file = str(home.people)
c.Rc2LocalAuthenticator.links_dir = str(home.links)

# What: one kind of compute server, two of which are always ready.
c.JupyterHub.spawner_class = "rc2-local"
c.JupyterHub.allow_named_servers = True
c.Rc2LocalSpawner.homes = str(home.homes)
c.Rc2LocalSpawner.env_keep = ["PATH", "LANG", "LC_ALL", "TZ", "R_LIBS", "RC2_SPARK_PYTHON"]
c.Profiles.catalogue = [{"name": "r", "display_name": "R", "cpu": 1, "memory": "2G", "spare": 2}]

# With what: PostgreSQL with the flights of 2013, which JupyterHub keeps running, and Spark.
c.JupyterHub.services = [
    {
        "name": "postgresql",
        "command": [sys.executable, "-m", "rc2hub.local.database", str(home.database)],
        "display": False,
    }
]
c.SharedServices.broker_url = f"http://127.0.0.1:{ports['broker']}"
c.SharedServices.contact = "whoever runs this hub"
c.SharedServices.catalogue = {
    "flights": {
        "kind": "postgres",
        "display_name": "Flights from New York",
        "schemas": ["public", "dataexpo"],
        **database.entry(home.database, "flights"),
    },
    "spark": {"kind": "spark", "display_name": "Spark", "gateway": f"sc://127.0.0.1:{ports['spark']}"},
}

# For whom: grants are JupyterHub's own roles, given to groups or to people.
c.JupyterHub.load_roles = [
    {"name": "readers", "groups": ["analysts"], "scopes": ["custom:rc2:flights:read", "custom:rc2:spark:use"]},
    {"name": "writers", "groups": ["editors"], "scopes": ["custom:rc2:flights:write", "custom:rc2:spark:use"]},
]

install(c)
