"""The gateway's calls to Hive's metastore, by HTTP: each is signed, and names the user for whom the metastore acts."""

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from thrift.Thrift import TType

from rc2hub.errors import ServiceUnavailableError
from rc2hub.gateways.hive_key import sign
from rc2hub.gateways.thrift_message import CALL, Fields, Message, Pairs, ThriftError, Values, struct, text

CONNECT_TIMEOUT = 3.0
"""Seconds for a connection to the metastore; below the broker's patience with the gateway."""
ADMIN_TIMEOUT = 4.0
"""Seconds for a whole call of the gateway itself."""
MAKE_TIMEOUT = 15.0
"""Seconds to make a database, for which the metastore looks at its folder in HDFS."""
CALL_TIMEOUT = 600.0
"""Seconds for a call of a user; the largest ones move or remove many partitions."""
OK = 200
NO_ANSWER = "Hive's metastore does not answer; try again in a moment."
THRIFT = "application/x-thrift"
ALREADY_EXISTS = 1
"""The number of `AlreadyExistsException` in the answer to `create_database`."""
OWNER_IS_USER, OWNER_IS_GROUP = 1, 3


class HiveClient:
    """The metastore."""

    def __init__(self, url: str, key: bytes, account: str) -> None:
        """Take the metastore's address, the key of its JWTs, and the account of calls that no user makes."""
        self.url, self._key, self._account = url, key, account
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def call(self, user: str, message: bytes, seconds: float = CALL_TIMEOUT) -> bytes:
        """Send a call in the name of a user of HDFS; returns the answer.

        Raises:
            ServiceUnavailableError: if the metastore does not answer, or refuses the gateway.
        """
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=0),
                cookie_jar=DummyCookieJar(),  # each call has its own user
                trust_env=False,
            )
        headers = {"Content-Type": THRIFT, "Authorization": f"Bearer {sign(self._key, user)}"}
        limit = ClientTimeout(total=seconds, sock_connect=CONNECT_TIMEOUT)
        try:
            async with self._session.post(self.url, data=message, headers=headers, timeout=limit) as answer:
                content = await answer.read()
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(NO_ANSWER) from error
        if answer.status != OK:
            raise ServiceUnavailableError(f"Hive's metastore refuses its gateway with the status {answer.status}.")
        return content

    async def check(self) -> None:
        """Check that the metastore answers.

        Raises:
            ServiceUnavailableError: if it does not.
        """
        await self._administer(self._account, "get_database", {1: text("default")})

    async def make_database(self, name: str, user: str, group: str = "") -> None:
        """Make a user's database, or that of a group in the name of one of its users, if there is none.

        Raises:
            ServiceUnavailableError: if the metastore does not answer, or refuses.
        """
        owner = text(group or user), (TType.I32, OWNER_IS_GROUP if group else OWNER_IS_USER)
        nothing = (TType.MAP, Pairs(TType.STRING, TType.STRING, []))
        database: Fields = {1: text(name), 2: text(""), 4: nothing, 6: owner[0], 7: owner[1]}
        found = await self._administer(user, "get_database", {1: text(name)})
        if 0 in found.fields:
            return
        made = await self._administer(user, "create_database", {1: struct(database)}, MAKE_TIMEOUT)
        if made.fields and ALREADY_EXISTS not in made.fields:
            raise ServiceUnavailableError(f"Hive's metastore refuses to make the database {name}: {_reason(made)}")

    async def databases(self, user: str) -> list[str]:
        """The names of all databases.

        Raises:
            ServiceUnavailableError: if the metastore does not answer.
        """
        answer = await self._administer(user, "get_all_databases", {})
        if 0 not in answer.fields:
            raise ServiceUnavailableError(f"Hive's metastore lists no databases: {_reason(answer)}")
        return [name.decode() for name in answer.fields[0][1].values]

    async def tables(self, user: str, database: str) -> list[dict[str, str]]:
        """The tables of a database: name, type and comment.

        Raises:
            ServiceUnavailableError: if the metastore does not answer.
        """
        types = (TType.LIST, Values(TType.STRING, []))
        answer = await self._administer(user, "get_table_meta", {1: text(database), 2: text("*"), 3: types})
        if 0 not in answer.fields:
            raise ServiceUnavailableError(f"Hive's metastore does not list the database {database}: {_reason(answer)}")
        return [
            {name: _text(table, number) for name, number in (("table", 2), ("type", 3), ("comment", 4))}
            for table in answer.fields[0][1].values
        ]

    async def _administer(self, user: str, method: str, arguments: Fields, seconds: float = ADMIN_TIMEOUT) -> Message:
        content = await self.call(user, Message(method, CALL, 1, arguments).write(), seconds)
        try:
            return Message.read(content)
        except ThriftError as error:
            raise ServiceUnavailableError(NO_ANSWER) from error


def _text(fields: Fields, number: int) -> str:
    """A text of a struct; empty if there is none."""
    value: bytes = fields[number][1] if number in fields else b""
    return value.decode(errors="replace")


def _reason(answer: Message) -> str:
    """The sentence of an exception of the metastore."""
    for _, value in answer.fields.values():
        return _text(value, 1) if isinstance(value, dict) else _text(answer.fields, 1)
    return "it gave no reason"
