"""Every workspace that somebody in this process listens to, and the poll that makes up for a silent Redis.

Invariant: joining and leaving change the hub in one step of the event loop.
What takes time (the subscription, the head) belongs to the topic, so a joiner
that is cancelled harms nobody who waits beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from realtime.counters import Counters
from realtime.log import Log
from realtime.poll import Poll
from realtime.topic import Topic

logger = logging.getLogger(__name__)


class NoSuchWorkspace(Exception):
    """There is no log of that workspace."""


class Broker(Protocol):
    """Brings messages between processes: each at most once, none guaranteed."""

    @property
    def is_healthy(self) -> bool: ...
    def subscribe(self, workspace_id: UUID) -> None: ...
    def unsubscribe(self, workspace_id: UUID) -> None: ...
    async def acknowledged(self, workspace_id: UUID) -> None: ...


@dataclass(frozen=True, slots=True)
class HubState:
    """What goes on right now. `lag`: the events that the last poll found in the log and nobody had heard of."""

    topics: int
    groups: int
    seats: int
    lag: int


class Hub:
    """Give it its broker by `attach`, messages by `receive`, and run its poll."""

    def __init__(self, log: Log, counters: Counters) -> None:
        self.log = log
        self.counters = counters
        self._topics: dict[UUID, Topic] = {}
        self._poll = Poll(self._look, lambda: self._broker.is_healthy, counters)
        self._lag = 0
        self._broker: Broker

    def attach(self, broker: Broker) -> None:
        self._broker = broker

    def state(self) -> HubState:
        """To be looked at now and then: it counts."""
        groups = [group for topic in self._topics.values() for group in topic.groups.values()]
        return HubState(len(self._topics), len(groups), sum(group.size for group in groups), self._lag)

    @asynccontextmanager
    async def join(self, workspace_id: UUID) -> AsyncIterator[Topic]:
        """Listen to a workspace. Raises NoSuchWorkspace, Unavailable."""
        topic = self._topics.get(workspace_id) or self._make(workspace_id)
        topic.users += 1
        try:
            await topic.opened.wait()
            if topic.failure is not None:
                raise topic.failure
            yield topic
        finally:
            topic.users -= 1
            if topic.users == 0:
                topic.close()
                self._forget(topic)

    def receive(self, workspace_id: UUID, message: bytes) -> None:
        """A message from Redis; it may be old, doubled or rubbish."""
        topic = self._topics.get(workspace_id)
        if topic is None:
            return
        try:
            topic.hear(message)
        except ValueError as error:
            self.counters.malformed += 1
            logger.warning("A malformed message for workspace %s: %s", workspace_id, error)

    def alarm(self) -> None:
        """Messages may be missing: look at the heads at once."""
        self._poll.alarm()

    async def run(self) -> None:
        """Poll until cancelled: one look at the heads of all local workspaces each second, whatever happens."""
        await self._poll.run()

    async def _look(self) -> None:
        topics = [topic for topic in self._topics.values() if topic.opened.is_set()]
        lag, self._lag = 0, 0
        if not topics:
            return
        epoch, heads = await self.log.heads([topic.workspace_id for topic in topics])
        for topic in topics:
            head = heads.get(topic.workspace_id)
            if head is None:
                continue
            if topic.epoch != epoch:
                topic.start_anew(epoch, head.seq)
            else:
                lag += max(0, head.seq - topic.last)
                topic.expect(head.seq)
        self._lag = lag

    def _make(self, workspace_id: UUID) -> Topic:
        topic = self._topics[workspace_id] = Topic(workspace_id, self.log, self.counters)
        self._broker.subscribe(workspace_id)
        topic.opening = asyncio.create_task(self._open(topic))
        return topic

    async def _open(self, topic: Topic) -> None:
        """First the channel, then the head: what is committed later is then heard."""
        workspace_id = topic.workspace_id
        try:
            await self._broker.acknowledged(workspace_id)
            epoch, heads = await self.log.heads([workspace_id])
            if workspace_id not in heads:
                raise NoSuchWorkspace
            topic.open(epoch, heads[workspace_id].seq)
        except Exception as error:  # noqa: BLE001 - raised in all who wait
            self._forget(topic)  # so that the next to come tries again
            topic.failure = error
            topic.opened.set()

    def _forget(self, topic: Topic) -> None:
        if self._topics.get(topic.workspace_id) is topic:
            del self._topics[topic.workspace_id]
            self._broker.unsubscribe(topic.workspace_id)
