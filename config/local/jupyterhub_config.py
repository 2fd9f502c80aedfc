"""Single-user mode, as `make up` runs it: a hub on one machine, for one user or for users who trust each other."""

import os
import sys

from rc2hub.configure import install
from rc2hub.gateways.hive_key import key_file
from rc2hub.local import database, hdfs, hive
from rc2hub.local.home import Home
from rc2hub.local.offer import offered_services, scopes, spark_standbys

c = get_config()  # noqa: F821
home = Home.from_environment()
ports = home.ports.read()

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

# The files of JupyterLab's page, at one address for all servers.
command = [sys.executable, "-m", "rc2hub.local.lab_files"]
c.JupyterHub.services = [
    {"name": "rc2-lab", "url": f"http://127.0.0.1:{ports['lab']}", "command": command, "display": False}
]

# Shared services: PostgreSQL with the flights of 2013, Spark, HDFS and Hive. JupyterHub runs PostgreSQL, HDFS and Hive's
# metastore as its services.
offered = offered_services()
c.SharedServices.broker_url = f"http://127.0.0.1:{ports['broker']}"
c.SharedServices.contact = "the operator of this hub"
c.SharedServices.catalogue = {}
if "flights" in offered:
    command = [sys.executable, "-m", "rc2hub.local.database", str(home.database)]
    c.JupyterHub.services.append({"name": "postgresql", "command": command, "display": False})
    c.SharedServices.catalogue["flights"] = {
        "kind": "postgres",
        "display_name": "Flights from New York",
        "description": "All flights from New York in 2013, with airlines, airports, planes and weather.",
        "schemas": ["public", "dataexpo"],
        **database.entry(home.database, "flights"),
    }
if "spark" in offered:
    spark = {
        "kind": "spark",
        "display_name": "Spark",
        "description": "SQL and machine learning on tables that are larger than the memory of R.",
        "gateway": f"sc://127.0.0.1:{ports['spark']}",
        "spare": spark_standbys(),
    }
    c.SharedServices.catalogue["spark"] = spark | {name: name for name in ("hdfs", "hive") if name in offered}
if "hdfs" in offered:
    command = [sys.executable, "-m", "rc2hub.local.hdfs", str(home.hdfs)]
    c.JupyterHub.services.append({"name": "hdfs", "command": command, "display": False})
    c.SharedServices.catalogue["hdfs"] = {
        "kind": "hdfs",
        "display_name": "HDFS",
        "description": "Files of users and of groups, for R and Spark.",
        "gateway": f"http://127.0.0.1:{ports['hdfs']}",
        "namenode": hdfs.namenode(home.hdfs),
    }
if "hive" in offered:
    command = [sys.executable, "-m", "rc2hub.local.hive", *map(str, (home.hive, home.database, home.hdfs))]
    c.JupyterHub.services.append({"name": "hive-metastore", "command": command, "display": False})
    c.SharedServices.catalogue["hive"] = {
        "kind": "hive",
        "display_name": "Hive",
        "description": "Tables of users and of groups, for Spark and R.",
        "gateway": f"http://127.0.0.1:{ports['hive']}",
        "metastore": hive.url(home.hive),
        "hdfs": "hdfs",
        "key": {"file": str(key_file(home.hive))},
    }

# Grants: roles of JupyterHub, for groups or users.
grants = ["spark:use", "hdfs:write", "hive:write"]
c.JupyterHub.load_roles = [
    {"name": "readers", "groups": ["analysts"], "scopes": scopes(["flights:read", *grants], offered)},
    {"name": "writers", "groups": ["editors"], "scopes": scopes(["flights:write", *grants], offered)},
]

install(c)
