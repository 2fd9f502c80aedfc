"""The page of a failed login: JupyterHub's error page, with one sentence that says what to do."""

from http import HTTPStatus

from jupyterhub.handlers import BaseHandler


async def render_error(handler: BaseHandler, status: int, sentence: str, action_links: str = "") -> None:
    """Answer with the error page; `action_links` is HTML, such as a link to the login.

    An exception would do the same, but JupyterHub logs the request's address with it, and the login's secrets are there.
    """
    handler.log.warning("Login refused: %s", sentence)
    handler.set_status(status)
    phrase = HTTPStatus(status).phrase
    page = {"status_code": status, "status_message": phrase, "message": sentence, "extra_error_html": action_links}
    handler.finish(await handler.render_template("error.html", **page))
