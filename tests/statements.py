"""Hearing of the statements that an engine runs: by SQLAlchemy, or on the driver itself (`db.direct`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")
_OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")
"""What asyncpg asks by itself, once on each connection, when it first meets a type."""


@contextmanager
def heard_by(engine: Engine | type[Engine], hear: Callable[[str], None]) -> Iterator[None]:
    """Each statement's text, those that begin and end transactions too; what runs on the driver, when it is done.

    What the driver asks for itself is left out: it comes with a connection, and not with what is read.
    """

    def executing(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        hear(statement)

    def logged(query: Any) -> None:
        if not any(one in query.query for one in _OF_THE_DRIVER):
            hear(query.query)

    def checked_out(connection: Any, *rest: Any) -> None:
        connection.driver_connection.add_query_logger(logged)

    def checked_in(connection: Any, *rest: Any) -> None:
        if connection is not None:
            connection.driver_connection.remove_query_logger(logged)

    heard = {"before_cursor_execute": executing, "checkout": checked_out, "checkin": checked_in}
    for moment, listener in heard.items():
        event.listen(engine, moment, listener)
    try:
        yield
    finally:
        for moment, listener in heard.items():
            event.remove(engine, moment, listener)
