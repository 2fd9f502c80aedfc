"""Named steps of a start and a stop on a cluster, at which a test can pause the hub; and cuts of the stream into a pod."""

import socket
from functools import wraps
from pathlib import Path

from rc2hub.hub.pool.pod_standby import PodStandby
from rc2hub.hub.spawners.kube import Rc2KubeSpawner
from rc2hub.kubernetes import ExecStream

START = {
    "comparison": (Rc2KubeSpawner, "unclaimed_pod"),
    "manifest": (Rc2KubeSpawner, "get_pod_manifest"),
    "claim": (Rc2KubeSpawner, "claim"),
    "activate": (PodStandby, "activate"),
    "send-attachments": (PodStandby, "send_attachments"),
}
STOP = {"stop": (Rc2KubeSpawner, "stop"), "tokens": (Rc2KubeSpawner, "delete_tokens")}
ACTIVATION, ATTACHMENTS = b'{"env"', b'{"attachments"'
CUTS = {
    "cut-in-the-activation-request": (ACTIVATION, 0.5),
    "cut-after-the-activation-request": (ACTIVATION, 1),
    "cut-in-the-attachments": (ATTACHMENTS, 0.5),
    "cut-after-the-attachments": (ATTACHMENTS, 1),
}
"""Files in the folder of the steps. The file contains how many times the connection is cut, after half of this frame or all."""


def cut_streams(folder: Path) -> None:
    """In the hub: cut the connection at the next frame for which a file exists."""
    whole = ExecStream.write

    @wraps(whole)
    async def write(stream: ExecStream, line: bytes) -> None:
        requested = (name for name, (frame, _) in CUTS.items() if line.startswith(frame) and (folder / name).exists())
        cut = next(requested, None)
        if cut is None:
            return await whole(stream, line)
        if left := int((folder / cut).read_text()) - 1:
            (folder / cut).write_text(str(left))
        else:
            (folder / cut).unlink()
        await whole(stream, line[: int(len(line) * CUTS[cut][1])])
        stream._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    ExecStream.write = write  # type: ignore[method-assign]
