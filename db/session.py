"""Connections to PostgreSQL, one engine per process.

SQL functions take a `Session` and never learn which kind it is. Whatever the
driver raises leaves this package as one of `db.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson
from sqlalchemy import CursorResult, Executable, text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from db.errors import Busy, Duplicate, Unavailable, Unstorable

if TYPE_CHECKING:
    from collections.abc import Iterator

Answer = TypeVar("Answer")

CONNECT_SECONDS = 1.5
"""With the pool's wait below the 2 s in which a request hears that PostgreSQL is down."""

_SERVER_SETTINGS = {
    "application_name": "tutti",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "5s",
    "timezone": "UTC",
    # Small indexed statements only: compiling them costs more than it saves.
    "jit": "off",
    # How much of a searched word a title must have; one letter wrong in eight leaves half.
    "pg_trgm.word_similarity_threshold": "0.45",
}

_LOCK_STATES = {"40P01", "55P03", "40001"}
_GONE_STATES = ("08", "57P", "53", "25P03")


class Session(Protocol):
    """What SQL functions run on."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]: ...


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=str).decode()


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
    except DBAPIError as error:
        state = sqlstate(error) or ""
        if state in _LOCK_STATES:
            raise Busy("The rows are locked by somebody else.") from error
        if state == "23505":
            raise Duplicate(_constraint(error)) from error
        if state == "22021":
            raise Unstorable("Text with a zero character cannot be stored or looked for.") from error
        if (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or state == "57014"
            or state.startswith(_GONE_STATES)
        ):
            raise Unavailable("PostgreSQL is away.") from error
        raise


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

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        async with self._turn:
            with translated():
                if self._connection is not None:
                    return await self._connection.execute(statement, parameters)
                # A pooled connection may have died while it rested; nothing was read yet, so one more try is safe.
                try:
                    return await self._open_and_execute(statement, parameters)
                except (DBAPIError, OSError) as error:
                    if isinstance(error, DBAPIError) and not error.connection_invalidated:
                        raise
                    await self._drop()
                    return await self._open_and_execute(statement, parameters)

    @property
    def is_open(self) -> bool:
        """Whether it holds a snapshot."""
        return self._connection is not None

    async def _open_and_execute(self, statement: Executable, parameters: Any) -> CursorResult[Any]:
        connection = self._engine.connect()
        await connection.start()
        self._connection = connection
        return await connection.execute(statement, parameters)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close()
        except (DBAPIError, OSError):
            await connection.close()  # only the end of its transaction failed; its place in the pool is still taken
            raise

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

    @property
    def is_open(self) -> bool:
        """Whether it holds a snapshot."""
        return self._shared.holds(self)

    async def close(self) -> None:
        """This reader has read all that they want."""
        await self._shared.leave(self)


class Database:
    """One engine: a pool of connections, read and write sides over the same pool."""

    def __init__(self, url: str, *, pool_size: int = 20, statement_seconds: float = 5) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=CONNECT_SECONDS,
            # Last in, first out: idle connections above the need age out on the server's side of a proxy.
            pool_use_lifo=True,
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            # What people wrote is not for the logs.
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                "command_timeout": statement_seconds + 1,
                "server_settings": {**_SERVER_SETTINGS, "statement_timeout": f"{int(statement_seconds * 1000)}ms"},
            },
        )
        self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._alone = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def reading(self) -> ReadSession:
        """A snapshot for one operation; opened lazily, to be closed by the caller."""
        return ReadSession(self._reading)

    def shared_reading(self) -> SharedReading:
        """A snapshot for several operations; it is closed with its last part."""
        return SharedReading(self.reading())

    async def alone(self, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
        """Run single statements, each its own transaction. Tried again once if the pooled connection had died.

        Only for work that may run twice.
        """
        with translated():
            try:
                async with self._alone.connect() as connection:
                    return await work(connection)
            except (DBAPIError, OSError) as error:
                if isinstance(error, DBAPIError) and not error.connection_invalidated:
                    raise
                async with self._alone.connect() as connection:
                    return await work(connection)

    async def ping(self) -> None:
        """Raises Unavailable unless PostgreSQL answers."""

        async def ask(session: Session) -> None:
            await session.execute(text("SELECT 1"))

        await self.alone(ask)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A READ COMMITTED transaction: committed at the end of the block, rolled back if it raises."""
        with translated():
            async with self._engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        await self._engine.dispose()
