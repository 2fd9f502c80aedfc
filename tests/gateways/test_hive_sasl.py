"""DIGEST-MD5 as Java's client does it, and what is refused; `tests/test_hive.py` has Spark's own client."""

import base64
import hashlib

import pytest

from rc2hub.gateways.hive_conf import hadoop_token
from rc2hub.gateways.hive_sasl import SaslError, check_response

NONCE = "of-this-connection"


def md5(content: str) -> str:
    return hashlib.md5(content.encode()).hexdigest()


def response(token: str, password: str, nonce: str = NONCE, count: str = "00000001") -> bytes:
    """The answer of a client that has this token and password."""
    name, secret = (base64.b64encode(value.encode()).decode() for value in (token, password))
    inner = hashlib.md5(f"{name}:default:{secret}".encode()).digest()
    base = hashlib.md5(inner + f":{nonce}:mine".encode()).hexdigest()
    proof = md5(f"{base}:{nonce}:{count}:mine:auth:{md5('AUTHENTICATE:null/default')}")
    return (
        f'charset=utf-8,username="{name}",realm="default",nonce="{nonce}",nc={count},cnonce="mine",'
        f'digest-uri="null/default",response={proof},qop=auth'
    ).encode()


def test_a_client_with_its_token_is_known_by_it():
    token, proof = check_response(response("secret.of.alice", "secret.of.alice"), NONCE)
    assert token == "secret.of.alice"
    assert len(proof) == 32


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(response("secret.of.alice", "guessed"), id="another password"),
        pytest.param(response("secret.of.alice", "secret.of.alice", nonce="of another connection"), id="replayed"),
        pytest.param(response("secret.of.alice", "secret.of.alice", count="00000002"), id="counted on"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'username="not base64"', id="no base64"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)
def test_another_answer_is_refused(content: bytes):
    with pytest.raises(SaslError, match=r"^[A-Z].*[.]$"):
        check_response(content, NONCE)


@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 3000])
def test_a_secret_of_any_length_is_a_token_of_hadoop(size: int):
    token = hadoop_token("x" * size)
    content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    head = 1 if size < 128 else 2 if size < 256 else 3
    assert content[head : head + size] == content[2 * head + size : 2 * (head + size)] == b"x" * size
    assert content[2 * (head + size) :] == b"\x15HIVE_DELEGATION_TOKEN\x03rc2"
