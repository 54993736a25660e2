"""Asks a Redis what it is, on one connection of its own.

Invariant: independent of the links that events travel on, so that it can say what is wrong when those cannot start. No
password is in any message.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from redis import AuthenticationError, Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry

MINIMUM_VERSION = 7
ANSWER_SECONDS = 5.0


class RedisProblem(Exception):
    """Redis cannot be used; the message says why and what to change."""


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What a Redis said of itself."""

    name: str
    """Redis or Valkey."""
    version: str


def ask_redis(url: str) -> RedisFacts:
    """Ask the Redis at `url`, blocking for 5 s at most. Raises RedisProblem if it cannot be used."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or 6379}"
    patience = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS}
    try:
        with Redis.from_url(url, retry=Retry(NoBackoff(), 0), **patience) as client:
            said = client.info("server")
    except (AuthenticationError, ResponseError) as error:  # NOAUTH is a ResponseError
        raise RedisProblem(f"Redis at {place} refuses the password, user or database number in REDIS_URL") from error
    except (RedisError, OSError) as error:
        raise RedisProblem(
            f"Redis cannot be reached at {place} ({type(error).__name__}); start it, or change REDIS_URL"
        ) from error
    if "valkey_version" in said:
        return RedisFacts("Valkey", str(said["valkey_version"]))
    version = str(said["redis_version"])
    if int(version.split(".", maxsplit=1)[0]) < MINIMUM_VERSION:
        raise RedisProblem(f"Redis at {place} is version {version}; Tutti needs {MINIMUM_VERSION} or later, or Valkey")
    return RedisFacts("Redis", version)
