"""A notebook's connection to its kernel: Jupyter's own, with what R's process writes itself, and without a delay."""

from collections.abc import Mapping
from typing import Any

from jupyter_server.services.kernels.connection.base import BaseKernelWebsocketConnection

from rc2hub.compute.kernel import StandbyProvisioner
from rc2hub.compute.kernel_output import KernelOutput

_NextConnectionClass: Any = object
"""At run time the next class is one of Jupyter's connections, which declare no types."""


class _NotebookConnection(_NextConnectionClass):  # type: ignore[misc]
    """Comes before Jupyter's class."""

    def connect(self) -> Any:
        """Send each message at once; Tornado would delay the second one of a cell by 40 ms.

        https://www.tornadoweb.org/en/stable/websocket.html#tornado.websocket.WebSocketHandler.set_nodelay
        """
        self.websocket_handler.set_nodelay(True)
        self._kernel_output.receivers.add(self._send_output)
        return super().connect()

    def disconnect(self) -> None:
        """Receive no more output."""
        self._kernel_output.receivers.discard(self._send_output)
        super().disconnect()

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Send first what R's process wrote before R sent this message."""
        if stream is self.channels.get("iopub"):
            _, parts = self.session.feed_identities(outgoing_msg)
            self._kernel_output.precede(self.session.unpack(parts[2]))  # the header of the request that R answers
        super().handle_outgoing_message(stream, outgoing_msg)

    @property
    def _kernel_output(self) -> KernelOutput:
        provisioner = self.kernel_manager.provisioner
        return provisioner.output if isinstance(provisioner, StandbyProvisioner) else KernelOutput()

    def _send_output(self, name: str, text: str, request: Mapping[str, Any]) -> None:
        """Send it as a message of R; Jupyter limits its rate as that of all output."""
        if iopub := self.channels.get("iopub"):
            message = self.session.msg("stream", content={"name": name, "text": text}, parent=request)
            super().handle_outgoing_message(iopub, self.session.serialize(message))


def notebook_connection(connection: type[BaseKernelWebsocketConnection]) -> type[BaseKernelWebsocketConnection]:
    """The class of connections that Jupyter would use, extended."""
    return type("NotebookConnection", (_NotebookConnection, connection), {})
