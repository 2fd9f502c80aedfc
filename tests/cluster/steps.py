"""Named steps of a start and a stop on a cluster, at which a test can hold the hub; and cuts of the stream into a pod."""

import socket
from functools import wraps
from pathlib import Path

from rc2hub.cluster import ExecStream
from rc2hub.pool.pods import PodStandby
from rc2hub.spawners.kube import Rc2KubeSpawner

START = {
    "comparison": (Rc2KubeSpawner, "standby_pod"),
    "manifest": (Rc2KubeSpawner, "get_pod_manifest"),
    "claim": (Rc2KubeSpawner, "claim"),
    "activate": (PodStandby, "activate"),
    "deliver": (PodStandby, "deliver"),
}
STOP = {"stop": (Rc2KubeSpawner, "stop"), "tokens": (Rc2KubeSpawner, "delete_tokens")}
ORDER, ATTACHMENTS = b'{"env"', b'{"attachments"'
CUTS = {
    "cut-in-the-order": (ORDER, 0.5),
    "cut-after-the-order": (ORDER, 1),
    "cut-in-the-attachments": (ATTACHMENTS, 0.5),
    "cut-after-the-attachments": (ATTACHMENTS, 1),
}
"""Files in the folder of the steps: that frame is sent by half, or whole, and then the connection is gone; so many times."""


def cut_streams(folder: Path) -> None:
    """In the hub: cut the connection under the next frame for which a file says so."""
    whole = ExecStream.write

    @wraps(whole)
    async def write(stream: ExecStream, line: bytes) -> None:
        asked = (name for name, (frame, _) in CUTS.items() if line.startswith(frame) and (folder / name).exists())
        cut = next(asked, None)
        if cut is None:
            return await whole(stream, line)
        if left := int((folder / cut).read_text()) - 1:
            (folder / cut).write_text(str(left))
        else:
            (folder / cut).unlink()
        await whole(stream, line[: int(len(line) * CUTS[cut][1])])
        stream._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    ExecStream.write = write  # type: ignore[method-assign]
