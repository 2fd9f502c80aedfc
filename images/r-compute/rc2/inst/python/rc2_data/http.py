"""The part of HTTP/1.1 that R's curl needs over a Unix socket; the standard library's parser takes longer than a query."""

import re

MAX_HEADER = 65536
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONTINUE = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)
STATUS = {200: b"200 OK", 400: b"400 Bad Request"}


class Stream:
    """Requests and answers of one connection, in turn."""

    def __init__(self, socket):
        self._socket, self._buffer = socket, b""

    def request(self):
        """The path and the body of the next request, or None at the end."""
        while b"\r\n\r\n" not in self._buffer:
            part = self._socket.recv(MAX_HEADER)
            if not part or len(self._buffer) > MAX_HEADER:
                return None
            self._buffer += part
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        if CONTINUE.search(head):
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = LENGTH.search(head)
        body = self._body(rest, int(length[1]) if length else 0)
        return None if body is None else (head.split(b" ", 2)[1].decode(), body)

    def _body(self, received, length):
        self._buffer = received[length:]
        body = bytearray(length)
        done = min(len(received), length)
        body[:done] = received[:done]
        view = memoryview(body)
        while done < length:
            count = self._socket.recv_into(view[done:])
            if not count:
                return None
            done += count
        return body

    def answer(self, status, parts):
        """Send the parts of an answer's body."""
        length = sum(map(memoryview_length, parts))
        head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (STATUS[status], length)
        if length < MAX_HEADER:
            self._socket.sendall(head + b"".join(parts))
            return
        self._socket.sendall(head)
        for part in parts:
            self._socket.sendall(part)


def memoryview_length(part):
    return part.nbytes if isinstance(part, memoryview) else len(part)
