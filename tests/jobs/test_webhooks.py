"""Webhooks as a receiver sees them: every event in order, at least once, signed, and never more than one may see."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.models import (
    Actor,
    ActorKind,
    ActorRef,
    DeliveryState,
    EventKind,
    Permission,
    Role,
    TokenRights,
    Webhook,
    WebhookDelivery,
    WebhookPauseReason,
    WebhookState,
)
from db.pages import PageRequest
from db.session import Database
from db.unit_of_work import now
from db.webhooks import delivery_pages, webhooks_by_ids
from domain import api_tokens, members, webhooks
from domain.merge import Base
from domain.reminders import SYSTEM
from jobs.webhook_payloads import Payloads, RightsEnded
from jobs.webhook_posting import SECONDS
from jobs.webhooks import UNTELLABLE, Courier, Pace
from realtime.counters import Counters
from realtime.link import Link
from realtime.messages import channel
from realtime.publisher import Publisher
from tests.db.office import Office
from tests.jobs.receiver import OK, Received, Receiver, answer, receiving
from tests.jobs.worker import HERE, QUICK, working
from tests.stack_fixture import TestStack


@dataclass
class Desk:
    """An office whose workspace has webhooks. `ahead`: by so much the worker's clock is ahead."""

    office: Office
    owner: Actor
    workspace_id: UUID
    redis_url: str
    ahead: timedelta = timedelta(0)
    secrets: dict[UUID, str] = field(default_factory=dict)

    def clock(self) -> datetime:
        return now() + self.ahead

    async def webhook(self, receiver: Receiver, *kinds: EventKind, by: Actor | None = None) -> UUID:
        secret = webhooks.new_secret()
        new = webhooks.NewWebhook(self.workspace_id, receiver.url, kinds or tuple(EventKind))
        made = await self.office.do(by or self.owner, lambda uow: webhooks.create_webhook(uow, new, secret, HERE))
        webhook_id = UUID(made.ids["webhook"])
        self.secrets[webhook_id] = secret
        return webhook_id

    async def program(self, expires_in: timedelta | None = None) -> Actor:
        """Somebody who acts by a token of the owner."""
        expires_at = None if expires_in is None else now() + expires_in
        scopes = (Permission.TASK_READ, Permission.WEBHOOK_ADMIN)
        new = api_tokens.NewToken(self.workspace_id, "Program", scopes, expires_at)
        secret = api_tokens.new_secret()
        made = await self.office.do(self.owner, lambda uow: api_tokens.create_token(uow, new, secret))
        token_id = UUID(made.ids["api_token"])
        rights = TokenRights(token_id, self.workspace_id, self.owner.user_id, frozenset(scopes), expires_at)
        return Actor(ActorRef(ActorKind.INTEGRATION, token_id), token=rights)

    async def paused_by(self) -> list[ActorRef]:
        """Who paused webhooks, as the audit log tells it, the first one first."""
        asked = text(
            "SELECT actor_kind, actor_id FROM changes WHERE kind = 'WEBHOOK' AND is_audit"
            """ AND fields @> '[{"field": "PAUSED", "after": true}]' ORDER BY at, id"""
        )
        found = await self.office.database.alone(lambda session: session.execute(asked))
        return [ActorRef(ActorKind(row.actor_kind), row.actor_id) for row in found]

    async def task(self, title: str, **more: Any) -> UUID:
        return await self.office.task(self.owner, self.workspace_id, title, **more)

    async def tasks(self, *titles: str) -> None:
        for title in titles:
            await self.task(title)

    async def state(self, webhook_id: UUID) -> Webhook:
        scope = await self.office.scope(self.owner)
        return (await self.office.read(webhooks_by_ids, scope, [webhook_id]))[webhook_id]

    async def deliveries(self, webhook_id: UUID) -> list[WebhookDelivery]:
        """The oldest first."""
        scope = await self.office.scope(self.owner)
        pages = await self.office.read(delivery_pages, scope, [webhook_id], None, PageRequest(100))
        return list(reversed(pages[webhook_id].rows))

    async def change(self, webhook_id: UUID, by: Actor | None = None, **patch: Any) -> None:
        asked = webhooks.WebhookPatch(**patch)
        await self.office.do(by or self.owner, lambda uow: webhooks.update_webhook(uow, webhook_id, asked, HERE))

    def working(self, pace: Pace = QUICK, seconds: float = SECONDS) -> AbstractAsyncContextManager[Courier]:
        """A worker at work."""
        return working(self.office.database, self.redis_url, pace, seconds, self.clock)

    async def until(self, is_so: Callable[[Webhook], bool], webhook_id: UUID) -> Webhook:
        """Wait until a webhook is so."""
        async with asyncio.timeout(30):
            while not is_so(found := await self.state(webhook_id)):  # noqa: ASYNC110 - rows tell nobody
                await asyncio.sleep(0.02)
        return found


