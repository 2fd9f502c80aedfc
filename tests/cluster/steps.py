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
CUTS = ("cut-in-the-order", "cut-after-the-order")
"""Files in the folder of the steps: an order is sent by half, or whole, and then the connection is gone; so many times."""


def cut_streams(folder: Path) -> None:
    """In the hub: cut the connection under the next order when a file says so."""
    whole = ExecStream.write

    @wraps(whole)
    async def write(stream: ExecStream, line: bytes) -> None:
        cut = next((name for name in CUTS if (folder / name).exists()), None) if line.startswith(b'{"env"') else None
        if cut is None:
            return await whole(stream, line)
        if left := int((folder / cut).read_text()) - 1:
            (folder / cut).write_text(str(left))
        else:
            (folder / cut).unlink()
        await whole(stream, line[: len(line) // 2] if cut == CUTS[0] else line)
        stream._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    ExecStream.write = write  # type: ignore[method-assign]
