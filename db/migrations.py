"""Brings a database to the newest shape by Alembic, from Python instead of its command line.

Invariant: the scripts in alembic/ are the only thing that changes the shape of a database.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic import command

ROOT = Path(__file__).parent.parent


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` (postgresql+asyncpg://...) up to `revision`; blocks until done."""
    configuration = config()
    configuration.attributes["url"] = url
    # alembic/env.py runs an event loop of its own, which a thread that has one would refuse.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(command.upgrade, configuration, revision).result()


def head() -> str | None:
    """Return the newest revision that the scripts know, None while there is none."""
    return ScriptDirectory.from_config(config()).get_current_head()


def config() -> Config:
    """Return Alembic's configuration as pyproject.toml states it."""
    return Config(toml_file=ROOT / "pyproject.toml")
