"""The page of somebody who is not let in: JupyterHub's own error page, with one sentence that says what to do."""

from http import HTTPStatus

from jupyterhub.handlers import BaseHandler


async def refuse(handler: BaseHandler, status: int, sentence: str, ways_on: str = "") -> None:
    """Answer with the error page; `ways_on` is HTML, such as a link to the login.

    Not by an exception: its line in the log would hold the address of the request, and the login's secrets with it.
    """
    handler.log.warning("Login refused: %s", sentence)
    handler.set_status(status)
    phrase = HTTPStatus(status).phrase
    page = {"status_code": status, "status_message": phrase, "message": sentence, "extra_error_html": ways_on}
    handler.finish(await handler.render_template("error.html", **page))
