"""Statements that run on the driver itself: those of which every operation, or every change, runs several.

SQLAlchemy writes them, once; what it does around each execution costs a process several times what the driver does.
Invariant: one of these means the same as when SQLAlchemy executes it, and its values are as the driver gives them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.compiler import SQLCompiler


def dumps(value: object) -> str:
    """How JSON is stored."""
    return orjson.dumps(value, default=str).decode()


_DIALECT = dialect(json_serializer=dumps, json_deserializer=orjson.loads)  # type: ignore[no-untyped-call]

_Bind = tuple[str, Any, Callable[[Any], Any] | None]
"""Name, value where none is given, and how SQLAlchemy hands it to the driver."""


class Direct:
    """A statement whose text never changes. `columns`: which columns an INSERT fills; all, if none are named.

    Raises ValueError for a statement whose text depends on its parameters.
    """

    def __init__(self, statement: Executable, columns: Sequence[str] | None = None) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=None if columns is None else list(columns))  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise ValueError(f"The text of this statement is not always the same: {compiled.string}")
        self.sql = compiled.string
        processors: Mapping[str, Any] = compiled._bind_processors
        self._binds: list[_Bind] = [
            (name, compiled.params[name], processors.get(name)) for name in compiled.positiontup or ()
        ]
        self._row: Any = None

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the driver's order."""
        values = []
        for name, default, process in self._binds:
            value = given.get(name, default)
            values.append(value if process is None else process(value))
        return values

    def rows(self, records: Sequence[Any]) -> list[Any]:
        """The driver's rows, their columns by name as attributes."""
        if not records:
            return []
        if self._row is None:
            self._row = _row_of(tuple(records[0].keys()))
        row = self._row
        return [row(*record) for record in records]


def _row_of(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns, rename=True)
