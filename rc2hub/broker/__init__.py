"""The broker: a JupyterHub service, and the only process that holds the admin credentials of the shared services.

app.py                the HTTP server: routes, start and shutdown
api.py                the REST API: desired state, attachments, change requests, token reviews
api_handler.py        what its handlers share: the caller, the request, answers and errors
openapi.py            the OpenAPI document of the REST API, from the messages' models
page.py               the page at /services/rc2/
templates/page.html   the template of that page
callers.py            which user or compute server calls
state.py              what the handlers share, and the catalogue as one user sees it
change_requests.py    requests to attach or detach a service while a server runs
reconciler.py         brings the services to the hub's desired state
service_worker.py     the operations of one service: attach, renew, revoke
changes.py            wakes the requests that wait for a change of one server

The hub's side is in rc2hub/hub/broker_sync/; the messages between both are in rc2hub/messages.py.
"""
