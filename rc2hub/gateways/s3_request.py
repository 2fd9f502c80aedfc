"""Reads an S3 request of a user, and says what may be passed on of it. Pure: nothing is sent here.

A list says what may pass, and everything else is refused. The address is made new from what was understood, so the store
cannot read another object in it than the gateway has checked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from rc2hub.gateways.refused_call import RefusedCallError

READ, WRITE = "read", "write"
READERS: Final = frozenset({READ, WRITE})
WRITERS: Final = frozenset({WRITE})
LIST_PARAMETERS: Final = frozenset({"prefix", "delimiter", "max-keys", "encoding-type"})
LIST_2: Final = frozenset({"continuation-token", "start-after", "fetch-owner"})
PASSED: Final = frozenset(
    {
        *("content-type", "content-length", "content-md5", "content-encoding", "content-disposition", "content-language"),
        *("cache-control", "expires", "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
        *("x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-sdk-checksum-algorithm"),
        *("x-amz-decoded-content-length", "x-amz-trailer", "x-amz-metadata-directive", "x-amz-mp-object-size"),
        *("x-amz-copy-source-range", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"),
        *("x-amz-copy-source-if-modified-since", "x-amz-copy-source-if-unmodified-since"),
    }
)
"""The headers that reach the store."""
PASSED_STARTS: Final = ("x-amz-meta-", "x-amz-checksum-crc", "x-amz-checksum-sha")
IGNORED: Final = frozenset(
    {
        "x-amz-security-token",
        "x-amz-date",
        "x-amz-user-agent",
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-request-payer",
        "x-amz-api-version",
    }
)
"""Headers that the gateway reads itself, or that mean nothing behind it. Others that begin with x-amz- are refused."""
SIGNED_PAYLOAD: Final = re.compile("[0-9a-f]{64}")
UNSIGNED, UNSIGNED_TRAILER = "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
MAX_KEYS: Final = 1000
"""Objects that one call may delete, as in S3."""
CONTROL: Final = re.compile("[\0-\x1f\x7f]")


@dataclass(frozen=True)
class Operation:
    """What a call asks for, and how its address shows it."""

    name: str
    method: str
    of_object: bool
    marks: frozenset[str] = frozenset()
    """The parameters that the call has to have."""
    optional: frozenset[str] = frozenset()
    levels: frozenset[str] = WRITERS


OPERATIONS: Final = (
    Operation("ListObjectsV2", "GET", False, frozenset({"list-type"}), LIST_PARAMETERS | LIST_2, READERS),
    Operation("ListObjects", "GET", False, frozenset(), LIST_PARAMETERS | {"marker"}, READERS),
    Operation("DeleteObjects", "POST", False, frozenset({"delete"})),
    Operation("GetObject", "GET", True, frozenset(), frozenset({"partNumber"}), READERS),
    Operation("HeadObject", "HEAD", True, frozenset(), frozenset({"partNumber"}), READERS),
    Operation("PutObject", "PUT", True),
    Operation("DeleteObject", "DELETE", True),
    Operation("CreateMultipartUpload", "POST", True, frozenset({"uploads"})),
    Operation("UploadPart", "PUT", True, frozenset({"partNumber", "uploadId"})),
    Operation("ListParts", "GET", True, frozenset({"uploadId"}), frozenset({"max-parts", "part-number-marker"})),
    Operation("CompleteMultipartUpload", "POST", True, frozenset({"uploadId"})),
    Operation("AbortMultipartUpload", "DELETE", True, frozenset({"uploadId"})),
)
COPIES: Final = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
"""What an operation is called if another object of the store is its content."""


class S3Error(RefusedCallError):
    """A refusal, as S3 has it; its code is the word that S3's clients know."""


def denied(message: str) -> S3Error:
    """A refusal for lack of a right."""
    return S3Error(403, "AccessDenied", message)


def invalid(message: str) -> S3Error:
    """A refusal of a request that the store might not understand as it is meant."""
    return S3Error(400, "InvalidRequest", message)