@pytest.fixture
async def desk(stack: TestStack) -> AsyncIterator[Desk]:
    """In a database of its own: a worker works on all webhooks that there are."""
    with stack.new_database() as url:
        database = Database(url)
        office = Office(database)
        owner = await office.person("Olga")
        yield Desk(office, owner, await office.workspace(owner), stack.redis_url)
        await database.close()


def titles(receiver: Receiver) -> list[str]:
    """Of the tasks that a receiver knows of, each message counted once."""
    seen: set[str] = set()
    return [one.title for one in receiver.taken if one.id not in seen and not seen.add(one.id)]  # type: ignore[func-returns-value]


async def test_events_come_in_order_signed_and_in_the_subscriptions_words(desk: Desk) -> None:
    async with receiving() as receiver, desk.working():
        hook = await desk.webhook(receiver)
        task = await desk.task("First")
        await desk.tasks("Second", "Third")
        await receiver.until(lambda: len(receiver.taken) == 3)
        first, second, third = receiver.taken
        said = first.verified(desk.secrets[hook])
        assert (said["type"], said["workspaceId"]) == ("task.created", f"workspace_{desk.workspace_id}")
        assert said["data"]["task"]["id"] == f"task_{task}"
        assert said["data"]["task"]["status"]["category"] == "TODO"
        assert said["data"]["actor"] == {"__typename": "User", "id": f"user_{desk.owner.user_id}", "name": "Olga"}
        assert said["timestamp"] == said["data"]["occurredAt"]
        assert [second.title, third.title] == ["Second", "Third"]
        assert len({one.id for one in receiver.taken}) == 3
        # One connection is enough, as one follows on the other.
        assert receiver.connections == 1
        found = await desk.until(lambda one: one.attempts == 0 and one.seq > 0, hook)
        assert found.state is WebhookState.ACTIVE


async def test_only_the_kinds_come_that_were_asked_for(desk: Desk) -> None:
    async with receiving() as receiver, desk.working():
        hook = await desk.webhook(receiver, EventKind.LABEL)
        await desk.tasks("First")
        await desk.office.label(desk.owner, desk.workspace_id, "idea")
        await desk.office.member(desk.owner, desk.workspace_id, Role.VIEWER)
        await receiver.until(lambda: len(receiver.taken) == 1)
        assert receiver.taken[0].type == "label.created"
        assert receiver.taken[0].said["data"]["entity"]["name"] == "idea"
        head = desk.office.committed[-1].seq
        await desk.until(lambda one: one.seq == head, hook)
        assert len(receiver.received) == 1


