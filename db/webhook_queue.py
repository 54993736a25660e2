"""How webhooks are worked off: who works on which, what they are told next, and what became of it.

A worker claims a webhook for a while. Whatever it writes names its claim and the revision it has read, so what was
begun before somebody took over, or before a person changed something, moves nothing. Invariant: `seq` rises in one
statement with the row that says what was answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text, update

from db.api_tokens import GOOD
from db.models import DeliveryState, Webhook
from db.session import Session
from db.tables import webhook_deliveries as deliveries
from db.tables import webhooks, workspace_heads
from db.webhooks import SHOWN, webhook_of


@dataclass(frozen=True, slots=True)
class Work:
    """A webhook that was claimed, with what it signs by: the newest secret first."""

    webhook: Webhook
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Work({self.webhook.id})"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the next message to a webhook, or that there was none up to a place (`delivery_id` None).

    `through`: (epoch, seq) where the webhook stands now; where it stood, if the message failed.
    """

    webhook_id: UUID
    claim: UUID
    revision: int
    stood: int
    through: tuple[str, int]
    at: datetime
    is_delivered: bool = True
    delivery_id: UUID | None = None
    place: tuple[str, int] = ("", 0)
    """Of the message, in the log."""
    status_code: int | None = None
    error: str | None = None
    response: str | None = None
    due_at: datetime | None = None
    """When a message that failed is sent again."""
    is_failing: bool = False


async def told_workspace_ids(session: Session) -> list[UUID]:
    """The workspaces that have webhooks which are told what happens."""
    found = await session.execute(select(webhooks.c.workspace_id).where(webhooks.c.paused_at.is_(None)).distinct())
    return list(found.scalars())


async def claim_webhooks(
    session: Session, claim: UUID, at: datetime, until: datetime, epoch: str, limit: int, *, is_retry: bool
) -> list[UUID]:
    """Claim webhooks that have something to be told, those first that have waited longest; -> their ids.

    `is_retry`: those whose next message has failed before, else those where it has not.
    """
    has_more = or_(workspace_heads.c.seq > webhooks.c.seq, webhooks.c.epoch != epoch)
    waiting = (
        select(webhooks.c.id)
        .join(workspace_heads, workspace_heads.c.workspace_id == webhooks.c.workspace_id)
        .where(
            webhooks.c.paused_at.is_(None),
            webhooks.c.due_at <= at,
            or_(webhooks.c.claimed_until.is_(None), webhooks.c.claimed_until <= at),
            has_more,
            webhooks.c.attempts > 0 if is_retry else webhooks.c.attempts == 0,
        )
        .order_by(webhooks.c.due_at, webhooks.c.id)
        .limit(limit)
        .with_for_update(of=webhooks, skip_locked=True)
    )
    found = await session.execute(
        update(webhooks)
        .where(webhooks.c.id.in_(waiting.scalar_subquery()))
        .values(claimed_by=claim, claimed_until=until)
        .returning(webhooks.c.id)
    )
    return list(found.scalars())


async def read_work(session: Session, webhook_id: UUID, claim: UUID, at: datetime) -> Work | None:
    """A claimed webhook as it is now; None if it is paused, gone or somebody else's."""
    found = await session.execute(
        select(*SHOWN, webhooks.c.secret, webhooks.c.old_secret, webhooks.c.old_secret_until).where(
            webhooks.c.id == webhook_id,
            webhooks.c.claimed_by == claim,
            webhooks.c.claimed_until > at,
            webhooks.c.paused_at.is_(None),
            webhooks.c.due_at <= at,
        )
    )
    row = found.first()
    return None if row is None else Work(webhook_of(row), _secrets(row, at))


async def last_refused(session: Session, webhook_id: UUID) -> tuple[UUID, tuple[str, int]] | None:
    """Which message was refused last and not taken since, and its (epoch, seq) when it was first sent."""
    found = await session.execute(
        select(deliveries.c.id, deliveries.c.epoch, deliveries.c.seq)
        .where(
            deliveries.c.webhook_id == webhook_id,
            deliveries.c.state.in_([DeliveryState.RETRYING.value, DeliveryState.FAILED.value]),
            deliveries.c.is_test.is_(False),
        )
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        .limit(1)
    )
    row = found.first()
    return None if row is None else (row.id, (row.epoch, row.seq))


