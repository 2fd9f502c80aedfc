"""What runs in the hub process, in the order of a login.

validation.py        checks the operator's configuration
trait_values.py      reads the traits in it before JupyterHub does
managed_services.py  broker and gateways as JupyterHub services
runtime.py           what the parts of one hub share
background.py        the tasks beside the hub: they start with it and never end
authenticators/      who the user is, and in which groups
spawners/            JupyterHub's spawner hooks
lifecycle.py         the flow itself: start, stop, attach, detach
broker_sync/         the hub's side of the broker
pool/                standbys, the claim of one, and its activation
lab_files.py         the address of JupyterLab's files that all servers share
metrics.py           what /hub/metrics shows of it
"""