async def test_what_is_refused_comes_again_under_the_same_id_and_nothing_before_it_is_taken(desk: Desk) -> None:
    answers = iter([answer(500, "no room"), answer(301, "", "location: /elsewhere"), "drop", OK])

    def behave(one: Received) -> Any:
        return next(answers, OK)

    async with receiving(behave) as receiver, desk.working():
        hook = await desk.webhook(receiver)
        await desk.tasks("First", "Second")
        await receiver.until(lambda: len(receiver.taken) == 2)
        assert [one.title for one in receiver.received] == ["First"] * 4 + ["Second"]
        assert len({one.id for one in receiver.received[:4]}) == 1
        assert {one.path for one in receiver.received} == {"/hook"}
        await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        first, second = await desk.deliveries(hook)
        assert (first.attempts, first.state, first.last_status_code) == (4, DeliveryState.DELIVERED, 200)
        assert (second.attempts, second.state) == (1, DeliveryState.DELIVERED)


async def test_it_fails_is_probed_passes_nothing_over_and_recovers(desk: Desk) -> None:
    async with receiving(lambda one: answer(500)) as receiver, desk.working():
        hook = await desk.webhook(receiver)
        await desk.tasks("First", "Second")
        found = await desk.until(lambda one: one.state is WebhookState.FAILING and one.attempts > 5, hook)
        assert found.seq == desk.office.committed[-3].seq
        assert (await desk.deliveries(hook))[0].state is DeliveryState.FAILED
        assert {one.title for one in receiver.received} == {"First"}
        receiver.behave = lambda one: OK
        await receiver.until(lambda: titles(receiver) == ["First", "Second"])
        await desk.until(lambda one: one.state is WebhookState.ACTIVE, hook)


def test_attempts_last_for_24_hours_and_then_come_once_an_hour() -> None:
    """As docs/webhooks.md says."""
    pace, minute, hour = Pace(), 60, 3600
    waits = [pace.after(number) for number in range(1, 15)]
    begin = [5, 30, 2 * minute, 5 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 4 * hour, 8 * hour, 8 * hour]
    assert waits[:11] == [(timedelta(seconds=one), False) for one in begin]
    assert waits[11:] == [(timedelta(hours=1), True)] * 3
    assert timedelta(hours=23.5) < sum([wait for wait, _ in waits[:11]], timedelta(0)) < timedelta(hours=24.5)


async def test_one_that_fails_for_longer_than_the_log_lasts_is_told_to_fetch_anew(desk: Desk) -> None:
    async with receiving(lambda one: answer(500)) as receiver, desk.working():
        hook = await desk.webhook(receiver)
        await desk.task("Lost")
        await desk.until(lambda one: one.state is WebhookState.FAILING, hook)
        await desk.office.database.alone(
            lambda session: session.execute(text("UPDATE workspace_heads SET floor_seq = seq"))
        )
        await receiver.until(lambda: receiver.received[-1].type == "resync")
        # It is refused as well, and takes nobody out of FAILING.
        assert (await desk.state(hook)).state is WebhookState.FAILING
        receiver.behave = lambda one: OK
        await desk.until(lambda one: one.state is WebhookState.ACTIVE, hook)
        await desk.task("Next")
        await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        assert [one.type for one in receiver.taken] == ["resync", "task.created"]


async def test_it_waits_while_paused_signs_twice_while_secrets_change_and_replays(desk: Desk) -> None:
    async with receiving() as receiver, desk.working():
        hook = await desk.webhook(receiver)
        begun = await desk.state(hook)
        await desk.change(hook, is_paused=True)
        old, new = desk.secrets[hook], webhooks.new_secret()
        await desk.office.do(desk.owner, lambda uow: webhooks.rotate_secret(uow, hook, new))
        await desk.tasks("First", "Second")
        await desk.office.do(desk.owner, lambda uow: webhooks.test_webhook(uow, hook))
        await receiver.until(lambda: len(receiver.taken) == 1)
        assert receiver.taken.pop().type == "webhook.test"
        await desk.change(hook, is_paused=False)
        await receiver.until(lambda: len(receiver.taken) == 2)
        for secret in (old, new):
            assert receiver.taken[0].verified(secret)["data"]["task"]["title"] == "First"
        await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
        place = (desk.workspace_id, begun.epoch, begun.seq)
        await desk.office.do(desk.owner, lambda uow: webhooks.replay_webhook(uow, hook, place))
        await receiver.until(lambda: len(receiver.taken) == 4)
        assert [one.id for one in receiver.taken[2:]] == [one.id for one in receiver.taken[:2]]
        desk.ahead = timedelta(hours=25)
        await desk.tasks("Third")
        await receiver.until(lambda: len(receiver.taken) == 5)
        signatures = [len(one.headers["webhook-signature"].split()) for one in receiver.taken]
        assert signatures == [2, 2, 2, 2, 1]


