"""The service `rc2-lab` of one machine: it ends with the hub, also when that is killed.

python -m rc2hub.local.lab_files
"""

from rc2hub.compute import lab_files_server
from rc2hub.processes import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    lab_files_server.main()
