"""Runs the migrations on the database that DATABASE_URL names, or on a connection that the caller hands over."""

from __future__ import annotations

import asyncio
import os

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from alembic import context
from db.tables import metadata


def include_object(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave out the daily partitions of the log: they come and go by themselves."""
    return not (kind == "table" and reflected and name is not None and name.startswith("events_"))


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, include_object=include_object, compare_server_default=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_url(url: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
    finally:
        await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_by_url(context.config.attributes.get("url") or os.environ["DATABASE_URL"]))
