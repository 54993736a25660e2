"""People, their sessions and refresh tokens, and the counters of attempts.

Secrets come here only as hashes. A session's row is the lock of its whole
family of refresh tokens: lock it before a token of it is read for a change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db import models
from db.models import User
from db.session import Session
from db.tables import (
    account_tokens,
    attempts,
    idempotency,
    notification_counts,
    notification_heads,
    notification_mails,
    notifications,
    refresh_tokens,
    reminders,
    sessions,
    users,
)

# ---- people


def _user(row: Any) -> User:
    return User(**{column.name: getattr(row, column.name) for column in users.c})


async def insert_user(session: Session, user: User) -> bool:
    """Insert a person; False, and the transaction goes on, if their e-mail address or handle is taken."""
    values = {column.name: getattr(user, column.name) for column in users.c}
    found = await session.execute(upsert(users).values(values).on_conflict_do_nothing().returning(users.c.id))
    return found.first() is not None


async def user_by_email(session: Session, email: str) -> User | None:
    """The person with this address (trimmed, lower-case)."""
    found = await session.execute(select(users).where(users.c.email == email, users.c.deleted_at.is_(None)))
    row = found.first()
    return None if row is None else _user(row)


async def user_by_id(session: Session, user_id: UUID) -> User | None:
    """The person, unless their account is deleted."""
    found = await session.execute(select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None)))
    row = found.first()
    return None if row is None else _user(row)


async def lock_user(session: Session, user_id: UUID) -> User | None:
    """Lock a person's row to the end of the transaction and read it; None when the account is deleted."""
    found = await session.execute(
        select(users).where(users.c.id == user_id, users.c.deleted_at.is_(None)).with_for_update(key_share=True)
    )
    row = found.first()
    return None if row is None else _user(row)


async def taken_names(session: Session, email: str, handles: Collection[str]) -> tuple[bool, set[str]]:
    """-> whether the address is taken, and which of the handles are."""
    found = await session.execute(
        select(users.c.email, users.c.handle).where(or_(users.c.email == email, users.c.handle.in_(list(handles))))
    )
    rows = found.all()
    return any(row.email == email for row in rows), {row.handle for row in rows} & set(handles)


async def is_handle_taken(session: Session, handle: str, *, by_other_than: UUID) -> bool:
    """Whether somebody else has this handle."""
    found = await session.execute(select(users.c.id).where(users.c.handle == handle, users.c.id != by_other_than))
    return found.first() is not None


async def update_profile(session: Session, user_id: UUID, values: Mapping[str, Any], updated_at: datetime) -> User:
    """Set columns and raise the version; -> the row after it. Raises Duplicate when the handle is taken."""
    found = await session.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(**values, version=users.c.version + 1, updated_at=updated_at)
        .returning(users)
    )
    return _user(found.one())


async def set_password_hash(session: Session, user_id: UUID, password_hash: str) -> None:
    """Nobody sees a password, so the person's version stays."""
    await session.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


async def erase_user(session: Session, user_id: UUID, name: str, email: str, handle: str, at: datetime) -> None:
    """Nothing of the person is left but the id that history names; their sessions and links are gone."""
    await session.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(
            version=users.c.version + 1,
            updated_at=at,
            deleted_at=at,
            name=name,
            email=email,
            email_verified_at=None,
            handle=handle,
            time_zone="UTC",
            password_hash="",
        )
    )
    for table, column in (
        (sessions, sessions.c.user_id),
        (account_tokens, account_tokens.c.user_id),
        (idempotency, idempotency.c.actor_id),
        (notification_mails, notification_mails.c.user_id),
        (notifications, notifications.c.user_id),
        (notification_counts, notification_counts.c.user_id),
        (notification_heads, notification_heads.c.user_id),
        (reminders, reminders.c.user_id),
    ):
        await session.execute(delete(table).where(column == user_id))


# ---- sessions


def _session(row: Any) -> models.Session:
    return models.Session(**{column.name: getattr(row, column.name) for column in sessions.c})


def _is_live(at: datetime) -> ColumnElement[bool]:
    return (sessions.c.revoked_at.is_(None)) & (sessions.c.expires_at > at)


async def insert_session(session: Session, row: models.Session) -> None:
    """Insert a session that somebody just signed in to."""
    await session.execute(insert(sessions), {column.name: getattr(row, column.name) for column in sessions.c})


async def lock_session(session: Session, session_id: UUID, at: datetime) -> models.Session | None:
    """Lock a session, and with it its refresh tokens, to the end of the transaction; None when it has ended."""
    found = await session.execute(
        select(sessions).where(sessions.c.id == session_id, _is_live(at)).with_for_update(key_share=True)
    )
    row = found.first()
    return None if row is None else _session(row)


async def extend_session(session: Session, session_id: UUID, used_at: datetime, expires_at: datetime) -> models.Session:
    """Note that a session was used; -> the row after it."""
    found = await session.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(last_used_at=used_at, expires_at=expires_at)
        .returning(sessions)
    )
    return _session(found.one())


async def session_by_id(session: Session, session_id: UUID) -> models.Session | None:
    """A session, whether or not it has ended."""
    found = await session.execute(select(sessions).where(sessions.c.id == session_id))
    row = found.first()
    return None if row is None else _session(row)


async def live_sessions_by_user_id(session: Session, user_id: UUID, at: datetime) -> list[models.Session]:
    """A person's sessions that go on, newest first."""
    found = await session.execute(
        select(sessions)
        .where(sessions.c.user_id == user_id, _is_live(at))
        .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    )
    return [_session(row) for row in found]


