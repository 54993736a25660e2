"""Connections to PostgreSQL, one engine per process.

SQL functions take a `Session` and never learn which kind it is. Whatever the
driver raises leaves this package as one of `db.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import Any, Protocol, TypeVar

import asyncpg
import orjson
from sqlalchemy import CursorResult, Executable, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from db.direct import Direct, dumps
from db.errors import Busy, Duplicate, Unavailable, Unstorable

Answer = TypeVar("Answer")

CONNECT_SECONDS = 1.5
"""With the pool's wait below the 2 s in which a request hears that PostgreSQL is down."""

_SERVER_SETTINGS = {
    "application_name": "tutti",
    "lock_timeout": "2s",
    "timezone": "UTC",
    # Small indexed statements only: compiling them costs more than it saves.
    "jit": "off",
    # How much of a searched word a title must have; one letter wrong in eight leaves half.
    "pg_trgm.word_similarity_threshold": "0.45",
}

RESTING = 8
"""Of a database's connections so many are kept at hand, out of SQLAlchemy's pool."""

_LOCK_STATES = {"40P01", "55P03", "40001"}
_GONE_STATES = ("08", "57P", "53", "25P03")


NOTHING: Mapping[str, Any] = {}

_CURSORS = count()
"""Each a name of its own: the driver keeps what it knows of a statement by its text."""


class Session(Protocol):
    """What SQL functions run on."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]: ...

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        """Run a statement on the driver itself. -> its rows, columns by name as attributes."""
        ...


def sqlstate(error: BaseException) -> str | None:
    """The five characters PostgreSQL names an error by, looked up through SQLAlchemy's wrapping."""
    seen: BaseException | None = error
    while seen is not None:
        state = getattr(seen, "sqlstate", None) or getattr(seen, "pgcode", None)
        if isinstance(state, str):
            return state
        seen = getattr(seen, "orig", None) or seen.__cause__
    return None


def _constraint(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        name = getattr(seen, "constraint_name", None)
        if isinstance(name, str):
            return name
        seen = getattr(seen, "orig", None) or seen.__cause__
    return ""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's exceptions into ours.

    Raises Busy on a deadlock or a lock not had in time, Duplicate on a unique
    violation, Unavailable when the server is away or too slow.
    """
    try:
        yield
    except (PoolTimeoutError, OSError, TimeoutError) as error:
        raise Unavailable("PostgreSQL does not answer.") from error
    except _DRIVER_ERRORS as error:
        state = sqlstate(error) or ""
        if state in _LOCK_STATES:
            raise Busy("The rows are locked by somebody else.") from error
        if state == "23505":
            raise Duplicate(_constraint(error)) from error
        if state == "22021":
            raise Unstorable("Text with a zero character cannot be stored or looked for.") from error
        if is_lost(error) or isinstance(error, InterfaceError) or state == "57014" or state.startswith(_GONE_STATES):
            raise Unavailable("PostgreSQL is away.") from error
        raise


_DRIVER_ERRORS = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""By SQLAlchemy, and by the driver itself; the last where a connection ended amid its protocol."""


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, whatever was asked of it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_GONE_STATES)
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError)


def _may_be_tried_again(error: BaseException) -> bool:
    """Whether it was the connection that had died. Who has waited in vain is told so, and does not wait once more."""
    return is_lost(error) and not isinstance(error, TimeoutError)


class Pool:
    """Connections of SQLAlchemy's pool, some of which rest here: to take one from there, and give it back, costs a
    process more than most statements. Invariant: one that rests here is in no transaction and has had no error.
    """

    def __init__(self, engine: AsyncEngine, resting: int) -> None:
        self._engine = engine
        self._most = resting
        self._resting: list[tuple[AsyncConnection, Any]] = []

    async def take(self) -> tuple[AsyncConnection, Any]:
        """-> one, and the driver's of it."""
        while self._resting:
            pooled, driver = self._resting.pop()
            if not driver.is_closed():
                return pooled, driver
            await self.throw_away(pooled)
        pooled = self._engine.connect()
        await pooled.start()
        try:
            raw = await pooled.get_raw_connection()
        except BaseException:
            await self.throw_away(pooled)
            raise
        return pooled, raw.driver_connection

    async def give_back(self, pooled: AsyncConnection, driver: Any) -> None:
        """One with which all went well."""
        if len(self._resting) < self._most:
            self._resting.append((pooled, driver))
        else:
            await pooled.close()

    async def throw_away(self, pooled: AsyncConnection) -> None:
        """One that is lost, or whose state is not known."""
        with suppress(*_DRIVER_ERRORS, OSError):
            await pooled.invalidate()
        await pooled.close()

    async def close(self) -> None:
        """Close those that rest, here and in SQLAlchemy's pool."""
        self._most = 0
        while self._resting:
            await self._resting.pop()[0].close()
        await self._engine.dispose()


