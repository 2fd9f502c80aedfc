"""`helm test`: starts a compute server as rc2-helm-test and computes 1 + 1 in R, through the proxy like a browser.

`test.py PROXY`; RC2_TEST_TOKEN contains a token that has no other permissions.
"""

import asyncio
import json
import os
import sys
from uuid import uuid4

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

PROXY = sys.argv[1]
USER = "/hub/api/users/rc2-helm-test"
SERVER = "/user/rc2-helm-test/api/kernels"
HEADERS = {"Authorization": f"token {os.environ['RC2_TEST_TOKEN']}", "Content-Type": "application/json"}
START_TIMEOUT, RESULT_TIMEOUT = 600.0, 60.0
"""Seconds; a node may have to pull the image first."""


async def call(method, path, body=None, **options):
    """The response of the hub or the server, as text."""
    text = json.dumps(body or {}) if method == "POST" else None
    request = HTTPRequest(PROXY + path, method=method, headers=HEADERS, body=text, request_timeout=60, **options)
    return (await AsyncHTTPClient().fetch(request)).body.decode()


async def start():
    """Start the server, and print the progress messages that a user would see."""
    await call("POST", f"{USER}/server")

    def print_progress(chunk):
        for line in chunk.decode().splitlines():
            if line.startswith("data:"):
                event = json.loads(line.removeprefix("data:"))
                print(event["message"], flush=True)
                if event.get("failed"):
                    sys.exit("The server did not start; see the line above.")

    url = f"{PROXY}{USER}/server/progress"
    request = HTTPRequest(url, headers=HEADERS, streaming_callback=print_progress, request_timeout=START_TIMEOUT)
    await AsyncHTTPClient().fetch(request)


async def add():
    """The output of R for 1 + 1."""
    kernel = json.loads(await call("POST", SERVER, {"name": "ir"}))["id"]
    url = f"{PROXY}{SERVER}/{kernel}/channels".replace("http", "ws", 1)
    socket = await websocket_connect(HTTPRequest(url, headers=HEADERS))
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid4().hex, "version": "5.3"}
    content = {"code": "cat(1 + 1)", "silent": False}
    await socket.write_message(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    while message := await socket.read_message():
        reply = json.loads(message)
        if reply["parent_header"].get("msg_id") == header["msg_id"] and reply["msg_type"] in {"stream", "error"}:
            return str(reply["content"])
    return "nothing: the connection was closed"


async def clean_up():
    """Delete the user and the server."""
    try:
        await call("DELETE", f"{USER}/server")
        while json.loads(await call("GET", USER))["servers"]:  # noqa: ASYNC110 - the hub offers no event for this
            await asyncio.sleep(1)
        await call("DELETE", USER)
    except HTTPClientError as error:
        print(f"Nothing to clean up ({error}).")


async def main():
    """The test."""
    await clean_up()
    await call("POST", USER)
    try:
        await start()
        output = await asyncio.wait_for(add(), RESULT_TIMEOUT)
    finally:
        await clean_up()
    print(f"R answers: {output}")
    if "'text': '2'" not in output:
        sys.exit("The answer is not 2.")


asyncio.run(main())