async def test_what_the_creator_may_no_longer_see_does_not_come(desk: Desk) -> None:
    async with receiving() as receiver:
        web = await desk.office.project(desk.owner, desk.workspace_id, "WEB")
        admin = await desk.office.member(desk.owner, desk.workspace_id, Role.ADMIN)
        hook = await desk.webhook(receiver, EventKind.TASK, by=admin)
        await desk.task("Hidden soon")
        membership = (await desk.office.grant(admin, desk.workspace_id)).membership_id
        await desk.office.do(desk.owner, lambda uow: members.update_member_role(uow, membership, Role.GUEST, Base()))
        await desk.office.do(desk.owner, lambda uow: members.add_project_guest(uow, web, membership))
        await desk.task("Seen", project_id=web)
        async with desk.working():
            await receiver.until(lambda: len(receiver.taken) == 1)
            assert titles(receiver) == ["Seen"]
            await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
            await desk.office.do(desk.owner, lambda uow: members.remove_member(uow, membership))
            await desk.task("After", project_id=web)
            await desk.until(lambda one: one.state is WebhookState.PAUSED, hook)
            await desk.change(hook, is_paused=False)
            await receiver.until(lambda: "After" in titles(receiver))
        assert (await desk.state(hook)).created_by == desk.owner.user_id


async def test_what_a_token_made_or_led_elsewhere_ends_with_it(desk: Desk) -> None:
    async with receiving() as receiver, receiving() as elsewhere:
        revoked, expiring = await desk.program(), await desk.program(expires_in=timedelta(hours=1))
        hooks = [await desk.webhook(receiver, by=one) for one in (revoked, expiring)]
        hooks.append(await desk.webhook(receiver))
        mine = await desk.webhook(receiver)
        await desk.change(hooks[2], by=revoked, url=elsewhere.url)
        await desk.change(hooks[2], by=expiring, kinds=[EventKind.TASK])
        async with desk.working():
            await desk.task("First")
            for hook in (*hooks, mine):
                await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
            token = revoked.ref.id
            await desk.office.do(desk.owner, lambda uow: api_tokens.revoke_token(uow, token))
            states = [(await desk.state(one)).pause_reason for one in (*hooks, mine)]
            assert states == [WebhookPauseReason.TOKEN_ENDED, None, WebhookPauseReason.TOKEN_ENDED, None]
            # It is the revocation that ended them, and there is nothing to tell when the other one expires.
            desk.ahead = timedelta(hours=2)
            await desk.until(lambda one: one.pause_reason is WebhookPauseReason.TOKEN_ENDED, hooks[1])
            assert await desk.paused_by() == [desk.owner.ref, desk.owner.ref, SYSTEM.ref]
            await desk.task("Second")
            await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, mine)
            assert [len(one.received) for one in (receiver, elsewhere)] == [4, 1]
            # Whoever ends the pause takes it over, and it lives on by their own rights.
            await desk.change(hooks[0], is_paused=False)
            taken = await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hooks[0])
            assert (taken.scopes, taken.token_ids, taken.pause_reason) == (None, frozenset(), None)


