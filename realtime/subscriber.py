"""Hears the bell: one listening link to Redis per process, shared by all of its workspaces.

What is wanted is declared, never awaited, and one task brings Redis into line
with it; so no cancellation can leave a channel half subscribed. Whenever the
link was down, messages may be missing, and `on_loss` says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from realtime import messages
from realtime.counters import Counters
from realtime.link import BROKEN, Link

ACK_SECONDS = 0.2
PING_SECONDS = 1.0
"""A link whose ping is not answered before the next is due is dead: a frozen Redis keeps its connections."""
BACKOFF_SECONDS = (0.05, 2.0)

OnMessage = Callable[[UUID, bytes], None]

logger = logging.getLogger(__name__)


class Subscriber:
    """Calls `on_message(workspace, message)` for each message, and `on_loss()` whenever some may be missing."""

    def __init__(
        self,
        redis_url: str,
        on_message: OnMessage,
        on_loss: Callable[[], None],
        counters: Counters,
        prefix: bytes = messages.CHANNEL,
    ) -> None:
        self._redis_url = redis_url
        self._prefix = prefix
        self._on_message = on_message
        self._on_loss = on_loss
        self._counters = counters
        self._wanted: set[UUID] = set()
        self._sent: set[UUID] = set()
        self._unanswered: Counter[UUID] = Counter()  # SUBSCRIBEs; an old answer must not pass for a new one
        self._acks: dict[UUID, asyncio.Event] = {}
        self._wake = asyncio.Event()
        self._is_ponged = False
        self.is_healthy = False

    def subscribe(self, workspace_id: UUID) -> None:
        """Want a workspace's messages from now on."""
        self._wanted.add(workspace_id)
        self._wake.set()

    def unsubscribe(self, workspace_id: UUID) -> None:
        self._wanted.discard(workspace_id)
        self._acks.pop(workspace_id, None)
        self._wake.set()

    async def acknowledged(self, workspace_id: UUID) -> None:
        """Wait until messages come, for 200 ms at most: the poll finds what is missed then."""
        if not self.is_healthy or self._is_subscribed(workspace_id):
            return
        ack = self._acks.setdefault(workspace_id, asyncio.Event())
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await ack.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Keep a link until cancelled."""
        shortest, longest = BACKOFF_SECONDS
        pause = shortest
        while True:
            link = Link(self._redis_url)
            try:
                await link.connect()
                pause = shortest
                self._counters.connects += 1
                await self._use(link)
            except BROKEN as error:
                logger.warning("The link to Redis is down: %r", error)
            except Exception:
                logger.exception("The link to Redis failed.")
            finally:
                self.is_healthy = False
                await link.close()
            self._on_loss()
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    async def _use(self, link: Link) -> None:
        """Listen and speak until either fails."""
        self._sent.clear()
        self._unanswered.clear()
        lost = link.listen(self._hear)
        speaking = asyncio.create_task(self._speak(link))
        try:
            done, _ = await asyncio.wait([lost, speaking], return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            lost.cancel()
            speaking.cancel()
            await asyncio.gather(lost, speaking, return_exceptions=True)

    async def _speak(self, link: Link) -> None:
        """Say what is wanted, at once when it changes, and ping."""
        loop = asyncio.get_running_loop()
        while True:
            self._is_ponged = False
            await link.send(*self._changes(), (b"PING",))
            next_ping = loop.time() + PING_SECONDS
            while (left := next_ping - loop.time()) > 0:
                try:
                    async with asyncio.timeout(left):
                        await self._wake.wait()
                except TimeoutError:
                    break
                if changes := self._changes():
                    await link.send(*changes)
            if not self._is_ponged:
                raise TimeoutError("Redis does not answer a ping.")

    def _changes(self) -> list[tuple[bytes, ...]]:
        """The commands that bring Redis into line with what is wanted."""
        self._wake.clear()
        more, less = self._wanted - self._sent, self._sent - self._wanted
        self._sent = set(self._wanted)
        self._unanswered.update(more)
        commands: list[tuple[bytes, ...]] = []
        if more:
            commands.append((b"SUBSCRIBE", *[messages.channel(one, self._prefix) for one in more]))
        if less:
            commands.append((b"UNSUBSCRIBE", *[messages.channel(one, self._prefix) for one in less]))
        return commands

    def _hear(self, reply: Any) -> None:
        match reply:
            case [b"message", bytes(name), bytes(body)]:
                self._counters.received += 1
                self._on_message(messages.workspace_of(name, self._prefix), body)
            case [b"subscribe", bytes(name), _]:
                workspace_id = messages.workspace_of(name, self._prefix)
                self._unanswered[workspace_id] -= 1
                if self._unanswered[workspace_id] <= 0:
                    del self._unanswered[workspace_id]
                if self._is_subscribed(workspace_id) and (ack := self._acks.pop(workspace_id, None)):
                    ack.set()
            case b"PONG" | [b"pong", _]:
                self._is_ponged = True
                if not self.is_healthy:
                    # Redis answers in order, so by now every channel is subscribed again.
                    self.is_healthy = True
                    self._on_loss()

    def _is_subscribed(self, workspace_id: UUID) -> bool:
        return workspace_id in self._sent and workspace_id not in self._unanswered
