"""Passwords: argon2id in a small pool of threads, so that many sign-ins at once never fill the memory.

Whoever has no account costs the same work as whoever mistyped: a made-up hash
of the same cost is verified instead. Passwords never reach a log or a message.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from domain.errors import ErrorCode, Invalid, TopLevel

MIN_CHARACTERS = 10
MAX_CHARACTERS = 200
RETRY_SECONDS = 5
"""When to try again, where no thread came free in time."""

Answer = TypeVar("Answer")


def checked(password: str | None, path: str) -> str:
    """A new password of a length that is allowed. Raises Invalid."""
    if not password:
        raise Invalid("This cannot be empty.", path, code=ErrorCode.REQUIRED)
    if len(password) < MIN_CHARACTERS:
        raise Invalid(f"A password has at least {MIN_CHARACTERS} characters.", path)
    if len(password) > MAX_CHARACTERS:
        raise Invalid(f"A password has at most {MAX_CHARACTERS} characters.", path, code=ErrorCode.TOO_LONG)
    return password


class Passwords:
    """Hashes and verifies, `workers` at once. One per process.

    The default cost is the second recommended option of RFC 9106, section 4: 3 passes over 64 MiB in 4 lanes,
    about 0.15 s. So `workers` times 64 MiB is the most that passwords ever take.
    """

    def __init__(
        self, *, cost: Parameters = RFC_9106_LOW_MEMORY, workers: int = 2, max_wait_seconds: float = 5.0
    ) -> None:
        self._hasher = PasswordHasher.from_parameters(cost)
        self._nobodys_hash = _made_up_hash(cost)
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="passwords")
        self._free = asyncio.Semaphore(workers)
        self._max_wait_seconds = max_wait_seconds

    async def hash(self, password: str) -> str:
        """A password as it is stored. Raises TopLevel(RATE_LIMITED) if no thread comes free in time."""
        return await self._run(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Whether this is the password. None stands for nobody: False, after the same work.

        Raises TopLevel(RATE_LIMITED) if no thread comes free in time.
        """

        def verify() -> bool:
            try:
                return self._hasher.verify(stored_hash or self._nobodys_hash, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(verify) and stored_hash is not None

    def needs_rehash(self, stored_hash: str) -> bool:
        """Whether a hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored_hash)

    def close(self) -> None:
        """Take no more work; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise TopLevel(
                "RATE_LIMITED",
                "Too many people are signing in at once. Try again in a few seconds.",
                retryAfterSeconds=RETRY_SECONDS,
            ) from None
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        running.add_done_callback(lambda _: self._free.release())
        # Shielded: a thread cannot be stopped, so its place stays taken even if nobody waits for it any more.
        return await asyncio.shield(running)


def _bytes(password: str) -> bytes:
    # NIST SP 800-63B, section 5.1.1.2: the same characters typed on another device give the same bytes.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _made_up_hash(cost: Parameters) -> str:
    """A well-formed hash of no known password, at this cost."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (cost.salt_len, cost.hash_len)
    )
    return f"$argon2id$v={cost.version}$m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}${salt}${digest}"