class Connection:
    """One connection of the pool, in a transaction that `begin` says how to begin; without, each statement is its own.

    SQLAlchemy's pool keeps it and knows nothing of the transaction, so that both SQLAlchemy and the driver run in it.
    """

    def __init__(self, pool: Pool, begin: str | None) -> None:
        self._pool = pool
        self._begin = begin
        self._pooled: AsyncConnection
        self._driver: Any = None

    async def open(self) -> None:
        """Take it from the pool, and begin."""
        self._pooled, self._driver = await self._pool.take()
        if self._begin is not None:
            try:
                await self._driver.execute(self._begin)
            except BaseException:
                await self._pool.throw_away(self._pooled)
                raise

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._pooled.execute(statement, parameters)

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        return statement.rows(await self._driver.fetch(statement.sql, *statement.arguments(parameters)))

    async def write_each(self, statement: Direct, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement that answers nothing once for each of the rows, in one go."""
        if len(rows) == 1:
            await self._driver.execute(statement.sql, *statement.arguments(rows[0]))
        elif rows:
            await self._driver.executemany(statement.sql, [statement.arguments(row) for row in rows])

    async def stream(self, statement: Direct, parameters: Mapping[str, Any], how_many: int) -> AsyncIterator[list[Any]]:
        """The rows of a statement by pages of so many, from a cursor at the server. Only within a transaction."""
        cursor = f"stream_{next(_CURSORS)}"
        await self._driver.execute(
            f"DECLARE {cursor} NO SCROLL CURSOR FOR {statement.sql}", *statement.arguments(parameters)
        )
        while page := await self._driver.fetch(f"FETCH {how_many:d} FROM {cursor}"):
            yield statement.rows(page)
        await self._driver.execute(f"CLOSE {cursor}")

    async def end(self, how: str) -> None:
        """COMMIT or ROLLBACK, and give it back. One whose end is not known is not used again."""
        await self._finish(how)
        await self._pool.give_back(self._pooled, self._driver)

    async def _finish(self, how: str) -> None:
        try:
            if self._begin is not None:
                await self._driver.execute(how)
        except BaseException:
            await self._pool.throw_away(self._pooled)
            raise

    async def leave(self, error: BaseException | None) -> None:
        """End it after an error: undone, and thrown away if the connection is lost or was left amid a statement."""
        if error is None:
            await self.end("ROLLBACK")
        elif not isinstance(error, Exception) or is_lost(error) or self._driver.is_closed():
            await self._pool.throw_away(self._pooled)
        else:
            await self._finish("ROLLBACK")
            await self._pooled.close()


class WriteSession(Session, Protocol):
    """A session in a transaction that may write."""

    async def write_each(self, statement: Direct, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement that answers nothing once for each of the rows, in one go."""
        ...


class HeldSession(Session, Protocol):
    """A session that reads one snapshot, and holds a connection from its first read until it is closed."""

    @property
    def is_open(self) -> bool: ...

    async def close(self) -> None: ...


class ReadSession:
    """The reads of one query operation, or of one event batch: one read-only snapshot, opened at the first read.

    Sibling fields run at once, so they take turns on the connection. Close it
    before anything else is awaited for long.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._read(lambda connection: connection.execute(statement, parameters))

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        return await self._read(lambda connection: connection.fetch(statement, parameters))

    async def stream(self, statement: Direct, parameters: Mapping[str, Any], how_many: int) -> AsyncIterator[list[Any]]:
        """The rows of a statement by pages of so many, none of them held here. Other reads may come in between."""
        with translated():
            async with self._turn:
                connection = self._connection or await self._open()
            async for page in connection.stream(statement, parameters, how_many):
                yield page

    async def _read(self, ask: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        async with self._turn:
            with translated():
                if self._connection is not None:
                    return await ask(self._connection)
                # A pooled connection may have died while it rested; nothing was read yet, so one more try is safe.
                try:
                    return await ask(await self._open())
                except (*_DRIVER_ERRORS, OSError) as error:
                    if not _may_be_tried_again(error):
                        raise
                    await self._drop(error)
                    return await ask(await self._open())

    @property
    def is_open(self) -> bool:
        """Whether it holds a snapshot."""
        return self._connection is not None

    async def _open(self) -> Connection:
        connection = Connection(self._pool, _SNAPSHOT)
        await connection.open()
        self._connection = connection
        return connection

    async def _drop(self, error: BaseException | None = None) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.leave(error)

    async def close(self) -> None:
        """Give the connection back. The session may be used again and then sees a newer snapshot.

        One that died meanwhile is no loss: what was read is read, and nothing was written.
        """
        async with self._turn:
            with suppress(Unavailable), translated():
                await self._drop()


class SharedReading:
    """A snapshot that several read, each a part of it. It is given back when the last of them has closed theirs."""

    def __init__(self, whole: ReadSession) -> None:
        self._whole = whole
        self._parts: set[Part] = set()
        self.ended = asyncio.Event()

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._whole.execute(statement, parameters)

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        return await self._whole.fetch(statement, parameters)

    def part(self) -> Part:
        """One more reads it, while at least one does."""
        part = Part(self)
        self._parts.add(part)
        return part

    def holds(self, part: Part) -> bool:
        return part in self._parts

    async def leave(self, part: Part) -> None:
        if part not in self._parts:
            return
        self._parts.remove(part)
        if not self._parts:
            self.ended.set()
            await self._whole.close()


class Part:
    """What one of several readers holds of a snapshot."""

    def __init__(self, shared: SharedReading) -> None:
        self._shared = shared

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return await self._shared.execute(statement, parameters)

    async def fetch(self, statement: Direct, parameters: Mapping[str, Any] = NOTHING) -> list[Any]:
        return await self._shared.fetch(statement, parameters)

    @property
    def is_open(self) -> bool:
        """Whether it holds a snapshot."""
        return self._shared.holds(self)

    async def close(self) -> None:
        """This reader has read all that they want."""
        await self._shared.leave(self)


_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """One that died while it rested is not handed out; the pool then looks for another one."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


class Database:
    """One engine: a pool of connections, read and write sides over the same pool.

    It has `pool_size` connections, and as many again in need.
    """

    def __init__(self, url: str, *, pool_size: int = 20, statement_seconds: float = 5, idle_seconds: float = 5) -> None:
        """`idle_seconds`: after so long PostgreSQL ends a transaction in which nothing is asked."""
        resting = min(RESTING, pool_size)
        kept = max(1, pool_size - resting)
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=kept,
            max_overflow=2 * pool_size - kept,
            pool_timeout=CONNECT_SECONDS,
            # Last in, first out: idle connections above the need age out on the server's side of a proxy.
            pool_use_lifo=True,
            # Transactions are begun and ended by `Connection`.
            isolation_level="AUTOCOMMIT",
            json_serializer=dumps,
            json_deserializer=orjson.loads,
            # What people wrote is not for the logs.
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": statement_seconds + 1,
                "server_settings": {
                    **_SERVER_SETTINGS,
                    "statement_timeout": f"{int(statement_seconds * 1000)}ms",
                    "idle_in_transaction_session_timeout": f"{int(idle_seconds * 1000)}ms",
                },
            },
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._pool = Pool(self._engine, resting)

    def reading(self) -> ReadSession:
        """A snapshot for one operation; opened lazily, to be closed by the caller."""
        return ReadSession(self._pool)

    def shared_reading(self) -> SharedReading:
        """A snapshot for several operations; it is closed with its last part."""
        return SharedReading(self.reading())

    async def alone(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        """Run single statements, each its own transaction. Tried again once if the pooled connection had died.

        Only for work that may run twice.
        """
        with translated():
            try:
                return await self._alone(work)
            except (*_DRIVER_ERRORS, OSError) as error:
                if not _may_be_tried_again(error):
                    raise
                return await self._alone(work)

    async def _alone(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        connection = Connection(self._pool, None)
        await connection.open()
        try:
            answer = await work(connection)
        except BaseException as error:
            await connection.leave(error)
            raise
        await connection.end("ROLLBACK")
        return answer

    async def ping(self) -> None:
        """Raises Unavailable unless PostgreSQL answers."""

        async def ask(session: Session) -> None:
            await session.execute(text("SELECT 1"))

        await self.alone(ask)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A READ COMMITTED transaction: committed at the end of the block, rolled back if it raises."""
        with translated():
            connection = Connection(self._pool, "BEGIN")
            await connection.open()
            try:
                yield connection
            except BaseException as error:
                await connection.leave(error)
                raise
            await connection.end("COMMIT")

    async def close(self) -> None:
        await self._pool.close()
