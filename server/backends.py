"""The PostgreSQL and the Redis a command works with: external ones, or the embedded ones of the state folder.

Invariant: inside `backends` both URLs and a signing secret are set, and both servers answered and are new enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from db.probe import ask_database
from realtime.probe import ask_redis
from server.settings import Settings
from server.stack import EmbeddedStack, is_running, recorded_addresses, secret


@contextmanager
def backends(settings: Settings, say: Callable[[str], None], *, may_join: bool = True) -> Iterator[Settings]:
    """Give the settings with URLs and secret filled in; start embedded servers if needed, and stop them at the end.

    With `may_join` the embedded servers of a Tutti that runs from the same state folder are used instead of refused.
    Raises StackError, DatabaseProblem or RedisProblem.
    """
    with ExitStack() as own:
        settings = with_embedded(settings, say, own, may_join=may_join)
        if settings.database_url is None or settings.redis_url is None:
            raise AssertionError("the embedded servers have addresses")
        asyncio.run(ask_database(settings.database_url))
        ask_redis(settings.redis_url)
        yield settings


def with_embedded(settings: Settings, say: Callable[[str], None], own: ExitStack, *, may_join: bool) -> Settings:
    """Fill in what the environment left out, from a running stack or from one entered into `own`."""
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None or redis_url is None:
        if may_join and is_running(settings.state_dir):
            embedded_database, embedded_redis = recorded_addresses(settings.state_dir)
        else:
            stack = EmbeddedStack(
                settings.state_dir, has_postgres=database_url is None, has_valkey=redis_url is None, report=say
            )
            own.enter_context(stack)
            embedded_database = stack.database_url if database_url is None else None
            embedded_redis = stack.redis_url if redis_url is None else None
        database_url = database_url or embedded_database
        redis_url = redis_url or embedded_redis
        settings = replace(settings, jwt_secrets=settings.jwt_secrets or (secret(settings.state_dir / "jwt.secret"),))
    return replace(settings, database_url=database_url, redis_url=redis_url)
