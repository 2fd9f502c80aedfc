"""The compute side: what runs beside the user's R. It imports the standard library and Jupyter only, never the hub's side.

standby_server.py  a Jupyter server that starts without an owner, and is activated for one user
warm_up.py         initializes that server once before activation, which makes activation fast
control_socket.py  the standby's end of the stream over which the activation request comes
account.py         changes a standby's process from root to the user's account
group_folders.py   makes the folders that groups share, and opens them to the user
kernel.py          the R kernel that starts before its user is known, and its transfer to the user's first notebook
kernel_output.py   reads what R's process writes itself
notebook_connection.py  sends it to the notebook
site_profile.R     the site's profile of each R
panels/            what R does for the panels of JupyterLab: it sends variables and the rows of tables
user_profile.R     runs the user's start-up file in a kernel
identity.R         makes that kernel equal to one that the user has just started
set_account.c      changes R's process from root to the user's account
labextensions/     the panels of JupyterLab, built from labextension/ of the checkout
lab_files.py       finds JupyterLab's files that are the same for all users of an image
lab_files_server.py  serves them at one address for all servers, beside the hub
extension.py       the Jupyter server extension that loads the next four, and Knit
lab_page.py        what differs in JupyterLab's page: where its files come from
attachments.py     writes the attachments' files, and keeps them in step with the broker
service_link.py    answers a link to a service that is opened while the server runs
services_handler.py  answers the panel of services
user_socket.py     a websocket for those who may run code
language_server.py  connects the editors of a page with the language server of R
arity.toml         its rules and settings
activity.py        reports silent work as activity
rmarkdown/         opens R Markdown as notebooks without loss, runs their cells in R, and knits documents
"""

import sys

# jsonschema would build its grammar of IRIs at import, a third of a standby's start; no schema of Jupyter has an IRI
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
