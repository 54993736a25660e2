"""Asks a database what it is, on one connection of its own: its version, its clock, its migrations.

Invariant: independent of the application's engine and models, so that it can say what is wrong when those cannot start.
No password is in any message.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

MINIMUM_VERSION = 15
ANSWER_SECONDS = 5.0


class DatabaseProblem(Exception):
    """The database cannot be used; the message says why and what to change."""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database said of itself."""

    version: str
    """Such as 18.6."""
    clock_skew: timedelta
    """How far its clock is ahead of ours, to within half the time that asking took."""
    revision: str | None
    """The last migration that was applied, None if none was."""


async def ask_database(url: str, timeout_seconds: float = ANSWER_SECONDS) -> DatabaseFacts:
    """Ask the database at `url` (postgresql+asyncpg://...). Raises DatabaseProblem if it cannot be used."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or 5432}"
    name = parts.path.strip("/")
    try:
        async with asyncio.timeout(timeout_seconds):
            connection = await asyncpg.connect(driver_url(url))
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise DatabaseProblem(f"PostgreSQL at {place} refuses the user or password in DATABASE_URL") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseProblem(
            f"PostgreSQL at {place} has no database {name}; create it with: createdb {name}"
        ) from error
    except TimeoutError as error:
        raise DatabaseProblem(f"PostgreSQL at {place} does not answer within {timeout_seconds:.0f} s") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseProblem(
            f"PostgreSQL cannot be reached at {place} ({type(error).__name__}); start it, or change DATABASE_URL"
        ) from error
    try:
        return await ask(connection, place)
    finally:
        await connection.close(timeout=timeout_seconds)


async def ask(connection: asyncpg.Connection, place: str) -> DatabaseFacts:
    """Ask over an open connection. Raises DatabaseProblem if PostgreSQL is too old."""
    version = str(await connection.fetchval("SHOW server_version")).partition(" ")[0]
    if connection.get_server_version().major < MINIMUM_VERSION:
        raise DatabaseProblem(f"PostgreSQL at {place} is version {version}; Tutti needs {MINIMUM_VERSION} or later")
    before = datetime.now(UTC)
    there = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    has_migrations = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
    revision = await connection.fetchval("SELECT version_num FROM alembic_version") if has_migrations else None
    return DatabaseFacts(version, there - (before + (after - before) / 2), revision)


def driver_url(url: str) -> str:
    """Return SQLAlchemy's form of an address as the driver itself reads it."""
    parts = urlsplit(url)
    query = [("sslmode" if name == "ssl" else name, value) for name, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(scheme="postgresql", query=urlencode(query)))
