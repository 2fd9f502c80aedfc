"""The compute side: what runs beside a person's R. Imports the standard library and Jupyter only, never the hub's side.

standby.py      a Jupyter server that is ready before it is anybody's, and becomes one person's
rehearsal.py    what makes that fast: the same once before, under a name nobody has, of which nothing stays
control.py      the stream over which its one order comes
person.py       from root in its pod to the person's account
kernel.py       the R kernel that runs before the person comes, and its hand-over to the first notebook
become.R        what that kernel does to be as freshly started for her
attachments.py  writes the attachments' files, and keeps them as the broker says
link.py         a link to a service, opened while the server already runs
extension.py    the Jupyter server extension that holds the last two
"""

import sys

# jsonschema would build its grammar of IRIs at import, a third of a standby's start; no schema of Jupyter has an IRI
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
