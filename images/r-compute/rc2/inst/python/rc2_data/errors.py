"""Errors as R gets them: a message and, from PostgreSQL, the SQLSTATE, the position, detail and hint."""

import re


class DataError(Exception):
    """An error of this package, whose text is one sentence for the user."""

    def __init__(self, message, **fields):
        super().__init__(message)
        self.fields = fields


FIELDS = {
    "PG_DIAG_MESSAGE_PRIMARY": "message",
    "PG_DIAG_MESSAGE_DETAIL": "detail",
    "PG_DIAG_MESSAGE_HINT": "hint",
    "PG_DIAG_SQLSTATE": "sqlstate",
    "PG_DIAG_STATEMENT_POSITION": "position",
}
NOISE = re.compile(r"^[A-Z_]+: |\[libpq\] |\n?Query was: .*|\. SQLSTATE: \w{5}\s*$|^Failed to \w+ [^:]*: ", re.DOTALL)


def describe(error):
    """The error as a dict for R."""
    if isinstance(error, DataError):
        return {"message": str(error), **error.fields}
    found = {}
    for name, content in getattr(error, "details", None) or []:
        if field := FIELDS.get(as_text(name)):
            found[field] = as_text(content)
    text = str(error)
    if state := getattr(error, "sqlstate", None) or match(r"SQLSTATE: (\w{5})", text):
        found.setdefault("sqlstate", state)
    found.setdefault("message", plain_message(text) or type(error).__name__)
    if "position" in found:
        found["position"] = int(found["position"])
        if "COPY (" in text and "could not begin COPY" in text:
            found["position"] -= len("COPY (")
    return found


def as_text(content):
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content)


def plain_message(text):
    """The server's message without the driver's additions."""
    if message := match(r"(?:ERROR|FATAL):\s+(.*)", text):
        return message
    return " ".join(NOISE.sub("", NOISE.sub("", text)).split())


def match(pattern, text):
    found = re.search(pattern, text)
    return found[1].strip() if found else None
