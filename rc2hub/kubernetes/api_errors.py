"""The errors of a call of the Kubernetes API, and the message to show for each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import ClientError, ClientResponse
from kubernetes_asyncio.client import ApiException

from rc2hub.errors import Rc2Error

REQUEST_TIMEOUT = 10.0
"""Seconds for an answer of the API server."""
NOT_FOUND, REQUEST_TIMED_OUT, CONFLICT, UNPROCESSABLE, TOO_MANY_REQUESTS = 404, 408, 409, 422, 429
CLIENT_ERRORS = range(400, 500)
API_ERRORS = (ApiException, ClientError, TimeoutError, OSError)
"""What a call of the API server may raise."""


def is_refused(error: BaseException | None) -> bool:
    """Whether the API server refused a request and changed nothing; after another error it may have done what was asked."""
    if not isinstance(error, ApiException):
        return False
    return error.status in CLIENT_ERRORS and error.status not in {REQUEST_TIMED_OUT, TOO_MANY_REQUESTS}


def failure_message(error: Exception) -> str:
    """The message to show when a call of the API server failed: its own if it refused the request."""
    message = ""
    if isinstance(error, ApiException) and error.body is not None:
        try:
            message = str(json.loads(error.body)["message"])
        except (TypeError, ValueError, KeyError):
            message = str(error.reason)
    return message or "the Kubernetes API does not answer"


def api_failure(error: Exception) -> str:
    """The message to show if this error is that of a call of the API server; empty for any other error."""
    return failure_message(error) if isinstance(error, ApiException | ClientError) else ""


@contextmanager
def as_error(error_class: type[Rc2Error]) -> Iterator[None]:
    """Turn the error of a failed call of the API server into an error of this class, with the API server's message."""
    try:
        yield
    except API_ERRORS as error:
        raise error_class(failure_message(error)) from error


async def read_json(response: ClientResponse) -> dict[str, Any]:
    """The answer to a request with `_preload_content=False`: the client's own objects take longer to make than the request.

    Raises:
        ApiException: if the API server refused the request.
    """
    if not response.ok:
        error = ApiException(response.status, response.reason)
        error.body = await response.read()
        raise error
    answer: dict[str, Any] = json.loads(await response.read())
    return answer
