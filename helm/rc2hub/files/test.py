"""`helm test`: starts a compute server as rc2-helm-test and has its R add one and one, through the proxy as a browser would.

`test.py PROXY`; the token, which can do this alone, is in RC2_TEST_TOKEN.
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
START, ANSWER = 600.0, 60.0
"""Seconds; a node fetches the image first."""


async def call(method, path, body=None, **options):
    """What the hub or the server answers, as text."""
    text = json.dumps(body or {}) if method == "POST" else None
    request = HTTPRequest(PROXY + path, method=method, headers=HEADERS, body=text, request_timeout=60, **options)
    return (await AsyncHTTPClient().fetch(request)).body.decode()


async def start():
    """Start the server, and say what a person would read meanwhile."""
    await call("POST", f"{USER}/server")

    def tell(chunk):
        for line in chunk.decode().splitlines():
            if line.startswith("data:"):
                event = json.loads(line.removeprefix("data:"))
                print(event["message"], flush=True)
                if event.get("failed"):
                    sys.exit("The server did not start; the line above says why.")

    request = HTTPRequest(PROXY + f"{USER}/server/progress", headers=HEADERS, streaming_callback=tell, request_timeout=START)
    await AsyncHTTPClient().fetch(request)


async def add():
    """What R says of 1 + 1."""
    kernel = json.loads(await call("POST", SERVER, {"name": "ir"}))["id"]
    url = f"{PROXY}{SERVER}/{kernel}/channels".replace("http", "ws", 1)
    socket = await websocket_connect(HTTPRequest(url, headers=HEADERS))
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid4().hex, "version": "5.3"}
    content = {"code": "cat(1 + 1)", "silent": False}
    await socket.write_message(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    while message := await socket.read_message():
        answer = json.loads(message)
        if answer["parent_header"].get("msg_id") == header["msg_id"] and answer["msg_type"] in {"stream", "error"}:
            return str(answer["content"])
    return "nothing: the connection was closed"


async def clean_up():
    """Delete the person, and her server with her."""
    try:
        await call("DELETE", f"{USER}/server")
        while json.loads(await call("GET", USER))["servers"]:  # noqa: ASYNC110 - the hub says it no other way
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
        answer = await asyncio.wait_for(add(), ANSWER)
    finally:
        await clean_up()
    print(f"R answers: {answer}")
    if "'text': '2'" not in answer:
        sys.exit("That is not two.")


asyncio.run(main())