def _secrets(row: Any, at: datetime) -> tuple[str, ...]:
    is_old_valid = row.old_secret is not None and row.old_secret_until > at
    return (row.secret, row.old_secret) if is_old_valid else (row.secret,)


async def release(session: Session, webhook_id: UUID, claim: UUID, at: datetime) -> None:
    """Somebody else may work on it; those who wait since before come first."""
    await session.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook_id, webhooks.c.claimed_by == claim)
        .values(claimed_by=None, claimed_until=None, due_at=func.greatest(webhooks.c.due_at, at))
    )


async def postpone(session: Session, webhook_id: UUID, claim: UUID, due_at: datetime) -> None:
    """Nothing can be told for a while, for a reason of ours."""
    await session.execute(
        update(webhooks)
        .where(webhooks.c.id == webhook_id, webhooks.c.claimed_by == claim)
        .values(claimed_by=None, claimed_until=None, due_at=due_at)
    )


_ENDED = text(
    f"""
    SELECT w.id FROM webhooks w
    WHERE w.paused_at IS NULL AND (
        NOT EXISTS (SELECT 1 FROM memberships m WHERE m.workspace_id = w.workspace_id AND m.user_id = w.created_by)
        OR EXISTS (SELECT 1 FROM unnest(w.token_ids) AS held (id) WHERE NOT EXISTS (SELECT 1 {GOOD} AND t.id = held.id))
    )
    ORDER BY w.id
    """  # noqa: S608 - of constants
)


async def ended_webhook_ids(session: Session, at: datetime) -> list[UUID]:
    """Those whose creator has left, or an API token of which has ended, and that are not paused yet. One statement."""
    return list((await session.execute(_ENDED, {"at": at})).scalars())


# Said as text: one statement for the results of all webhooks that were told something in the same moment.
_RECORD = text(
    """
    WITH results AS (
        SELECT * FROM unnest(
            CAST(:webhook_ids AS uuid[]), CAST(:claims AS uuid[]), CAST(:revisions AS int[]), CAST(:stood AS bigint[]),
            CAST(:epochs AS text[]), CAST(:seqs AS bigint[]), CAST(:are_delivered AS boolean[]),
            CAST(:delivery_ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:place_epochs AS text[]),
            CAST(:place_seqs AS bigint[]), CAST(:status_codes AS int[]), CAST(:errors AS text[]),
            CAST(:responses AS text[]), CAST(:due_at AS timestamptz[]), CAST(:are_failing AS boolean[])
        ) AS r (webhook_id, claim, revision, stood, epoch, seq, is_delivered, delivery_id, at, place_epoch, place_seq,
                status_code, error, response, due_at, is_failing)
    ),
    moved AS (
        UPDATE webhooks w SET
            epoch = r.epoch,
            seq = r.seq,
            attempts = CASE WHEN r.is_delivered THEN 0 ELSE w.attempts + 1 END,
            failing_since = CASE WHEN r.is_failing THEN coalesce(w.failing_since, r.at)
                                 WHEN r.is_delivered AND r.delivery_id IS NOT NULL THEN NULL
                                 ELSE w.failing_since END,
            due_at = coalesce(r.due_at, w.due_at),
            claimed_until = CAST(:until AS timestamptz)
        FROM results r
        WHERE w.id = r.webhook_id AND w.claimed_by = r.claim AND w.revision = r.revision AND w.seq = r.stood
        RETURNING w.id, w.workspace_id, w.attempts
    ),
    told AS (
        INSERT INTO webhook_deliveries AS d (
            id, created_at, workspace_id, webhook_id, epoch, seq, state, attempts, last_attempt_at, last_status_code,
            last_error, last_response, next_attempt_at, delivered_at
        )
        SELECT r.delivery_id, r.at, m.workspace_id, m.id, r.place_epoch, r.place_seq,
               CASE WHEN r.is_delivered THEN 'DELIVERED' WHEN r.is_failing THEN 'FAILED' ELSE 'RETRYING' END,
               1, r.at, r.status_code, r.error, r.response, r.due_at, CASE WHEN r.is_delivered THEN r.at END
        FROM results r JOIN moved m ON m.id = r.webhook_id
        WHERE r.delivery_id IS NOT NULL
        ON CONFLICT (id) DO UPDATE SET
            state = excluded.state, attempts = d.attempts + 1, last_attempt_at = excluded.last_attempt_at,
            last_status_code = excluded.last_status_code, last_error = excluded.last_error,
            last_response = excluded.last_response, next_attempt_at = excluded.next_attempt_at,
            delivered_at = coalesce(excluded.delivered_at, d.delivered_at)
    )
    SELECT id FROM moved
    """
)


