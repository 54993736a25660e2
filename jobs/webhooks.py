"""Tells webhooks what happens: each in order, at least once, with its own pace, once across all processes.

A worker claims webhooks that have something to be told, reads it, sends it one message after the other, and writes down
each answer before it sends the next. It may be killed between any two steps: the claim runs out, and whoever comes next
begins after the last answer that was written down, with the same ids. Invariant: only a 2xx moves a webhook on.

Redis wakes it for what is new; what it misses it finds by looking now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db import webhook_queue as queue
from db.errors import Busy, Unavailable
from db.gathering import Gathering
from db.ids import new_id, typed
from db.log import read_epoch
from db.models import DeliveryState
from db.session import Database, Session
from db.unit_of_work import Writer, now
from db.webhook_queue import Result, Trial, Work
from domain.reminders import SYSTEM
from domain.webhooks import pause_ended
from jobs.webhook_payloads import Message, Page, Payloads, RightsEnded, test_body
from jobs.webhook_posting import Answer, Poster
from realtime.bells import Bells

TESTS_AT_ONCE = 20
READS_AT_ONCE = 8
"""Of the connections to PostgreSQL, so that nobody waits for one in vain."""
CLAIM = timedelta(seconds=30)
"""Longer than one attempt and the writing down of its answer; so long a webhook waits for one who takes over."""
FRESH_SECONDS = 1.0
"""For so long what was read may be sent: as soon as this the rights that it was read with are gone."""
LISTEN_SECONDS = 1.0
"""How soon it is woken for a workspace whose first webhook is new."""
ENDED_SECONDS = 0.5
"""How soon a webhook is paused whose creator has left, or whose API token has expired."""
FIRST_PAGE, MAX_PAGE = 8, 64
UNTELLABLE = "The server could not write this event down, by a mistake of its own, and tries again. Its log says why."
TROUBLE = timedelta(minutes=1)
"""After a mistake of ours, before the same is tried again."""

log = logging.getLogger("tutti.webhooks")


@dataclass(frozen=True, slots=True)
class Pace:
    """`backoff`: after each attempt that failed; after the last one, for ever, `probe_every`.

    `look_seconds`: so often it looks for what nobody woke it for, and `rest_seconds` at least lie between two looks.
    `webhooks_at_once`, and besides them `retries_at_once`, of which the last attempt failed: receivers that hang until
    the time is up take no room from those that answer. `turn_seconds`: so long one that always has more keeps its place
    while others wait for one.
    """

    backoff: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(minutes=30),
        *[timedelta(hours=hours) for hours in (1, 2, 4, 8, 8)],
    )
    probe_every: timedelta = timedelta(hours=1)
    look_seconds: float = 0.5
    rest_seconds: float = 0.05
    claim: timedelta = CLAIM
    webhooks_at_once: int = 200
    retries_at_once: int = 100
    turn_seconds: float = 10.0

    def after(self, attempts: int) -> tuple[timedelta, bool]:
        """-> (how long to wait after so many attempts that failed, whether that is 24 hours' worth)"""
        if attempts <= len(self.backoff):
            return self.backoff[attempts - 1], False
        return self.probe_every, True


@dataclass(slots=True)
class Courier:
    """What it takes to tell webhooks."""

    database: Database
    poster: Poster
    payloads: Payloads
    bells: Bells
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], datetime] = now
    reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_AT_ONCE))
    results: Gathering[Result, bool] = field(init=False)
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self.database, lambda events: None)  # pausing is told to nobody but the audit log
        self.results = Gathering(self._record)

    async def _record(self, results: list[Result]) -> Mapping[Result, bool]:
        until = self.clock() + self.pace.claim
        moved = await self.database.alone(lambda session: queue.record_results(session, results, until))
        return {one: one.webhook_id in moved for one in results}


