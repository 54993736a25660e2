"""Many who ask for one thing each are answered by few statements.

Whoever asks while a read is under way waits for the next one, which asks for all
of them; so nobody gets an answer from before their question, and the busier it
is, the more share a statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

MAX_KEYS = 1_000
"""Of one statement; whoever does not fit comes with the next."""

ANSWERED_AT_ONCE = 4
"""In one turn of the loop. Whoever waited goes on at once with what they wanted the answer for, and nobody else can."""


class Gathering(Generic[Key, Answer]):
    """Asks by `read`: keys -> the answers of those that have one. At most one read at a time.

    `pause_seconds`: those who ask while a read is under way wait so long for more to come. Nobody does without a crowd.
    """

    def __init__(
        self, read: Callable[[list[Key]], Awaitable[Mapping[Key, Answer]]], pause_seconds: float = 0.0
    ) -> None:
        self._read = read
        self._pause_seconds = pause_seconds
        self._waiting: dict[Key, list[asyncio.Future[Answer | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, key: Key) -> Answer | None:
        """The answer as it is now; None if there is none. Raises what `read` raises."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        return await future

    async def _read_all(self) -> None:
        # A task begins in the next turn of the loop, so all who ask in this one are among the first.
        try:
            while self._waiting:
                keys = list(self._waiting)[:MAX_KEYS]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    answers = await self._read(keys)
                except Exception as error:  # noqa: BLE001 - raised in all who wait
                    for future in _those_who_wait(asked):
                        future.set_exception(error)
                else:
                    await _answer(asked, answers)
                if self._waiting and self._pause_seconds:
                    await asyncio.sleep(self._pause_seconds)
        finally:
            self._reading = None


async def _answer(asked: Mapping[Key, list[asyncio.Future[Answer | None]]], answers: Mapping[Key, Answer]) -> None:
    given = 0
    for key, futures in asked.items():
        for future in futures:
            if future.done():
                continue
            future.set_result(answers.get(key))
            given += 1
            if given % ANSWERED_AT_ONCE == 0:
                await asyncio.sleep(0)


def _those_who_wait(asked: Mapping[Key, list[asyncio.Future[Answer | None]]]) -> list[asyncio.Future[Answer | None]]:
    return [future for futures in asked.values() for future in futures if not future.done()]
