"""The scripts in alembic/ make exactly the tables that the code knows, and can take them down again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, inspect
from sqlalchemy.engine import Inspector
from sqlalchemy.ext.asyncio import create_async_engine

import alembic
from alembic import command
from db.migrations import ROOT, config, head, upgrade
from db.tables import metadata
from tests.stack_fixture import TestStack, apart

GLOBAL = {
    "users",
    "sessions",
    "refresh_tokens",
    "attempts",
    "idempotency",
    "leases",
    "workspaces",
    "account_tokens",
    "mails",
    "notification_mails",
    "notification_heads",
}
"""Tables that belong to people or to the whole, not to a workspace."""


def run(action: Callable[..., None], url: str, *args: Any, **more: Any) -> None:
    """One of Alembic's commands, on a thread without an event loop."""
    configuration = config()
    configuration.attributes["url"] = url
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(action, configuration, *args, **more).result()


def look(url: str, see: Callable[[Inspector], Any]) -> Any:
    """What an inspection of a database sees."""
    seen: list[Any] = []

    async def inspecting() -> None:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            seen.append(await connection.run_sync(lambda sync: see(inspect(sync))))
        await engine.dispose()

    apart(inspecting())
    return seen[0]


def shape(url: str) -> dict[str, Any]:
    """All that can be told of the tables: columns, keys, indexes, constraints."""

    def see(inspector: Inspector) -> dict[str, Any]:
        return {
            table: [
                [{**one, "type": repr(one["type"])} for one in inspector.get_columns(table)],
                inspector.get_pk_constraint(table),
                sorted(map(str, inspector.get_foreign_keys(table))),
                sorted(map(str, inspector.get_indexes(table))),
                sorted(map(str, inspector.get_unique_constraints(table))),
                sorted(map(str, inspector.get_check_constraints(table))),
            ]
            for table in inspector.get_table_names()
        }

    found: dict[str, Any] = look(url, see)
    return found


def test_what_is_imported_as_alembic_is_the_library() -> None:
    assert alembic.__file__ is not None
    assert Path(alembic.__file__).parent != ROOT / "alembic"
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_up_and_down_and_up_again_gives_the_same(stack: TestStack) -> None:
    with stack.new_database("template0") as url:
        assert head() is not None
        upgrade(url)
        first = shape(url)
        assert set(metadata.tables) <= set(first)
        run(command.downgrade, url, "base")
        assert set(shape(url)) == {"alembic_version"}
        upgrade(url)
        assert shape(url) == first
        upgrade(url)  # nothing is missing any more


def test_models_match_migrations(stack: TestStack) -> None:
    with stack.new_database() as url:
        run(command.check, url)


def test_the_command_migrates_the_database_of_the_environment(stack: TestStack) -> None:
    """As operators run it: `alembic upgrade head`, with DATABASE_URL."""
    with stack.new_database("template0") as url:
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            capture_output=True,
            timeout=180,
        )
        run(command.check, url)
        assert set(metadata.tables) <= set(shape(url))


def tenant_tables() -> list[Table]:
    return [table for name, table in metadata.tables.items() if name not in GLOBAL]


@pytest.mark.parametrize("table", tenant_tables(), ids=lambda table: table.name)
def test_a_row_of_a_workspace_says_so_and_points_at_rows_of_the_same_workspace(table: Table) -> None:
    assert not table.c.workspace_id.nullable
    for constraint in table.constraints:
        if not isinstance(constraint, ForeignKeyConstraint):
            continue
        target = constraint.referred_table
        if target.name in {"workspaces", "users"}:
            continue
        assert target.name not in GLOBAL, f"{table.name} points at {target.name}"
        pairs = {(element.parent.name, element.column.name) for element in constraint.elements}
        assert ("workspace_id", "workspace_id") in pairs, f"{constraint.name} may leave the workspace"
        assert len(pairs) == 2


def test_a_column_that_names_a_row_of_the_workspace_is_bound_to_it() -> None:
    """A `..._id` without a foreign key would be a hole in the fence; the few there are have their reasons."""
    unbound = {
        ("changes", "entity_id"),  # of any kind, and kept when the object is gone
        ("changes", "change_set_id"),  # names no row
        ("changes", "actor_id"),  # a person or Tutti itself
        ("events", "workspace_id"),  # the log is a partitioned append-only table: a key would cost every write
        ("events", "entity_id"),
        ("events", "task_id"),
        ("events", "actor_id"),
        ("events", "client_mutation_id"),
        ("comments", "author_id"),  # a person or Tutti itself
        ("notifications", "actor_id"),
        ("reactions", "subject_id"),  # made of others that are bound
        ("notification_rules", "scope_id"),
    }
    found = {
        (table.name, column.name)
        for table in tenant_tables()
        for column in table.columns
        if column.name.endswith("_id") and not column.foreign_keys
    }
    assert found == unbound


def test_deleting_a_row_never_looks_through_a_whole_table(stack: TestStack) -> None:
    """Whatever points at it is found by an index, or at least within its workspace. People are never deleted."""

    def see(inspector: Inspector) -> set[tuple[str, str]]:
        missing = set()
        for name in metadata.tables:
            indexes = [one for one in inspector.get_indexes(name) if not _is_partial(one)]
            leading = {one["column_names"][0] for one in indexes}
            leading |= {one["column_names"][0] for one in inspector.get_unique_constraints(name)}
            leading.add(inspector.get_pk_constraint(name)["constrained_columns"][0])
            for key in inspector.get_foreign_keys(name):
                if key["referred_table"] != "users" and leading.isdisjoint(key["constrained_columns"]):
                    missing.add((name, str(key["name"])))
        return missing

    with stack.new_database() as url:
        assert look(url, see) == set()


def _is_partial(index: Any) -> bool:
    return bool(index.get("dialect_options", {}).get("postgresql_where"))