async def run_webhooks(courier: Courier) -> None:
    """For ever: tell webhooks what they are to be told, as many at once as there are, up to a limit."""
    pace, now_seconds, listen_at, end_at = courier.pace, asyncio.get_running_loop().time, 0.0, 0.0
    working, retrying, testing = Lane(pace.webhooks_at_once), Lane(pace.retries_at_once), Lane(TESTS_AT_ONCE)
    hearing = asyncio.create_task(courier.bells.run())
    try:
        while True:
            try:
                if now_seconds() >= listen_at:
                    courier.bells.listen_to(await courier.database.alone(queue.told_workspace_ids))
                    listen_at = now_seconds() + LISTEN_SECONDS
                await _begin(courier, working, retrying, testing)
                if now_seconds() >= end_at:
                    await _pause_ended(courier)
                    end_at = now_seconds() + ENDED_SECONDS
            except (Unavailable, Busy):
                log.warning("PostgreSQL is away or busy; webhooks wait")
            except Exception:
                log.exception("Webhooks stumbled; they go on")
            await asyncio.sleep(pace.rest_seconds)
            await courier.bells.wait(pace.look_seconds - pace.rest_seconds)
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, working.end(), retrying.end(), testing.end(), return_exceptions=True)


@dataclass(slots=True)
class Lane:
    """Room for so many that are worked on at once."""

    size: int
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def room(self) -> int:
        return self.size - len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin. Whoever is still under way with the same has lost its claim to this one, and ends at its next step."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _begin(courier: Courier, working: Lane, retrying: Lane, testing: Lane) -> None:
    """Claim what waits, and begin to work on it."""
    claim, at = new_id(), courier.clock()
    until = at + courier.pace.claim

    async def claim_all(session: Session) -> tuple[list[UUID], list[UUID], list[Trial]]:
        epoch = await read_epoch(session)
        first, again = [
            await queue.claim_webhooks(session, claim, at, until, epoch, lane.room, is_retry=lane is retrying)
            for lane in (working, retrying)
        ]
        return first, again, await queue.claim_tests(session, at, at + 2 * courier.pace.claim, testing.room)

    first, again, tests = await courier.database.alone(claim_all)
    for lane, claimed in ((working, first), (retrying, again)):
        for webhook_id in claimed:
            lane.start(_guarded(courier, webhook_id, claim, lane))
    for test in tests:
        testing.start(_send_test(courier, test))


async def _guarded(courier: Courier, webhook_id: UUID, claim: UUID, lane: Lane) -> None:
    """Work on one webhook; whatever goes wrong stays with it."""
    try:
        await serve(courier, webhook_id, claim, lane)
    except (Unavailable, Busy):
        log.warning("PostgreSQL is away or busy; a webhook waits")
    except Exception:
        log.exception("The webhook %s could not be served; it is tried again", webhook_id)
        due_at = courier.clock() + TROUBLE
        try:
            await courier.database.alone(lambda session: queue.postpone(session, webhook_id, claim, due_at))
        except Unavailable:
            log.warning("PostgreSQL is away; a webhook waits until its claim runs out")


async def serve(courier: Courier, webhook_id: UUID, claim: UUID, lane: Lane) -> None:
    """Tell one claimed webhook all that there is, until there is no more, it does not take it, or others wait."""
    database, bells = courier.database, courier.bells
    size, rung = FIRST_PAGE, bells.count
    turn_ends = asyncio.get_running_loop().time() + courier.pace.turn_seconds
    while lane.room or asyncio.get_running_loop().time() < turn_ends:
        rung = bells.count
        async with courier.reads:
            began = asyncio.get_running_loop().time()
            found = await _read(courier, webhook_id, claim, size)
        if found is None:
            break
        sent = await _send_page(courier, *found, claim, began + FRESH_SECONDS)
        if sent is None:
            break
        # As many as can be sent while they are fresh; where none is for this one, on to where there are some.
        was_late = not sent and found[1].messages
        size = 1 if was_late else min(MAX_PAGE, 2 * (sent or size))
    await database.alone(lambda session: queue.release(session, webhook_id, claim, courier.clock()))
    if bells.count != rung:
        bells.ring()  # whoever was woken meanwhile found it claimed, and it may have read before that


