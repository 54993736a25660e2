"""The outbox: mails that wait to be sent, and the notifications that wait for a mail.

A mail joins the outbox in the transaction that causes it, and never twice for
one cause. Whoever sends it holds a claim that ends by itself; every later step
names the claim, so a process that froze and came back finds it gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db.ids import new_id
from db.models import AccountTokenKind, MailKind, MailState
from db.session import Session
from db.tables import account_tokens, mails, notification_mails, users


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be sent. `cause` names what it is for; a second mail for the same cause is not made.

    `address` None: wherever `user_id` gets their mail when it is sent. `data`: ids and plain values, never a secret.
    """

    cause: str
    kind: MailKind
    data: Mapping[str, Any]
    user_id: UUID | None = None
    address: str | None = None
    workspace_id: UUID | None = None
    expires_at: datetime | None = None


async def queue_mail(session: Session, new: NewMail, at: datetime) -> None:
    """Put a mail into the outbox, unless there is or was one for its cause."""
    row = {
        "id": new_id(),
        "cause": new.cause,
        "kind": new.kind.value,
        "user_id": new.user_id,
        "address": new.address,
        "workspace_id": new.workspace_id,
        "data": dict(new.data),
        "created_at": at,
        "due_at": at,
        "expires_at": new.expires_at,
    }
    await session.execute(upsert(mails).values(row).on_conflict_do_nothing(index_elements=[mails.c.cause]))


@dataclass(frozen=True, slots=True)
class NotificationMail:
    """A notification that a person wants by mail. `cause_id`: what was folded into it (a comment, a change set).

    A notification that grows is queued again with the new cause; the same cause twice is once.
    """

    notification_id: UUID
    cause_id: UUID
    user_id: UUID
    workspace_id: UUID | None


async def queue_notification_mails(session: Session, wanted: Sequence[NotificationMail], at: datetime) -> None:
    """Remember, in one statement, that these are to be mailed: when and how many together is decided later."""
    if not wanted:
        return
    rows = [
        {
            "notification_id": one.notification_id,
            "cause_id": one.cause_id,
            "user_id": one.user_id,
            "workspace_id": one.workspace_id,
            "created_at": at,
        }
        for one in wanted
    ]
    await session.execute(upsert(notification_mails).values(rows).on_conflict_do_nothing())


# ---- sending


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that one sender, and nobody else, is sending until `until`. See `db.tables.mails`."""

    id: UUID
    claim: UUID
    until: datetime
    kind: MailKind
    user_id: UUID | None
    address: str | None
    workspace_id: UUID | None
    data: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime | None
    attempts: int
    handed_over_at: datetime | None


async def claim_mail(session: Session, claim: UUID, at: datetime, until: datetime) -> Claimed | None:
    """Claim the mail that has been due longest; None when none is. Counts as an attempt."""
    is_free = mails.c.claimed_until.is_(None) | (mails.c.claimed_until <= at)
    due = (
        select(mails.c.id)
        .where(mails.c.state == MailState.WAITING.value, mails.c.due_at <= at, is_free)
        .order_by(mails.c.due_at, mails.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = await session.execute(
        update(mails)
        .where(mails.c.id == due.scalar_subquery())
        .values(claimed_by=claim, claimed_until=until, attempts=mails.c.attempts + 1)
        .returning(mails)
    )
    row = found.first()
    if row is None:
        return None
    return Claimed(
        id=row.id,
        claim=claim,
        until=until,
        kind=MailKind(row.kind),
        user_id=row.user_id,
        address=row.address,
        workspace_id=row.workspace_id,
        data=row.data,
        created_at=row.created_at,
        expires_at=row.expires_at,
        attempts=row.attempts,
        handed_over_at=row.handed_over_at,
    )


def _held(mail: Claimed) -> ColumnElement[bool]:
    return (mails.c.id == mail.id) & (mails.c.claimed_by == mail.claim) & (mails.c.state == MailState.WAITING.value)


async def count_waiting_mails(session: Session) -> int:
    """How many are to be sent, now or later."""
    found = await session.execute(select(func.count()).where(mails.c.state == MailState.WAITING.value))
    return int(found.scalar_one())


async def hand_over(session: Session, mail: Claimed, at: datetime) -> bool:
    """Note that the text is about to be sent; False when the claim is lost, and then it must not be."""
    found = await session.execute(
        update(mails).where(_held(mail), mails.c.claimed_until > at).values(handed_over_at=at).returning(mails.c.id)
    )
    return found.first() is not None


async def end_mail(session: Session, mail: Claimed, state: MailState, at: datetime, remark: str | None = None) -> None:
    """It is over with this mail; its address is forgotten."""
    await session.execute(
        update(mails)
        .where(_held(mail))
        .values(
            state=state.value, ended_at=at, remark=remark, address=None, data={}, claimed_by=None, claimed_until=None
        )
    )


async def postpone_mail(
    session: Session, mail: Claimed, due_at: datetime, remark: str, *, is_certain: bool, is_attempt: bool = True
) -> None:
    """Try again then. `is_certain`: this attempt changed nothing about whether it arrived; else it may have.

    Not `is_attempt`: it was not tried.
    """
    values: dict[str, Any] = {"due_at": due_at, "remark": remark, "claimed_by": None, "claimed_until": None}
    if is_certain:
        values["handed_over_at"] = mail.handed_over_at
    if not is_attempt:
        values["attempts"] = mail.attempts - 1
    await session.execute(update(mails).where(_held(mail)).values(**values))


async def drop_waiting_links(session: Session, user_id: UUID, at: datetime) -> None:
    """A person's links that are not sent yet will not be."""
    links = [MailKind.VERIFICATION.value, MailKind.PASSWORD_RESET.value]
    person = select(users.c.email).where(users.c.id == user_id).scalar_subquery()
    await session.execute(
        update(mails)
        .where(
            mails.c.state == MailState.WAITING.value,
            mails.c.kind.in_(links),
            (mails.c.user_id == user_id) | (mails.c.address == person),
        )
        .values(state=MailState.DROPPED.value, ended_at=at, remark="Withdrawn.", address=None)
    )


