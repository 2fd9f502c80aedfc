"""How an error of ours becomes JupyterHub's `SpawnException`: one sentence, a status, and a reason for the metrics."""

import logging
from html import escape

from jupyterhub.spawner import SpawnException

from rc2hub.errors import NotGrantedError, Rc2Error, RequestError, ServiceUnavailableError

STATUS = {
    RequestError: (400, "request"),
    NotGrantedError: (403, "not-granted"),
    ServiceUnavailableError: (503, "service"),
}
OTHER_STATUS = (500, "standby")


def spawn_exception(error: Rc2Error) -> SpawnException:
    """JupyterHub's exception for an error of ours."""
    status, reason = STATUS.get(type(error), OTHER_STATUS)
    exception = SpawnException(str(error), message_html=escape(str(error)), reason=reason, status_code=status)
    exception.jupyterhub_message = str(error)  # what the form shows; without it, the exception's name is added
    return exception


class RefusalFilter(logging.Filter):
    """Makes an error of ours one line in the hub's log: JupyterHub and KubeSpawner log every exception with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the traceback of a refused start, or of another error of ours, by its sentence."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SpawnException | Rc2Error):
            record.msg, record.args, record.exc_info, record.exc_text = (
                f"{record.getMessage()}: {error}",
                (),
                None,
                None,
            )
        return True