async def record_results(session: Session, results: Sequence[Result], until: datetime) -> set[UUID]:
    """Write what became of one message to each of several webhooks, and hold them until `until`.

    -> the webhooks that moved; the others were changed or taken over meanwhile, and nothing is written of them.
    """
    found = await session.execute(
        _RECORD,
        {
            "webhook_ids": [one.webhook_id for one in results],
            "claims": [one.claim for one in results],
            "revisions": [one.revision for one in results],
            "stood": [one.stood for one in results],
            "epochs": [one.through[0] for one in results],
            "seqs": [one.through[1] for one in results],
            "are_delivered": [one.is_delivered for one in results],
            "delivery_ids": [one.delivery_id for one in results],
            "at": [one.at for one in results],
            "place_epochs": [one.place[0] for one in results],
            "place_seqs": [one.place[1] for one in results],
            "status_codes": [one.status_code for one in results],
            "errors": [one.error for one in results],
            "responses": [one.response for one in results],
            "due_at": [one.due_at for one in results],
            "are_failing": [one.is_failing for one in results],
            "until": until,
        },
    )
    return set(found.scalars())


# ---- tests


@dataclass(frozen=True, slots=True)
class Trial:
    """A test message that was claimed."""

    id: UUID
    created_at: datetime
    workspace_id: UUID
    place: tuple[str, int]
    url: str
    secrets: tuple[str, ...]


async def claim_tests(session: Session, at: datetime, until: datetime, limit: int) -> list[Trial]:
    """Take test messages that wait; whoever does not end them until `until` leaves them to others."""
    waiting = (
        select(deliveries.c.id)
        .where(
            deliveries.c.is_test,
            deliveries.c.state == DeliveryState.PENDING.value,
            deliveries.c.next_attempt_at <= at,
        )
        .order_by(deliveries.c.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = await session.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(waiting.scalar_subquery()), webhooks.c.id == deliveries.c.webhook_id)
        .values(next_attempt_at=until)
        .returning(
            deliveries.c.id,
            deliveries.c.created_at,
            deliveries.c.workspace_id,
            deliveries.c.epoch,
            deliveries.c.seq,
            webhooks.c.url,
            webhooks.c.secret,
            webhooks.c.old_secret,
            webhooks.c.old_secret_until,
        )
    )
    return [
        Trial(row.id, row.created_at, row.workspace_id, (row.epoch, row.seq), row.url, _secrets(row, at))
        for row in found
    ]


async def end_test(session: Session, test_id: UUID, values: Mapping[str, Any]) -> None:
    """What became of a test message; it is sent once."""
    await session.execute(
        update(deliveries)
        .where(deliveries.c.id == test_id)
        .values(**values, attempts=deliveries.c.attempts + 1, next_attempt_at=None)
    )


# ---- keeping


async def delete_old_deliveries(session: Session, before: datetime) -> None:
    """Forget messages that were last sent before an instant."""
    last = func.coalesce(deliveries.c.last_attempt_at, deliveries.c.created_at)
    await session.execute(deliveries.delete().where(and_(deliveries.c.created_at < before, last < before)))


async def count_failing(session: Session) -> int:
    """Webhooks that are FAILING: their next message has failed for 24 hours."""
    found = await session.execute(
        select(func.count())
        .select_from(webhooks)
        .where(webhooks.c.failing_since.is_not(None), webhooks.c.paused_at.is_(None))
    )
    return int(found.scalar_one())
