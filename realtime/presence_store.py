"""The way to the leases in Redis: one link, scripts in, answers out, with every wait bounded.

Invariant: whoever asks while Redis is away hears so at once or within ANSWER_SECONDS; nothing is tried again here.
When it is back `on_recovery` says so, and the owner of the tabs touches them all again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.presence import ActivityMode
from realtime.link import BROKEN, Link
from realtime.presence_scripts import BEAT, EVICT, LEAVE, SNAPSHOT, SWEEP, TOUCH
from realtime.presence_state import Presence, Snapshot, Status, decode_presence, encode_audience, instant

CHANNEL = b"tutti:presence:"
LEASE_SECONDS = 24.0
"""With a sweep each second a killed process's people are gone within 26 s; three beats fit into it."""
GRACE_SECONDS = 4.5
"""With a sweep each second somebody who closed their last tab is gone within 6 s; a reload takes less."""
ACTIVITY_SECONDS = 10.0
GAP_SECONDS, HOLD_SECONDS = 5.0, 12.0
"""After so long without a sweep leases do not end for so long: everybody can beat once before."""
MAX_TABS = 50
MAX_GONE = 500
KEPT_SECONDS = 24 * 3600.0
"""After so long without a sweep nobody cares."""
ANSWER_SECONDS = 1.0
PING_SECONDS = 1.0
MAX_AT_ONCE = 64
BACKOFF_SECONDS = (0.05, 1.0)
GATHER_SECONDS = 0.05
"""How long those who come and go wait for others: to pass on a few dozen costs little more than to pass on one."""

logger = logging.getLogger(__name__)


