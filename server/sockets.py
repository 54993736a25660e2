"""The live sockets of this process: whose they are, how many, and how to close them.

A socket is here from its handshake on, and counts for a person and a session once it is authenticated.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Coroutine, Iterable, KeysView, Sized
from typing import Protocol
from uuid import UUID

from server.credentials import Credentials, holder_of
from server.tally import Tally


class Connection(Protocol):
    """A socket, or a response that goes on."""

    credentials: Credentials | None
    """None until it is somebody's."""

    @property
    def operations(self) -> Sized:
        """What runs on it."""

    async def close(self, code: int, reason: str) -> None:
        """End it by one of the close codes, once."""

    async def finish(self) -> None:
        """Wait until what must not be cut off is answered."""


class Sockets:
    """One for each process. A peer that answers no ping is dropped after `ping_seconds` + `pong_seconds` at most."""

    def __init__(self, ping_seconds: float = 10.0, pong_seconds: float = 8.0) -> None:
        self.ping_seconds = ping_seconds
        self.pong_seconds = pong_seconds
        self.is_draining = False
        self.tally = Tally()
        self._sockets: set[Connection] = set()
        self._by_session: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self._by_token: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self._by_user: defaultdict[UUID, set[Connection]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """All sockets of this process, also those not authenticated yet."""
        return len(self._sockets)

    @property
    def operation_count(self) -> int:
        """Operations running on all sockets."""
        return sum(len(socket.operations) for socket in self._sockets)

    def session_ids(self) -> KeysView[UUID]:
        """The sessions that have a socket here; it follows them."""
        return self._by_session.keys()

    def token_ids(self) -> KeysView[UUID]:
        """The API tokens that have a socket here; it follows them."""
        return self._by_token.keys()

    def count_of(self, user_id: UUID) -> int:
        """How many authenticated sockets a person has here."""
        return len(self._by_user.get(user_id, ()))

    def close_sessions(self, session_ids: Iterable[UUID]) -> None:
        """Closes all sockets of these sessions as revoked (4403); nothing more is delivered to them from now on."""
        self._revoke(self._by_session, session_ids, "The session was revoked")

    def close_tokens(self, token_ids: Iterable[UUID]) -> None:
        """The same for API tokens."""
        self._revoke(self._by_token, token_ids, "The API token was revoked")

    def _revoke(self, sockets: defaultdict[UUID, set[Connection]], ids: Iterable[UUID], reason: str) -> None:
        for one in ids:
            for socket in sockets.get(one, ()):
                self.start(socket.close(4403, reason))

    async def close_all(self, code: int, spread_seconds: float) -> None:
        """Closes every socket, spread over so many seconds, so that clients do not all come back at once.

        Refuses new sockets from now on. Queries and mutations that are running on a socket finish first.
        """
        self.is_draining = True
        await self.send_away(code, "The server is going away; please reconnect", spread_seconds)

    async def send_away(self, code: int, reason: str, spread_seconds: float) -> None:
        """Closes the sockets that there are, spread over so many seconds; new ones may come."""
        sockets = list(self._sockets)
        random.shuffle(sockets)
        delays = (spread_seconds * number / len(sockets) for number in range(len(sockets)))
        await asyncio.gather(
            *(_leave(socket, code, reason, delay) for socket, delay in zip(sockets, delays, strict=True))
        )

    def start(self, coroutine: Coroutine[None, None, None]) -> None:
        """Runs something for a socket in the background and keeps it from being collected meanwhile."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def add(self, socket: Connection) -> None:
        """A socket whose handshake is done."""
        self._sockets.add(socket)

    def authenticated(self, socket: Connection, credentials: Credentials) -> None:
        """A socket that is somebody's now. An API token's sockets are counted for itself, not for its creator."""
        self._by_user[holder_of(credentials)].add(socket)
        by = self._by_session if credentials.token is None else self._by_token
        by[credentials.session_id].add(socket)

    def remove(self, socket: Connection) -> None:
        """A socket that is closed."""
        self._sockets.discard(socket)
        if socket.credentials is not None:
            credentials = socket.credentials
            _discard(self._by_user, holder_of(credentials), socket)
            by = self._by_session if credentials.token is None else self._by_token
            _discard(by, credentials.session_id, socket)


def _discard(sockets: defaultdict[UUID, set[Connection]], key: UUID, socket: Connection) -> None:
    sockets[key].discard(socket)
    if not sockets[key]:
        del sockets[key]


async def _leave(socket: Connection, code: int, reason: str, delay_seconds: float) -> None:
    await asyncio.sleep(delay_seconds)
    await socket.finish()
    await socket.close(code, reason)