async def delete_mails_of(session: Session, user_id: UUID, address: str) -> None:
    """Forget all mail to a person, sent or not."""
    await session.execute(delete(mails).where((mails.c.user_id == user_id) | (mails.c.address == address)))


async def delete_ended_mails(session: Session, ended_before: datetime) -> None:
    """Retention: forget what was over with before then."""
    await session.execute(
        delete(mails).where(mails.c.state != MailState.WAITING.value, mails.c.ended_at < ended_before)
    )


# ---- the links that are in mails


@dataclass(frozen=True, slots=True)
class AccountToken:
    """A link that was sent. `email`: where to."""

    id: UUID
    kind: AccountTokenKind
    user_id: UUID
    email: str
    token_hash: bytes
    created_at: datetime
    expires_at: datetime


async def insert_account_token(session: Session, token: AccountToken, mail: Claimed) -> None:
    """Insert the token of a mail that is being sent, unless the mail was withdrawn. Again: nothing happens."""
    values = {column.name: getattr(token, column.name) for column in account_tokens.c}
    still_waits = (
        select(*[literal(value, account_tokens.c[name].type) for name, value in values.items()])
        .select_from(mails)
        .where(_held(mail))
        .with_for_update(read=True, of=mails)
    )
    await session.execute(upsert(account_tokens).from_select(list(values), still_waits).on_conflict_do_nothing())


def _account_token(row: Any) -> AccountToken:
    values = {column.name: getattr(row, column.name) for column in account_tokens.c}
    return AccountToken(**{**values, "kind": AccountTokenKind(values["kind"])})


async def account_token_by_id(session: Session, token_id: UUID) -> AccountToken | None:
    """A link that was not used yet."""
    row = (await session.execute(select(account_tokens).where(account_tokens.c.id == token_id))).first()
    return None if row is None else _account_token(row)


async def account_token_by_hash(
    session: Session, kind: AccountTokenKind, token_hash: bytes, at: datetime
) -> AccountToken | None:
    """The link with this token, while it works."""
    found = await session.execute(
        select(account_tokens).where(
            account_tokens.c.token_hash == token_hash,
            account_tokens.c.kind == kind.value,
            account_tokens.c.expires_at > at,
        )
    )
    row = found.first()
    return None if row is None else _account_token(row)


async def use_account_token(session: Session, token_id: UUID) -> bool:
    """Use a link up; False when somebody else just did."""
    found = await session.execute(
        delete(account_tokens).where(account_tokens.c.id == token_id).returning(account_tokens.c.id)
    )
    return found.first() is not None


async def delete_account_tokens(session: Session, user_id: UUID) -> None:
    """No link of this person works any more."""
    await session.execute(delete(account_tokens).where(account_tokens.c.user_id == user_id))


async def delete_expired_account_tokens(session: Session, at: datetime) -> None:
    """Retention: forget links that no longer work."""
    await session.execute(delete(account_tokens).where(account_tokens.c.expires_at < at))
