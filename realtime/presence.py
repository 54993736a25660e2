"""Presence in one server process: its tabs, kept alive in Redis, and its rooms, which tell who is where.

A tab lives as long as somebody holds it by `present`, or for one lease by `update`. Invariant: nothing here says that
somebody left unless Redis does, and Redis only where the clock has been watched; while it is away rooms stay as they
were, marked stale, and when it is back all tabs are touched before anything is swept.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.errors import Unavailable
from db.gathering import Gathering
from db.presence import Attendee, keep_last_seen
from db.session import Database, Session
from realtime.commits import Commit
from realtime.counters import Counters
from realtime.cursor import Cursor
from realtime.follow import AccessRevoked, NotVisible
from realtime.hub import Hub, NoSuchWorkspace
from realtime.listener import Expired, Listener
from realtime.presence_pace import Pace
from realtime.presence_place import Place, Tab
from realtime.presence_room import Room, Viewer
from realtime.presence_state import SNAPSHOT_SECONDS, Presence, PresenceBatch, Status
from realtime.presence_store import CHANNEL, Away, Doing, Store
from realtime.subscriber import Subscriber
from realtime.topic import RETRY_SECONDS, Topic
from realtime.turn import turn

BEAT_SECONDS = 8.0
SWEEP_SECONDS = 1.0
TABS_AT_ONCE = 200
SWEPT_AFTER_SECONDS = 60.0
"""A room that nobody here needs any more is swept for so long, until the last of its leases has ended."""
PATIENCE_SECONDS = 1.0
"""How long the first viewer waits for Redis, before they are shown what is known: nothing."""
HEED_SECONDS = 2.0
LOOK_SECONDS = 0.2
"""How long a query waits for Redis, as it may hold a snapshot of PostgreSQL meanwhile."""
MAX_SEEN = 10_000
CLOSING_SECONDS = 1.0

ReadAttendees = Callable[[Session, UUID, Collection[UUID]], Awaitable[dict[UUID, Attendee]]]
"""(session, workspace id, user ids) -> those who belong to the workspace."""

logger = logging.getLogger(__name__)


class Presences:
    """One per process; `run` it."""

    def __init__(
        self, redis_url: str, database: Database, hub: Hub, read_attendees: ReadAttendees, counters: Counters
    ) -> None:
        self.pace = Pace()
        self._database = database
        self._hub = hub
        self._read_attendees = read_attendees
        # A thousand who come back at once share a statement.
        self._gathered = Gathering(self._attendees_by_places)
        self._store = Store(redis_url, self._recovered)
        self._subscriber = Subscriber(redis_url, self._hear, self._load_all, counters, CHANNEL)
        self._places: dict[UUID, Place] = {}
        self._swept_until: dict[UUID, float] = {}
        self._seen: deque[tuple[UUID, UUID, datetime]] = deque(maxlen=MAX_SEEN)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        links = [asyncio.create_task(one) for one in (self._store.run(), self._subscriber.run())]
        loops = [asyncio.create_task(one) for one in (self._beat_on(), self._sweep_on())]
        try:
            await asyncio.wait([*links, *loops])
        finally:
            heeding = [one.heeding for one in self._places.values() if one.heeding is not None]
            await _end(*loops, *heeding)
            if self._tasks:  # what was begun is brought to its end: the last tabs of this process leave
                await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
            await _end(*links, *self._tasks)

    @property
    def is_healthy(self) -> bool:
        return self._store.is_healthy and self._subscriber.is_healthy

    # ---- tabs

    @asynccontextmanager
    async def present(self, workspace_id: UUID, person_id: UUID, tab_id: UUID) -> AsyncIterator[None]:
        """Somebody's tab is here as long as this is held. Never waits for anything; may be held several times."""
        place = self._take(workspace_id)
        tab = place.tabs.setdefault((person_id, tab_id), Tab(person_id, tab_id))
        tab.uses += 1
        if tab.uses == 1:
            place.tab_counts[person_id] += 1
            known = place.attendees.get(person_id) if place.heeds.is_set() else None
            if known is None:
                self._start(self._come(place, tab))
            else:
                self._show(place, tab, known)
        try:
            yield
        finally:
            tab.uses -= 1
            if tab.uses == 0:
                del place.tabs[person_id, tab_id]
                place.lose_tab(person_id)
                if tab.is_shown:
                    self._start(self._store.leave(workspace_id, person_id, tab_id, may_wait=True))
            self._release(place)

    async def _come(self, place: Place, tab: Tab) -> None:
        """Find out who a tab belongs to, and show them if they may be shown."""
        await place.heeds.wait()
        if not tab.uses:
            return
        attendee = place.attendees.get(tab.person_id)
        if attendee is None:
            attendee = await self._gathered.ask((place.workspace_id, tab.person_id))
        if tab.uses and attendee is not None:
            self._show(place, tab, attendee)

    def _show(self, place: Place, tab: Tab, attendee: Attendee) -> None:
        """A tab of somebody who is known. If Redis does not hear of it now, it does when it is back."""
        tab.attendee = attendee
        place.is_inhabited = True
        place.know(tab.person_id, attendee)
        if tab.is_shown:
            self._store.come(place.workspace_id, tab.person_id, tab.id, attendee.id, attendee.audience, tab.status)

    async def _touch(self, workspace_id: UUID, tab: Tab, attendee: Attendee) -> None:
        await self._store.touch(
            workspace_id, tab.person_id, tab.id, attendee.id, attendee.audience, tab.status, doing=False, may_wait=True
        )

    async def update(
        self,
        workspace_id: UUID,
        person_id: UUID,
        tab_id: UUID,
        attendee: Attendee,
        status: Status,
        doing: Doing | bool | None,
    ) -> Presence | None:
        """A tab says that it lives, and more. -> the person, all tabs folded into one; None if they hide.

        `doing` None: nothing any more, False: as before. While Redis is away: what was last known.
        """
        self._swept_until[workspace_id] = self._now() + SWEPT_AFTER_SECONDS
        place = self._places.get(workspace_id)
        tab = place.tabs.get((person_id, tab_id)) if place else None
        if place is not None and tab is not None:
            tab.attendee, tab.status = attendee, status
            place.know(person_id, attendee)
        if not attendee.is_shown:
            return None
        last = place.room.people.get(person_id) if place else None
        here = Presence(person_id, attendee.id, status, (), datetime.now(UTC), attendee.audience)
        try:
            if status is Status.OFFLINE:
                await self._store.leave(workspace_id, person_id, tab_id)
                return here
            return await self._store.touch(
                workspace_id, person_id, tab_id, attendee.id, attendee.audience, status, doing
            )
        except Away:
            return last or here

    async def withdraw(self, workspace_id: UUID, person_id: UUID) -> None:
        """Somebody may not be shown any more: they are gone at once, everywhere."""
        place = self._places.get(workspace_id)
        if place is not None:
            place.room.remove(person_id)
        with suppress(Away):
            await self._store.evict(workspace_id, person_id)

    # ---- rooms

    async def watch(
        self,
        workspace_id: UUID,
        person_id: UUID,
        thing_id: UUID | None = None,
        *,
        snapshot_seconds: float = SNAPSHOT_SECONDS,
    ) -> AsyncGenerator[PresenceBatch]:
        """Who is here, as far as this person may see: a snapshot, then what changes, a snapshot again each minute.

        `thing_id`: only those who do something with it; who stops is told once more. Raises NotVisible or Unavailable
        before the first batch, AccessRevoked later. Close it with `aclosing`.
        """
        place = self._take(workspace_id)
        room, viewer = place.room, Viewer(person_id, thing_id, snapshot_seconds)
        try:
            room.viewers.add(viewer)
            if len(room.viewers) == 1:
                self._subscriber.subscribe(workspace_id)
                self._load(place)
            try:
                async with asyncio.timeout(HEED_SECONDS):
                    await place.heeds.wait()
            except TimeoutError:
                raise Unavailable("The log cannot be followed.") from None
            standing = await self._hub.log.standing(workspace_id, person_id)
            if standing is None or standing.tags is None:
                raise NotVisible
            viewer.stand(standing.tags, standing.head.seq)
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await place.loaded.wait()
            while (batch := await viewer.next(room)) is not None:
                yield batch
            raise AccessRevoked
        finally:
            room.viewers.discard(viewer)
            if viewer.group is not None:
                viewer.group.leave(viewer)
            if not room.viewers:
                self._subscriber.unsubscribe(workspace_id)
                self._forget(place)
            self._release(place)

    async def here(self, workspace_id: UUID) -> dict[UUID, Presence] | None:
        """Everybody who is here now, whoever may see them; None while that is not known."""
        place = self._places.get(workspace_id)
        if place is not None and place.room.viewers and place.loaded.is_set():
            return dict(place.room.people)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return (await self._store.snapshot(workspace_id)).people
        except (Away, TimeoutError):
            return None

    def _take(self, workspace_id: UUID) -> Place:
        place = self._places.get(workspace_id)
        if place is None:
            place = self._places[workspace_id] = Place(workspace_id, Room())
            place.heeding = self._start(self._heed(place))
        place.users += 1
        return place

    def _release(self, place: Place) -> None:
        place.users -= 1
        if place.users == 0:
            del self._places[place.workspace_id]
            if place.is_inhabited:
                self._swept_until[place.workspace_id] = self._now() + SWEPT_AFTER_SECONDS
            if place.heeding is not None:
                place.heeding.cancel()
                place.heeding = None  # it ends with a traceback, which refers to the place
            place.heeds.set()  # nobody is left who would want to know

    def _forget(self, place: Place) -> None:
        """Nobody looks any more: the room is empty and hears nothing."""
        if place.loading is not None:
            place.loading.cancel()
            place.loading = None  # whoever looks next begins one of their own
        place.room.close()
        place.room = Room(place.room.position)
        place.loaded = asyncio.Event()
        place.swept_to = None

    def _hear(self, workspace_id: UUID, message: bytes) -> None:
        place = self._places.get(workspace_id)
        if place is not None and place.room.viewers and not place.room.hear(message):
            self._load(place)

    def _load_all(self) -> None:
        """Messages may be missing: look at everything anew."""
        for place in self._places.values():
            self._load(place)

    def _load(self, place: Place) -> None:
        if not place.room.viewers:
            return
        if place.loading is not None and not place.loading.done():
            place.is_load_wanted = True
            return
        place.loading = self._start(self._load_on(place))

    def _load_again(self, workspace_id: UUID) -> None:
        place = self._places.get(workspace_id)
        if place is not None:
            self._load(place)

    async def _load_on(self, place: Place) -> None:
        """Read the room from Redis; once more if that was asked for meanwhile, and again when a hold is over."""
        place.is_load_wanted = True
        while place.is_load_wanted:
            place.is_load_wanted = False
            room = place.room
            room.unload()
            await self._subscriber.acknowledged(place.workspace_id)
            snapshot = await self._store.snapshot(place.workspace_id)
            for person_id in await self._not_to_be_shown(place.workspace_id, snapshot.people):
                del snapshot.people[person_id]
                self._start(self.withdraw(place.workspace_id, person_id))
            before = room.people
            room.load(snapshot)
            for person_id in before.keys() - room.people.keys():
                self._was_seen(place.workspace_id, person_id, before[person_id].seen_at)
            place.loaded.set()
            room.set_stale(not self.is_healthy)
            if snapshot.hold_seconds:
                hold = snapshot.hold_seconds + SWEEP_SECONDS
                asyncio.get_running_loop().call_later(hold, self._load_again, place.workspace_id)

    async def _not_to_be_shown(self, workspace_id: UUID, people: dict[UUID, Presence]) -> list[UUID]:
        """Whom Redis still knows though they left the workspace or hide; nobody while PostgreSQL is away."""
        try:
            found = await self._attendees(workspace_id, list(people))
        except Unavailable:
            return []
        return [
            person_id
            for person_id, one in people.items()
            if person_id not in found or not found[person_id].is_shown or found[person_id].id != one.id
        ]

    async def _attendees(self, workspace_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Attendee]:
        if not user_ids:
            return {}
        return await self._database.alone(lambda session: self._read_attendees(session, workspace_id, user_ids))

    async def _attendees_by_places(self, places: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Attendee]:
        by_workspace: dict[UUID, list[UUID]] = defaultdict(list)
        for workspace_id, person_id in places:
            by_workspace[workspace_id].append(person_id)
        found = {}
        for workspace_id, people in by_workspace.items():
            for person_id, attendee in (await self._attendees(workspace_id, people)).items():
                found[workspace_id, person_id] = attendee
        return found

    # ---- the log: rights and audiences change in its order

    async def _heed(self, place: Place) -> None:
        """Follow the workspace's log from now on, for as long as the place is needed."""
        while True:
            try:
                async with self._hub.join(place.workspace_id) as topic:
                    heeding = _Heeding(topic, lambda commits: self._heed_all(place, commits))
                    try:
                        while True:
                            place.room.position = topic.last
                            heeding.listener.seek(Cursor(place.workspace_id, topic.epoch, topic.last), topic.last)
                            place.heeds.set()
                            with suppress(Expired):
                                await heeding.go_on()
                            self._look_again(place)
                    finally:
                        heeding.close()
            except NoSuchWorkspace:
                place.heeds.set()
                return
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)

    def _heed_all(self, place: Place, commits: list[Commit]) -> None:
        for commit in commits:
            for event in commit.events:
                is_known = place.room.heed(event)
                if is_known or event.entity_id in place.member_ids:
                    self._start(self._look_at(place, event.entity_id))

    def _look_again(self, place: Place) -> None:
        """Part of the log was missed: look at everybody."""
        self._load(place)
        for member_id in {one.attendee.id for one in place.tabs.values() if one.attendee is not None}:
            self._start(self._look_at(place, member_id))

    async def _look_at(self, place: Place, member_id: UUID) -> None:
        """Something about a member changed: show them as they may be shown now."""
        tabs = [one for one in place.tabs.values() if one.attendee is not None and one.attendee.id == member_id]
        people = {one.person_id for one in tabs}
        people |= {one.person_id for one in place.room.people.values() if one.id == member_id}
        for person_id in people:
            attendee = await self._gathered.ask((place.workspace_id, person_id))
            known = attendee or Attendee(member_id, frozenset(), is_shown=False)
            place.know(person_id, known)
            for tab in tabs:
                tab.attendee = known
            if attendee is None or not attendee.is_shown:
                await self.withdraw(place.workspace_id, person_id)
                continue
            for tab in tabs:
                if tab.uses and tab.is_shown:
                    await self._touch(place.workspace_id, tab, attendee)

    # ---- leases

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._beat_all()

    def _recovered(self) -> None:
        """Redis is there again, perhaps empty."""
        self._beat_all()
        self._load_all()

    def _beat_all(self) -> None:
        for place in self._places.values():
            shown = [tab for tab in place.tabs.values() if tab.is_shown]
            for i in range(0, len(shown), TABS_AT_ONCE):
                self._start(self._beat(place, shown[i : i + TABS_AT_ONCE]))
            for tab in place.tabs.values():
                if tab.attendee is None and place.heeds.is_set():
                    self._start(self._come(place, tab))

    async def _beat(self, place: Place, tabs: list[Tab]) -> None:
        unknown = await self._store.beat(place.workspace_id, [(tab.person_id, tab.id) for tab in tabs])
        for index in unknown:
            tab = tabs[index]
            if tab.uses and tab.is_shown and tab.attendee is not None:
                await self._touch(place.workspace_id, tab, tab.attendee)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._look_at_places()
            now = self._now()
            self._swept_until = {one: until for one, until in self._swept_until.items() if until > now}
            if self._store.is_healthy:
                await self._sweep_all()
            if self._seen:
                self._start(self._keep_seen())

    def _look_at_places(self) -> None:
        """Apart from what sleeps, which would hold the last place for as long as there is no other."""
        for place in self._places.values():
            if place.room.viewers and not self.is_healthy:
                place.room.set_stale(True)
            elif place.room.viewers and place.room.is_stale:
                self._load(place)

    async def _sweep_all(self) -> None:
        sweeps = [self._sweep(one) for one in {*self._places, *self._swept_until}]
        for found in await asyncio.gather(*sweeps, return_exceptions=True):
            if isinstance(found, BaseException) and not isinstance(found, Away):
                logger.error("A sweep failed.", exc_info=found)

    async def _sweep(self, workspace_id: UUID) -> None:
        sweep = await self._store.sweep(workspace_id)
        for person_id, seen_at in sweep.gone:
            self._was_seen(workspace_id, person_id, seen_at)
        place = self._places.get(workspace_id)
        if place is None or not place.room.viewers:
            return
        # What was swept a second ago has long been heard, if messages come at all.
        if place.swept_to is not None:
            epoch, rev = place.swept_to
            if place.room.epoch != epoch or place.room.rev < rev:
                self._load(place)
        place.swept_to = (sweep.epoch, sweep.rev)

    def _was_seen(self, workspace_id: UUID, person_id: UUID, seen_at: datetime | None) -> None:
        if seen_at is not None:
            self._seen.append(
                (workspace_id, person_id, seen_at.replace(microsecond=seen_at.microsecond // 1000 * 1000))
            )

    async def _keep_seen(self) -> None:
        """Remember when people left; what PostgreSQL does not take now it takes later."""
        seen = list(self._seen)
        self._seen.clear()
        try:
            await self._database.alone(lambda session: keep_last_seen(session, seen))
        except Unavailable:
            self._seen.extendleft(reversed(seen))
        except Exception:
            logger.exception("When people left could not be kept.")

    # ---- tasks

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something without waiting for it. That Redis or PostgreSQL is away is no failure: it is done again."""

        async def quietly() -> None:
            try:
                await work
            except (Away, Unavailable):
                pass
            except Exception:
                logger.exception("A step of presence failed.")

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Heeding:
    """Passes on what comes in a workspace in the turn in which it comes: to wake a task for each change is dear."""

    def __init__(self, topic: Topic, heed: Callable[[list[Commit]], None]) -> None:
        self.listener = Listener(topic, self._wake)
        self._heed = heed
        self._is_woken = False
        self._is_closed = False
        self._must_read = asyncio.Event()

    def close(self) -> None:
        """Pass on nothing more."""
        self._is_closed = True
        self.listener.close()

    async def go_on(self) -> None:
        """Read the log where that is needed, for ever. Raises Expired."""
        self._must_read.set()
        while True:
            while (commits := self.listener.now()) != []:
                self._heed(commits or await self.listener.read(until=math.inf))
            self._must_read.clear()
            await self._must_read.wait()

    def _wake(self) -> None:
        if not self._is_woken and not self._must_read.is_set():
            self._is_woken = True
            turn.render(self._take)

    def _take(self) -> None:
        self._is_woken = False
        if self._is_closed or self._must_read.is_set():
            return
        try:
            while commits := self.listener.now():
                self._heed(commits)
        except Expired:
            commits = None  # said where it is read
        if commits is None:
            self._must_read.set()


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
