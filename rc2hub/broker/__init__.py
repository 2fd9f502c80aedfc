"""The broker: a JupyterHub service, and the only process that holds the shared services' admin credentials.

client.py     the hub's side: pushes the desired state, fetches what people asked for live
wire.py       how the desired state travels
reconcile.py  brings the services to the desired state
app.py        the HTTP service: the hub's push, the servers' pull, people's attach and detach
page.py       what a person sees at /services/rc2/
"""
