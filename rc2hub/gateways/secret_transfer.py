"""Sends a pod its secrets over an exec stream, so that they are in no object of the Kubernetes API."""

import asyncio

from rc2hub.errors import ServiceUnavailableError, StandbyError
from rc2hub.gateways.hive_conf import hadoop_token
from rc2hub.gateways.pod_specs import CONTAINER
from rc2hub.kubernetes import PodWatch, open_exec
from rc2hub.kubernetes.pod_status import is_running

ANSWER_TIMEOUT = 10.0
"""Seconds for the container to take the secret."""


async def send_secret(pods: PodWatch, name: str, secret: str, token: str = "") -> None:
    """Send a pod its secret, and an executor the token of its user in two forms; sending the same again changes nothing.

    Raises:
        ServiceUnavailableError: if the container does not start, or does not confirm the secret.
    """
    line = f"{secret} {token} {hadoop_token(token)}" if token else secret
    await run_in_pod(pods, name, ["take-secret"], line, "taken", ANSWER_TIMEOUT)


async def run_in_pod(pods: PodWatch, name: str, arguments: list[str], line: str, answer: str, seconds: float | None) -> None:
    """Run the image's `entrypoint` with a line of input as soon as the pod's container runs.

    Raises:
        ServiceUnavailableError: if the container does not start, or the command does not answer this, or not in time.
    """
    await pods.until(name, is_running)
    try:
        stream = await open_exec(pods.namespace, name, CONTAINER, ["entrypoint", *arguments])
        try:
            async with asyncio.timeout(seconds):
                await stream.write(f"{line}\n".encode())
                found = await stream.readline()
        finally:
            await stream.close()
    except (StandbyError, OSError) as error:
        raise ServiceUnavailableError("its pod cannot be reached") from error
    if found != f"{answer}\n".encode():
        raise ServiceUnavailableError("its pod does not answer")
