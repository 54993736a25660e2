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

from sqlalchemy.dialects.postgresql import insert as upsert

from db.ids import new_id
from db.models import MailKind
from db.session import Session
from db.tables import mails, notification_mails


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
