"""Which sentence a refusal of HDFS becomes, and with which class Hadoop's client sees it."""

import json

import pytest

from rc2hub.gateways.webhdfs_refusal import INVALID_TOKEN, MAY_NOT_ACT, refusal_in


def refused(name: str, message: str) -> tuple[int, str, str]:
    content = json.dumps({"RemoteException": {"javaClassName": name, "message": message}})
    refusal = refusal_in(403, content.encode())
    return refusal.status, refusal.code, str(refusal)


NOT_KNOWN = "Failed to obtain user group information: "
ENDED = "HDFS has ended its gateway's token for you; try again in a moment."


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"{INVALID_TOKEN}: Token has expired, current time: 1", (503, INVALID_TOKEN, ENDED)),
        (f"{MAY_NOT_ACT}: User: rc2 is not allowed to act", (403, MAY_NOT_ACT, "User: rc2 is not allowed to act")),
        (
            "org.apache.hadoop.ipc.RetriableException: Namenode is in startup mode",
            (503, "org.apache.hadoop.ipc.RetriableException", "HDFS is starting; try again in a moment."),
        ),
    ],
    ids=["ended token", "account", "start"],
)
def test_the_reason_why_a_name_or_token_is_not_accepted_counts(message: str, expected: tuple[int, str, str]):
    assert refused("java.lang.SecurityException", NOT_KNOWN + message) == expected


def test_what_a_user_writes_is_not_taken_for_a_reason():
    message = f"Invalid value: {INVALID_TOKEN}: x"
    assert refused("java.lang.IllegalArgumentException", message) == (403, "java.lang.IllegalArgumentException", message)


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b'{"RemoteException": 1}'])
def test_an_answer_that_is_no_refusal_of_webhdfs_is_named_by_its_status(content: bytes):
    assert str(refusal_in(404, content)) == "HDFS answered with the status 404."


def test_an_answer_below_400_is_no_refusal():
    assert refusal_in(307, b"") is None