class Away(Exception):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Doing:
    """An activity as somebody asks for it."""

    thing_id: UUID
    field: str | None
    mode: ActivityMode
    audience: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found: how far the room is, and who is gone since when."""

    epoch: bytes
    rev: int
    gone: list[tuple[UUID, datetime]]


def _milliseconds(seconds: float) -> bytes:
    return b"%d" % round(seconds * 1000)


def _touching(
    person_id: UUID,
    tab: UUID,
    member_id: UUID,
    audience: frozenset[str],
    status: Status | None,
    doing: Doing | bool | None,
) -> tuple[bytes, ...]:
    """The arguments of TOUCH."""
    activity: tuple[str, ...] = ("=", "", "", "", "")
    if doing is None:
        activity = ("-", "", "", "", "")
    elif isinstance(doing, Doing):
        activity = ("+", str(doing.thing_id), doing.field or "", doing.mode, encode_audience(doing.audience))
    return (
        str(person_id).encode(),
        str(tab).encode(),
        _milliseconds(LEASE_SECONDS),
        str(member_id).encode(),
        encode_audience(audience).encode(),
        (status or "").encode(),
        *(one.encode() for one in activity),
        _milliseconds(ACTIVITY_SECONDS),
        b"%d" % MAX_TABS,
    )


class Store:
    """One per process; `run` it. All other methods raise Away."""

    def __init__(self, redis_url: str, on_recovery: Callable[[], None]) -> None:
        self._redis_url = redis_url
        self._on_recovery = on_recovery
        self._waiting: deque[tuple[tuple[bytes, ...], asyncio.Future[Any] | None]] = deque()
        self._wake = asyncio.Event()
        self._gathering: asyncio.TimerHandle | None = None
        self.is_healthy = False

    async def touch(
        self,
        workspace_id: UUID,
        person_id: UUID,
        tab: UUID,
        member_id: UUID,
        audience: frozenset[str],
        status: Status | None,
        doing: Doing | bool | None,
        *,
        may_wait: bool = False,
    ) -> Presence:
        """A tab lives. `status` None: as it said before; `doing` False: as before, None: nothing any more.

        `may_wait`: for GATHER_SECONDS, until it is passed on.
        """
        arguments = _touching(person_id, tab, member_id, audience, status, doing)
        person, state, seen = await self._call(TOUCH, workspace_id, *arguments, may_wait=may_wait)
        return decode_presence(person, state, seen)

    def come(
        self,
        workspace_id: UUID,
        person_id: UUID,
        tab: UUID,
        member_id: UUID,
        audience: frozenset[str],
        status: Status | None,
    ) -> None:
        """`touch` for whoever waits for nothing, after GATHER_SECONDS. While Redis is away nothing is passed on."""
        if self.is_healthy:
            arguments = _touching(person_id, tab, member_id, audience, status, doing=False)
            self._pass_on(TOUCH, workspace_id, arguments, None, may_wait=True)

    async def beat(self, workspace_id: UUID, tabs: Sequence[tuple[UUID, UUID]]) -> list[int]:
        """(person, tab)... live as before. -> the places of those that Redis does not know."""
        flat = [str(one).encode() for pair in tabs for one in pair]
        unknown: list[int] = await self._call(BEAT, workspace_id, _milliseconds(LEASE_SECONDS), *flat)
        return unknown

    async def leave(self, workspace_id: UUID, person_id: UUID, tab: UUID, *, may_wait: bool = False) -> None:
        whose = str(person_id).encode(), str(tab).encode()
        await self._call(LEAVE, workspace_id, *whose, _milliseconds(GRACE_SECONDS), may_wait=may_wait)

    async def evict(self, workspace_id: UUID, person_id: UUID) -> None:
        await self._call(EVICT, workspace_id, str(person_id).encode())

    async def sweep(self, workspace_id: UUID) -> Sweep:
        epoch, rev, _, gone = await self._call(
            SWEEP,
            workspace_id,
            _milliseconds(GAP_SECONDS),
            _milliseconds(HOLD_SECONDS),
            b"%d" % MAX_GONE,
            _milliseconds(KEPT_SECONDS),
        )
        pairs = zip(gone[::2], gone[1::2], strict=True)
        return Sweep(epoch, rev, [(UUID(person.decode()), instant(seen)) for person, seen in pairs])

    async def snapshot(self, workspace_id: UUID) -> Snapshot:
        epoch, rev, hold, found = await self._call(
            SNAPSHOT, workspace_id, _milliseconds(GAP_SECONDS), _milliseconds(HOLD_SECONDS)
        )
        people = [decode_presence(*found[i : i + 3]) for i in range(0, len(found), 3)]
        return Snapshot(epoch, rev, hold / 1000, {one.person_id: one for one in people})

    async def _call(self, script: str, workspace_id: UUID, *arguments: bytes, may_wait: bool = False) -> Any:
        if not self.is_healthy:
            raise Away
        answer = asyncio.get_running_loop().create_future()
        self._pass_on(script, workspace_id, arguments, answer, may_wait=may_wait)
        return await answer

    def _pass_on(
        self,
        script: str,
        workspace_id: UUID,
        arguments: tuple[bytes, ...],
        answer: asyncio.Future[Any] | None,
        *,
        may_wait: bool,
    ) -> None:
        whose = str(workspace_id).encode()
        command = (b"EVALSHA", _DIGESTS[script], b"1", b"tutti:presence:{%s}" % whose, CHANNEL + whose, *arguments)
        self._waiting.append((command, answer))
        if not may_wait:
            self._wake.set()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        if self._waiting:  # perhaps somebody who could not wait took them along
            self._wake.set()

    async def run(self) -> None:
        """Keep a link until cancelled."""
        shortest, longest = BACKOFF_SECONDS
        pause = shortest
        while True:
            link = Link(self._redis_url)
            try:
                await link.connect()
                async with asyncio.timeout(ANSWER_SECONDS):
                    await link.ask(*[(b"SCRIPT", b"LOAD", script.encode()) for script in _DIGESTS])
                self.is_healthy = True
                pause = shortest
                self._on_recovery()
                while True:
                    await self._serve(link)
            except BROKEN as error:
                logger.warning("Presence has lost Redis: %r", error)
            except Exception:
                logger.exception("Presence could not use Redis.")
            finally:
                self.is_healthy = False
                self._give_up()
                await link.close()
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    async def _serve(self, link: Link) -> None:
        """Pass on what waits, many to a round trip; a link that rests is asked now and then whether it lives."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
        taken = [self._waiting.popleft() for _ in range(min(MAX_AT_ONCE, len(self._waiting)))]
        if self._waiting:
            self._wake.set()
        answers = [answer for _, answer in taken]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await link.send(*[command for command, _ in taken] or [(b"PING",)])
                if not taken:
                    await link.receive()
                for answer in answers:
                    reply = await link.receive()
                    if answer is not None and not answer.done():
                        answer.set_result(reply)
        finally:
            for answer in answers:
                if answer is not None and not answer.done():
                    answer.set_exception(Away())

    def _give_up(self) -> None:
        while self._waiting:
            _, answer = self._waiting.popleft()
            if answer is not None and not answer.done():
                answer.set_exception(Away())


_DIGESTS = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest().encode()
    for script in (TOUCH, BEAT, LEAVE, EVICT, SWEEP, SNAPSHOT)
}
"""How Redis names the scripts."""
