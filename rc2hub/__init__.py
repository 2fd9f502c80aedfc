"""Rc², R Cloud Computing as a JupyterHub extension. The files follow a login from top to bottom.

configure.py      `install(c)`, the last line of an operator's jupyterhub_config.py
permissions.py    grants: which groups may use which shared services, written as JupyterHub custom scopes
profiles.py       the profiles of compute servers that users can choose
spare.py          how many standbys of each profile are kept ready, and when
spawn_request.py  what a user requests: a profile and services, by form, link or REST API
hub/              runs in the hub:
  authenticators/   who the user is, and which groups the user is in
  spawners/         the hooks of JupyterHub's spawner, for pods and for processes
  lifecycle.py      the steps of a start and of a stop, in order
  pool/             keeps standbys, and activates one as the user's compute server
  broker_sync/      sends the desired state to the broker
messages.py       the messages between hub and broker; server_id.py, how they identify a compute server
broker/           runs as a JupyterHub service: creates and removes the credentials of shared services
services/         runs in the broker: one module for each kind of shared service
gateways/         runs as a process in front of a shared service that does not know the hub's users: Spark, HDFS
kubernetes/       used by hub and gateway: the requests to Kubernetes that KubeSpawner does not make
compute/          runs beside R: the standby, its activation, the kernels, the files of attached services
cli.py            the command line `rc2hub`:
  local/            `rc2hub up` and `rc2hub link`, single-user mode on one machine
  remote_knit.py    `rc2hub knit`
  config_check.py   `rc2hub check`
  spare_plan.py     `rc2hub pool plan`
processes.py      finds and ends processes of one machine
entry.py          checks what an operator writes, by pydantic
errors.py         the errors that users and operators read
"""

__version__ = "0.1.0"
