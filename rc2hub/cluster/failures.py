"""What a call of the Kubernetes API may end in, and how to say it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException

from rc2hub.errors import Rc2Error

ANSWER = 10.0
"""Seconds for an answer of the API server."""
NOT_FOUND, CONFLICT, UNPROCESSABLE = 404, 409, 422
FAILURES = (ApiException, ClientError, TimeoutError, OSError)
"""What a call of the API server may end in."""


def refused(error: Exception) -> str:
    """Why the API server refused a request, in its own words; empty for any other error."""
    if not isinstance(error, ApiException) or error.body is None:
        return ""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason)


def why_failed(error: Exception) -> str:
    """What to say of a call of the API server that failed."""
    return refused(error) or "the Kubernetes API does not answer"


@contextmanager
def failing_as(error_of_ours: type[Rc2Error]) -> Iterator[None]:
    """Turn a failed call of the API server into an error of ours, in Kubernetes' words."""
    try:
        yield
    except FAILURES as error:
        raise error_of_ours(why_failed(error)) from error
