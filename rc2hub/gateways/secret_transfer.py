"""Sends a pod its secret over an exec stream, so that the secret is in no object of the Kubernetes API."""

import asyncio

from rc2hub.errors import ServiceUnavailableError, StandbyError
from rc2hub.gateways.pod_specs import CONTAINER
from rc2hub.kubernetes import PodWatch, open_exec
from rc2hub.kubernetes.pod_status import is_running

COMMAND = ["entrypoint", "take-secret"]
CONFIRMATION = b"taken\n"
ANSWER_TIMEOUT = 10.0
"""Seconds for the container to take the secret."""


async def send_secret(pods: PodWatch, name: str, secret: str) -> None:
    """Send a pod its secret as soon as its container runs; sending the same secret again changes nothing.

    Raises:
        ServiceUnavailableError: if the container does not start, or does not confirm the secret.
    """
    await pods.until(name, is_running)
    try:
        stream = await open_exec(pods.namespace, name, CONTAINER, COMMAND)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await stream.write(f"{secret}\n".encode())
                answer = await stream.readline()
        finally:
            await stream.close()
    except (StandbyError, OSError) as error:
        raise ServiceUnavailableError("its pod cannot be reached") from error
    if answer != CONFIRMATION:
        raise ServiceUnavailableError("its pod did not take its secret")