async def _read(courier: Courier, webhook_id: UUID, claim: UUID, most: int) -> tuple[Work, Page] | None:
    """What is to be sent next; None: nothing, or not by us."""
    database, at = courier.database, courier.clock()
    work = await database.alone(lambda session: queue.read_work(session, webhook_id, claim, at))
    if work is None:
        return None
    webhook = work.webhook
    try:
        page = await courier.payloads.next_page(webhook, most, at)
    except RightsEnded:
        await _pause(courier, webhook_id)
        return None
    return None if page is None else (work, page)


async def _pause_ended(courier: Courier) -> None:
    """Pause those that nobody's rights stand behind any more, also where there is nothing to tell them."""
    at = courier.clock()
    for webhook_id in await courier.database.alone(lambda session: queue.ended_webhook_ids(session, at)):
        await _pause(courier, webhook_id)


async def _pause(courier: Courier, webhook_id: UUID) -> None:
    at = courier.clock()
    log.info("The webhook %s is paused: its creator has left, or its API token has ended", webhook_id)
    await courier.writer.run(SYSTEM, lambda uow: pause_ended(uow, webhook_id, at))


async def _send_page(courier: Courier, work: Work, page: Page, claim: UUID, fresh_until: float) -> int | None:
    """Send messages while they are fresh. -> how many, or None if the webhook must not be told more for now."""
    webhook = work.webhook
    stood = webhook.seq
    for count, message in enumerate(page.messages):
        # The first one, too: this process may have stood still since it was read.
        if asyncio.get_running_loop().time() > fresh_until:
            return count
        at = courier.clock()
        if message.body is None:
            answer = Answer(error=UNTELLABLE)
        else:
            answer = await courier.poster.post(webhook.url, message.global_id, work.secrets, message.body, at)
        result = _result(courier, work, claim, message, answer, stood)
        if not await courier.results.ask(result) or not answer.is_delivered:
            return None
        stood = message.through[1]
    if (page.through[0], page.through[1]) != (page.messages[-1].through if page.messages else (webhook.epoch, stood)):
        passed = Result(webhook.id, claim, webhook.revision, stood, page.through, courier.clock())
        if not await courier.results.ask(passed):
            return None
    return len(page.messages)


def _result(courier: Courier, work: Work, claim: UUID, message: Message, answer: Answer, stood: int) -> Result:
    webhook, at = work.webhook, courier.clock()
    is_first = stood == webhook.seq
    wait, is_failing = courier.pace.after(webhook.attempts + 1 if is_first else 1)
    told = answer.is_delivered
    if not told and is_failing and webhook.failing_since is None:
        log.warning("The webhook %s is failing: %s", webhook.id, answer.error)
    return Result(
        webhook_id=webhook.id,
        claim=claim,
        revision=webhook.revision,
        stood=stood,
        through=message.through if told else (webhook.epoch, stood),
        at=at,
        is_delivered=told,
        delivery_id=message.id,
        place=message.place,
        status_code=answer.status_code,
        error=answer.error,
        response=answer.response,
        due_at=None if told else at + wait,
        is_failing=is_failing and not told,
    )


async def _send_test(courier: Courier, test: Trial) -> None:
    """Send a test once, and write down what became of it."""
    try:
        at = courier.clock()
        body = test_body(test.workspace_id, test.place, test.created_at)
        answer = await courier.poster.post(test.url, typed("delivery", test.id), test.secrets, body, at)
        ended_at = courier.clock()
        values = {
            "state": (DeliveryState.DELIVERED if answer.is_delivered else DeliveryState.FAILED).value,
            "last_attempt_at": ended_at,
            "last_status_code": answer.status_code,
            "last_error": answer.error,
            "last_response": answer.response,
            "delivered_at": ended_at if answer.is_delivered else None,
        }
        await courier.database.alone(lambda session: queue.end_test(session, test.id, values))
    except (Unavailable, Busy):
        log.warning("PostgreSQL is away or busy; a test of a webhook is sent again")
    except Exception:
        log.exception("A test of a webhook could not be sent")
