"""What a call of the Kubernetes API may end in, and how to say it."""

import json

from aiohttp import ClientError
from kubernetes_asyncio.client import ApiException

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
