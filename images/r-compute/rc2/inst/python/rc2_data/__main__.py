"""Start the data process: `python -m rc2_data <socket> <pid of R>`."""

import os
import signal
import sys

# Jupyter sends SIGINT to the whole process group; only R may act on it
signal.signal(signal.SIGINT, signal.SIG_IGN)
if os.getpid() != os.getsid(0):
    os.setsid()
os.closerange(3, 4096)  # files of R, such as the sockets of a notebook

from rc2_data.server import serve  # noqa: E402

serve(sys.argv[1], int(sys.argv[2]))