async def test_a_token_that_ended_a_moment_ago_makes_nothing_that_is_told(desk: Desk) -> None:
    """Whoever had begun with it before the revocation was seen commits after it."""
    async with receiving() as receiver:
        program = await desk.program()
        await desk.office.do(desk.owner, lambda uow: api_tokens.revoke_token(uow, program.ref.id))
        hook = await desk.webhook(receiver, by=program)
        await desk.task("Secret")
        with pytest.raises(RightsEnded):
            await Payloads(desk.office.database).next_page(await desk.state(hook), 1, now())
        async with desk.working():
            await desk.until(lambda one: one.state is WebhookState.PAUSED, hook)
        assert receiver.received == []


async def test_whoever_was_away_for_too_long_is_told_to_fetch_anew(desk: Desk) -> None:
    async with receiving() as receiver:
        hook = await desk.webhook(receiver)
        await desk.tasks("Lost")
        head = desk.office.committed[-1].seq
        await desk.office.database.alone(
            lambda session: session.execute(text("UPDATE workspace_heads SET floor_seq = seq"))
        )
        async with desk.working():
            await receiver.until(lambda: len(receiver.taken) == 1)
            said = receiver.taken[0].verified(desk.secrets[hook])
            assert (said["type"], said["data"]["resync"]) == ("resync", "CURSOR_EXPIRED")
            await desk.until(lambda one: one.seq == head, hook)
            await desk.tasks("Next")
            await receiver.until(lambda: len(receiver.taken) == 2)
            assert receiver.taken[1].title == "Next"


async def test_a_resync_whose_answer_is_lost_loses_nothing(desk: Desk) -> None:
    """By its id it leads to one place, whether or not the attempt before was written down; what follows comes."""

    async def lose(statement: str) -> None:
        await desk.office.database.alone(lambda session: session.execute(text(statement)))

    floor, life = "UPDATE workspace_heads SET floor_seq = seq", "UPDATE webhooks SET epoch = 'anotherl'"
    async with receiving() as receiver:
        hook = await desk.webhook(receiver)
        for number, statement in enumerate((floor, life)):
            del receiver.received[:], receiver.taken[:]
            await desk.tasks("Lost")
            await lose(statement)
            receiver.behave = lambda one: "hang"
            async with desk.working():
                await receiver.until(lambda: len(receiver.received) == 1)
            # The worker died; nobody knows what was answered.
            await desk.tasks("Between")
            receiver.behave = lambda one: "drop"
            desk.ahead += QUICK.claim
            async with desk.working():
                await receiver.until(lambda: len(receiver.received) >= 3)
                await desk.tasks("After")
                before = len(receiver.received)
                await receiver.until(lambda before=before: len(receiver.received) >= before + 2)  # type: ignore[misc]
                receiver.behave = lambda one: OK
                await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
            told = [(one.id, one.said["data"]["cursor"]) for one in receiver.received if one.type == "resync"]
            assert len(set(told)) == len({one for one, _ in told}) == 2, number
            assert {one for one, _ in told[1:]} == {told[-1][0]}
            assert [one.title for one in receiver.taken[1:]] == ["After"]


async def test_one_that_always_has_more_leaves_room_for_those_who_wait(desk: Desk) -> None:
    async with receiving() as busy, receiving() as late:
        await desk.webhook(busy, EventKind.TASK)
        await desk.tasks(*[f"Task {number}" for number in range(60)])
        await desk.webhook(late, EventKind.LABEL)
        await desk.office.label(desk.owner, desk.workspace_id, "idea")
        busy.delay_seconds = 0.05
        async with desk.working(replace(QUICK, webhooks_at_once=1, turn_seconds=0.2)):
            await late.until(lambda: len(late.taken) == 1)
            assert len(busy.taken) < 60
            busy.delay_seconds = 0.0
            await busy.until(lambda: len(titles(busy)) == 60)


