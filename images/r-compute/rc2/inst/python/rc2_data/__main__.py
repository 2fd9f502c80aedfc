"""Start the data process: `python -m rc2_data <socket> <pid of R>`."""

import os
import resource
import signal
import sys

# Jupyter sends SIGINT to the whole process group; only R may act on it
signal.signal(signal.SIGINT, signal.SIG_IGN)
if os.getpid() != os.getsid(0):
    os.setsid()
# the limit of memory is R's: here Arrow and gRPC would end in the middle of a call, and rows come in parts of a bounded size
resource.setrlimit(resource.RLIMIT_DATA, (resource.getrlimit(resource.RLIMIT_DATA)[1],) * 2)
os.closerange(3, 4096)  # files of R, such as the sockets of a notebook

from rc2_data.server import serve  # noqa: E402

serve(sys.argv[1], int(sys.argv[2]))
