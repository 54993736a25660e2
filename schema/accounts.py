"""Sessions, and what the account mutations take. None of these inputs has an idempotency key but `updateProfile`'s."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import UNSET, Maybe

from db import models
from db.ids import typed
from domain import sessions
from schema.context import Info
from schema.nodes import Node


@strawberry.type(description="One sign-in on one device. It ends by signing out, or after 60 days without use.")
class Session(Node):
    device: str | None = strawberry.field(description="What the device calls itself.")
    created_at: datetime = strawberry.field(description="When it was signed in.")
    last_used_at: datetime = strawberry.field(
        description="When its tokens were last refreshed, which a client in use does every 15 minutes."
    )
    current: bool = strawberry.field(description="Whether it is the one that asks.")

    @staticmethod
    def from_row(row: models.Session, current_id: UUID | None) -> Session:
        return Session(
            id=strawberry.ID(typed("session", row.id)),
            device=row.device,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            current=row.id == current_id,
        )


async def own_sessions(info: Info) -> list[Session]:
    """The viewer's sessions that go on, newest first. Raises TopLevel(UNAUTHENTICATED)."""
    me = info.context.me()
    found = await sessions.sessions_of(info.context.reading, me.user_id)
    return [Session.from_row(row, me.session_id) for row in found]


async def own_session(info: Info, session_id: UUID) -> Session | None:
    """One of the viewer's sessions, while it goes on; somebody else's is not there. Raises as `own_sessions`."""
    me = info.context.me()
    row = await info.context.loaders.sessions.load(session_id)
    return None if row is None or row.user_id != me.user_id else Session.from_row(row, me.session_id)


@strawberry.input(description="A new account.")
class SignUpInput:
    email: str = strawberry.field(description="At most 254 characters; case and outer spaces do not matter.")
    password: str = strawberry.field(description="10 to 200 characters.")
    name: str = strawberry.field(description="What others see, 1 to 100 characters.")
    handle: str | None = strawberry.field(
        default=UNSET,
        description="For mentions, unique: 2 to 40 letters a-z, digits, `_` and `-`; omitted: made from the name.",
    )
    time_zone: str | None = strawberry.field(
        default=UNSET, description="A zone of the IANA database, like `Europe/Berlin`; omitted: UTC."
    )
    device: str | None = strawberry.field(
        default=UNSET, description="Names the session, at most 100 characters; omitted: what the client calls itself."
    )
    invite_token: str | None = strawberry.field(
        default=UNSET, description="An invite to accept at once; a bad one refuses the whole sign-up."
    )


@strawberry.input(description="An address and its password.")
class SignInInput:
    email: str = strawberry.field(description="Case and outer spaces do not matter.")
    password: str = strawberry.field(description="Attempts are limited per account and per network address.")
    device: str | None = strawberry.field(
        default=UNSET, description="Names the session, at most 100 characters; omitted: what the client calls itself."
    )


@strawberry.input(description="A refresh token, which this uses up.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(
        description=(
            "The newest one of the session. For 10 seconds its predecessor gives the same answer again; any older one"
            " ends the session."
        )
    )


@strawberry.input(description="The old password and the new one.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="Proves that it is you.")
    new_password: str = strawberry.field(description="10 to 200 characters.")


@strawberry.input(description="Which session ends.")
class SignOutInput:
    session_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Another one of your sessions. Omitted: this session."
    )
    everywhere: bool = strawberry.field(default=False, description="All of your sessions, this one too.")


@strawberry.input(description="Whose password was forgotten.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="Case and outer spaces do not matter. Requests for it are limited.")


@strawberry.input(description="The link from the mail, and the new password.")
class ResetPasswordInput:
    token: str = strawberry.field(description="What stands behind the `#` of the link; it works once, for an hour.")
    new_password: str = strawberry.field(description="10 to 200 characters.")


@strawberry.input(description="The new address.")
class RequestEmailChangeInput:
    email: str = strawberry.field(
        description="Where the link is sent. Your present address, not verified yet: its link is sent once more."
    )
    password: str = strawberry.field(description="Proves that it is you.")


@strawberry.input(description="The link from the mail.")
class VerifyEmailInput:
    token: str = strawberry.field(description="What stands behind the `#` of the link; it works once, for 3 days.")


@strawberry.input(description="The end of your account.")
class DeleteAccountInput:
    password: str = strawberry.field(description="Proves that it is you.")


@strawberry.input(description="Omitted = unchanged. null is REQUIRED: none of them can be empty.")
class UpdateProfileInput:
    client_mutation_id: UUID | None = strawberry.field(
        default=UNSET,
        description="Idempotency key, kept 72 h per actor; same key + different input is IDEMPOTENCY_MISMATCH.",
    )
    name: Maybe[str | None] = strawberry.field(default=None, description="1 to 100 characters.")
    handle: Maybe[str | None] = strawberry.field(
        default=None, description="Unique: 2 to 40 letters a-z, digits, `_` and `-`."
    )
    time_zone: Maybe[str | None] = strawberry.field(
        default=None, description="A zone of the IANA database, like `Europe/Berlin`."
    )