@dataclass(frozen=True)
class S3Request:
    """What a user asks of the store, checked, but for whose files they are."""

    method: str
    operation: str
    levels: frozenset[str]
    """The levels of a grant that allow the operation."""
    bucket: str
    key: str
    """The key of an object, or the start of the keys to list; empty for DeleteObjects."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload: str
    """What the signature says of the content: its hash, or that it is not signed."""
    source: str = ""
    """The key that a copy reads, in the same bucket."""

    @property
    def is_list(self) -> bool:
        """Whether `key` is the start of the keys to list."""
        return self.operation.startswith("ListObjects")

    @property
    def has_content(self) -> bool:
        """Whether the request sends content, which is streamed."""
        return self.operation in {"PutObject", "UploadPart", "CompleteMultipartUpload"}

    @property
    def target(self) -> str:
        """Path and query, with every character escaped that could mean something else."""
        key = "" if self.is_list else self.key
        pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in self.query.items())
        query = "&".join(f"{name}={value}" for name, value in pairs)
        return f"{path_of(self.bucket, key)}{'?' if query else ''}{query}"


def path_of(bucket: str, key: str) -> str:
    """The escaped path of an object, or of a bucket if the key is empty."""
    return f"/{quote(bucket, safe='')}{'/' if key else ''}{quote(key, safe='/')}"


def parse(method: str, raw_path: str, headers: Mapping[str, str]) -> S3Request:
    """Check a request, given as it came: the path and query with their escapes.

    Raises:
        S3Error: if it is not one that may pass.
    """
    given = {name.lower(): value for name, value in headers.items()}
    escaped, _, query = raw_path.partition("?")
    bucket, key = _bucket_and_key(escaped)
    parameters = _parameters(query)
    operation = _operation(method, bool(key), parameters)
    if operation.name.startswith("ListObjects"):
        key = parameters.get("prefix", "")
        check_key(key, is_start=True)
    elif key:
        check_key(key)
    source = given.get("x-amz-copy-source")
    if source is not None and operation.name not in COPIES:
        raise invalid(f"{operation.name} takes no x-amz-copy-source.")
    return S3Request(
        method,
        COPIES[operation.name] if source is not None else operation.name,
        operation.levels,
        bucket,
        key,
        {name: value for name, value in parameters.items() if name != "x-id"},
        _passed(given),
        _payload(given.get("x-amz-content-sha256", UNSIGNED)),
        _source(source, bucket) if source is not None else "",
    )


def check_key(key: str, is_start: bool = False) -> None:
    """Check that a decoded key, or the start of one, means itself alone, also to a store that keeps objects as files.

    Raises:
        S3Error: if it does not.
    """
    parts = key.split("/")
    twice = unquote(key).split("/")
    if CONTROL.search(key) or {".", ".."} & {*parts, *twice} or "" in parts[:-1] or (not key and not is_start):
        raise denied("A key must not have an empty part, `.`, `..` or control characters.")


def keys_to_delete(content: bytes) -> list[str]:
    """The keys in the content of DeleteObjects.

    Raises:
        S3Error: if it is anything else than a list of keys.
    """
    try:
        text = content.decode()
        root = ET.fromstring(text) if "<!" not in text else None  # noqa: S314 - without a declaration nothing can be expanded
    except (UnicodeDecodeError, ET.ParseError):
        root = None
    if root is None or _name(root) != "Delete":
        raise S3Error(400, "MalformedXML", "The list of keys to delete cannot be read.")
    keys = []
    for element in root:
        fields = {_name(field): field.text or "" for field in element}
        if _name(element) == "Object" and fields.keys() == {"Key"}:
            keys.append(fields["Key"])
        elif _name(element) != "Quiet":
            raise S3Error(501, "NotImplemented", "Only keys can be deleted here, and no versions of objects.")
    if not 0 < len(keys) <= MAX_KEYS:
        raise S3Error(400, "MalformedXML", f"One call deletes 1 to {MAX_KEYS} objects.")
    for key in keys:
        check_key(key)
    return keys


def delete_content(keys: list[str]) -> bytes:
    """The content of a new DeleteObjects."""
    objects = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{objects}</Delete>'.encode()


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _bucket_and_key(escaped: str) -> tuple[str, str]:
    try:
        path = unquote(escaped, errors="strict")
        path.encode()
    except ValueError as error:
        raise invalid("The key must be UTF-8.") from error
    first, slash, rest = path.partition("/")
    bucket, _, key = rest.partition("/")
    if first or not slash:
        raise invalid("An address begins with the name of the bucket, http://GATEWAY/BUCKET/KEY.")
    return bucket, key


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise invalid("The parameters must be UTF-8.") from error
    found = dict(pairs)
    if len(found) < len(pairs):
        raise invalid("A parameter is there twice.")
    if any(name.lower().startswith("x-amz-") or name in {"AWSAccessKeyId", "Signature"} for name in found):
        raise denied("An address that carries a signature is not accepted here; give the file itself.")
    return found


def _operation(method: str, of_object: bool, parameters: Mapping[str, str]) -> Operation:
    given = parameters.keys() - {"x-id"}  # some clients repeat the operation's name there
    for operation in OPERATIONS:
        fits = operation.marks <= given <= operation.marks | operation.optional
        if fits and (operation.method, operation.of_object) == (method, of_object):
            return operation
    what = f"{method} of {'an object' if of_object else 'the bucket'}"
    raise denied(f"{what}{' with ' if given else ''}{', '.join(sorted(given))[:80]} is not offered here.")


def _passed(given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        if name in PASSED or name.startswith(PASSED_STARTS):
            found[name] = value.strip()
        elif name.startswith("x-amz-") and name not in IGNORED:
            raise denied(f"The header {name[:60]} is not offered here.")
    return found


def _payload(given: str) -> str:
    if given in {UNSIGNED, UNSIGNED_TRAILER} or SIGNED_PAYLOAD.fullmatch(given):
        return given
    raise S3Error(
        501, "NotImplemented", "Content that is signed in parts is not accepted here; switch that off in the client."
    )


def _source(given: str, bucket: str) -> str:
    """The key that a copy reads."""
    escaped, mark, _ = given.partition("?")
    found, key = _bucket_and_key(f"/{escaped.removeprefix('/')}")
    if mark or found != bucket:
        raise denied("A copy reads the newest version of an object of the same bucket.")
    check_key(key)
    return key
