"""Rc², R Cloud Computing as a JupyterHub extension. Read the files in this order; it is the story of a login.

configure.py           the last line of an operator's jupyterhub_config.py; everything else follows from it
authenticators/        who the person is, and which groups she is in
permissions.py         which shared services her groups may use: grants, written as JupyterHub custom scopes
profiles.py, spare.py  the kinds of compute server on offer, and how many of each are kept ready at which hour
request.py             what she asks for: a profile and services, by form, link or REST API
lifecycle.py           the flow itself: start, stop, attach, detach
spawners/              JupyterHub's spawner hooks, handing over to the lifecycle
pool/                  standbys, the claim of one, and its activation as her compute server
broker/                the JupyterHub service that makes and takes back credentials
services/              one file for each kind of shared service
gateways/              what stands before services that have no accounts of their own: Spark
cluster/               what is said to Kubernetes beyond KubeSpawner
compute/               what runs beside her R: the standby, the kernel's hand-over, the attachments' files
local/                 single-user mode: `make up` on a laptop or a server
"""

__version__ = "0.1.0"
