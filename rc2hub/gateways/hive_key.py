"""The key with which the Hive gateway signs its calls to the metastore: a JWT names the user for whom it acts.

    python -m rc2hub.gateways.hive_key DIRECTORY

writes a new key into a directory: `key.pem` for the gateway, and `jwks.json` for the metastore.
"""

import json
import os
import sys
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

KEY_ID = "rc2"
KEY_SIZE = 2048
ALGORITHM = "RS256"
LIFETIME = 60
"""Seconds for which the metastore accepts a signed call."""


def key_file(directory: Path) -> Path:
    """The private key, which only the gateway may read."""
    return directory / "key.pem"


def jwks_file(directory: Path) -> Path:
    """The public key, as the metastore reads it (RFC 7517)."""
    return directory / "jwks.json"


def create_key(directory: Path) -> None:
    """Write a new key; one that is there is replaced."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    jwks_file(directory).write_text(public_key(key))
    descriptor = os.open(key_file(directory), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)


def public_key(key: bytes) -> str:
    """The public part of a private key, as the metastore reads it (RFC 7517)."""
    private = load_pem_private_key(key, None)
    assert isinstance(private, rsa.RSAPrivateKey)  # noqa: S101 - tells the type checker which one it is
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return json.dumps({"keys": [{**public, "kid": KEY_ID, "alg": ALGORITHM, "use": "sig"}]})


def sign(key: bytes, user: str) -> str:
    """A JWT with which the metastore acts for this user of HDFS."""
    return jwt.encode({"sub": user, "exp": int(time.time()) + LIFETIME}, key, ALGORITHM, headers={"kid": KEY_ID})


if __name__ == "__main__":
    create_key(Path(sys.argv[1]))