async def test_receivers_that_hang_take_no_room_from_those_that_answer(desk: Desk) -> None:
    async with receiving(lambda one: "hang") as hanging, receiving() as healthy:
        hooks = [await desk.webhook(hanging, EventKind.TASK) for _ in range(4)]
        await desk.tasks("First")
        pace = replace(QUICK, webhooks_at_once=1, retries_at_once=2, backoff=(timedelta(0),) * 1_000)
        async with desk.working(pace, seconds=0.5):
            for hook in hooks:
                await desk.until(lambda one: one.attempts > 0, hook)
            await desk.webhook(healthy, EventKind.LABEL)
            before = len(hanging.received)
            for name in ("a", "b", "c"):
                await desk.office.label(desk.owner, desk.workspace_id, name)
            await healthy.until(lambda: len(healthy.taken) == 3)
            assert len(hanging.received) - before <= 8
            assert healthy.connections == 1
            assert {(await desk.state(hook)).attempts > 0 for hook in hooks} == {True}
            hanging.behave = lambda one: OK
            await hanging.until(lambda: titles(hanging) == ["First"] * 4)


async def test_an_event_that_cannot_be_written_down_is_shown_and_never_told_by_halves(desk: Desk) -> None:
    spoil = "UPDATE events SET image = jsonb_set(image, '{priority}', to_jsonb(CAST(:value AS text))) WHERE seq = :seq"

    async def write(value: str, seq: int) -> None:
        values = {"value": value, "seq": seq}
        await desk.office.database.alone(lambda session: session.execute(text(spoil), values))

    async with receiving() as receiver:
        hook = await desk.webhook(receiver, EventKind.TASK)
        await desk.tasks("First", "Second", "Third")
        at_fault = desk.office.committed[-2].seq
        await write("LOUD", at_fault)
        async with desk.working():
            found = await desk.until(lambda one: one.attempts >= 2, hook)
            assert (found.seq, titles(receiver)) == (at_fault - 1, ["First"])
            refused = (await desk.deliveries(hook))[-1]
            assert (refused.last_error, refused.last_status_code) == (UNTELLABLE, None)
            await write("NONE", at_fault)
            await receiver.until(lambda: len(receiver.taken) == 3)
            assert titles(receiver) == ["First", "Second", "Third"]
            assert receiver.taken[1].id == f"delivery_{refused.id}"


async def test_a_commit_wakes_the_worker_whenever_it_comes(desk: Desk) -> None:
    publisher = Publisher(desk.redis_url, Counters())
    publishing = asyncio.create_task(publisher.run())
    link = Link(desk.redis_url)
    await link.connect()
    async with receiving() as receiver:
        hook = await desk.webhook(receiver)
        # It looks once, and by itself never again while this test lasts.
        async with desk.working(replace(QUICK, look_seconds=3600)):
            listeners = 0
            async with asyncio.timeout(30):
                while not listeners:
                    await link.send((b"PUBSUB", b"NUMSUB", channel(desk.workspace_id)))
                    _, listeners = await link.receive()
            for number in range(50):  # also while the one before is still written down
                told = len(desk.office.committed)
                await desk.task(f"Task {number}")
                publisher.announce(desk.office.committed[told:])
                await receiver.until(lambda number=number: len(receiver.taken) > number)  # type: ignore[misc]
            await desk.until(lambda one: one.seq == desk.office.committed[-1].seq, hook)
    assert titles(receiver) == [f"Task {number}" for number in range(50)]
    assert len(receiver.received) == 50
    publishing.cancel()
    await link.close()


async def test_a_receiver_that_dies_and_returns_has_everything_in_order(desk: Desk) -> None:
    draw = random.Random(7)

    def behave(one: Received) -> Any:
        return draw.choice([OK, OK, OK, answer(503), "drop"])

    wanted = [f"Task {number}" for number in range(25)]
    async with receiving(behave) as receiver, desk.working(), desk.working():
        await desk.webhook(receiver)
        for number, title in enumerate(wanted):
            await desk.task(title)
            if number % 8 == 4:
                await receiver.stop()
            elif number % 8 == 7:
                await receiver.start()
        await receiver.until(lambda: titles(receiver)[-1:] == wanted[-1:])
    assert titles(receiver) == wanted