async def live_sessions_by_ids(
    session: Session, session_ids: Collection[UUID], at: datetime
) -> dict[UUID, models.Session]:
    """ids -> the sessions of those that go on, whoever's they are."""
    found = await session.execute(select(sessions).where(sessions.c.id.in_(list(session_ids)), _is_live(at)))
    return {row.id: _session(row) for row in found}


async def end_sessions(
    session: Session, user_id: UUID, at: datetime, *, only: UUID | None = None, but: UUID | None = None
) -> None:
    """Revoke all of a person's sessions, `only` one of them, or all `but` one."""
    query = update(sessions).where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    if only is not None:
        query = query.where(sessions.c.id == only)
    if but is not None:
        query = query.where(sessions.c.id != but)
    await session.execute(query.values(revoked_at=at))


async def ended_session_ids(session: Session, session_ids: Collection[UUID], at: datetime) -> set[UUID]:
    """Those of the sessions that are revoked, expired, gone, or of a deleted account. One statement."""
    found = await session.execute(_ENDED_SESSIONS, {"session_ids": list(session_ids), "at": at})
    return set(found.scalars())


# Said as text: everybody who connects pays for it, and building it anew each time took more than running it. It answers
# with those that ended, as it is asked twice a second about all who are connected, and hardly one of them did.
_ENDED_SESSIONS = text(
    "SELECT asked.id FROM unnest(CAST(:session_ids AS uuid[])) AS asked (id) WHERE NOT EXISTS ("
    "SELECT FROM sessions JOIN users ON users.id = sessions.user_id WHERE sessions.id = asked.id"
    " AND sessions.revoked_at IS NULL AND sessions.expires_at > CAST(:at AS timestamptz) AND users.deleted_at IS NULL)"
)


async def delete_ended_sessions(session: Session, ended_before: datetime) -> None:
    """Retention: forget sessions that ended before then, with their refresh tokens."""
    await session.execute(
        delete(sessions).where(or_(sessions.c.revoked_at < ended_before, sessions.c.expires_at < ended_before))
    )


# ---- refresh tokens


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a session's chain of tokens; the last, unused one has `used_at` None."""

    token_hash: bytes
    session_id: UUID
    generation: int
    used_at: datetime | None


async def insert_refresh_token(session: Session, token: RefreshToken) -> None:
    """Add the newest link of a chain."""
    await session.execute(
        insert(refresh_tokens),
        {column.name: getattr(token, column.name) for column in refresh_tokens.c},
    )


async def owner_of_refresh_token(session: Session, token_hash: bytes) -> models.Session | None:
    """The session that a token belongs to, whether or not either is still good."""
    found = await session.execute(
        select(sessions).join(refresh_tokens).where(refresh_tokens.c.token_hash == token_hash)
    )
    row = found.first()
    return None if row is None else _session(row)


async def token_and_newest(
    session: Session, session_id: UUID, token_hash: bytes
) -> tuple[RefreshToken | None, RefreshToken | None]:
    """A token of a session, and the newest of that session, which is the only unused one."""
    found = await session.execute(
        select(refresh_tokens).where(
            refresh_tokens.c.session_id == session_id,
            or_(refresh_tokens.c.token_hash == token_hash, refresh_tokens.c.used_at.is_(None)),
        )
    )
    tokens = [RefreshToken(row.token_hash, row.session_id, row.generation, row.used_at) for row in found]
    presented = next((token for token in tokens if token.token_hash == token_hash), None)
    newest = next((token for token in tokens if token.used_at is None), None)
    return presented, newest


async def use_refresh_token(session: Session, token_hash: bytes, used_at: datetime) -> None:
    """Note that a token's successor was given."""
    await session.execute(
        update(refresh_tokens).where(refresh_tokens.c.token_hash == token_hash).values(used_at=used_at)
    )


async def delete_refresh_tokens(session: Session, session_id: UUID) -> None:
    """Forget a session's whole chain: none of its tokens means anything any more."""
    await session.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id == session_id))


# ---- attempts


async def count_attempt(session: Session, subject: bytes, at: datetime, window: timedelta) -> tuple[int, datetime]:
    """Count one attempt, atomically; -> how many there are in this window, and when it began.

    A window is fixed: it begins with the first attempt after the last one ended.
    """
    is_over = attempts.c.window_started_at <= at - window
    statement = upsert(attempts).values(subject=subject, window_started_at=at, count=1)
    found = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[attempts.c.subject],
            set_={
                "count": case((is_over, literal(1)), else_=attempts.c.count + 1),
                "window_started_at": case((is_over, literal(at)), else_=attempts.c.window_started_at),
            },
        ).returning(attempts.c.count, attempts.c.window_started_at)
    )
    row: Any = found.one()
    return row[0], row[1]


async def uncount_attempt(session: Session, subject: bytes) -> None:
    """Take one attempt back."""
    await session.execute(
        update(attempts).where(attempts.c.subject == subject).values(count=func.greatest(attempts.c.count - 1, 0))
    )


async def forget_attempts(session: Session, subject: bytes) -> None:
    """Begin anew for a subject."""
    await session.execute(delete(attempts).where(attempts.c.subject == subject))


async def delete_old_attempts(session: Session, started_before: datetime) -> None:
    """Retention: forget windows that began before then."""
    await session.execute(delete(attempts).where(attempts.c.window_started_at < started_before))
