"""What the account mutations answer. Tokens are told once, here; nothing is stored for a replay."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema.accounts import Session
from schema.errors import UserError
from schema.viewer import Viewer


@strawberry.type(
    description=(
        "What signUp, signIn, refreshSession, changePassword and resetPassword answer: all null where `userErrors` says"
        " why. The rest of the operation acts as this person."
    )
)
class SessionPayload:
    user_errors: list[UserError] = strawberry.field(description="What was refused; then nobody was signed in.")
    viewer: Viewer | None = strawberry.field(default=None, description="Who is signed in now.")
    access_token: str | None = strawberry.field(
        default=None,
        description="A JWT for `Authorization: Bearer` over HTTP and `connectionParams.authorization` over WebSocket.",
    )
    access_token_expires_at: datetime | None = strawberry.field(
        default=None, description="In 15 minutes: call `refreshSession` before."
    )
    refresh_token: str | None = strawberry.field(
        default=None, description="For the next `refreshSession`; keep it secret, and only the newest."
    )
    session: Session | None = strawberry.field(default=None, description="The session that these tokens are of.")


@strawberry.type(description="What signOut answers.")
class SignOutPayload:
    user_errors: list[UserError] = strawberry.field(description="What was refused; then no session ended.")
    signed_out: bool = strawberry.field(
        description="The sessions have ended: their sockets close and their tokens are refused within a second."
    )


@strawberry.type(
    description=(
        "What the account mutations answer that work by mail, and deleteAccount. `accepted` says nothing about whether"
        " an address is known."
    )
)
class AcceptedPayload:
    user_errors: list[UserError] = strawberry.field(description="What was refused; then nothing was done.")
    accepted: bool = strawberry.field(
        description="It is done, or will be: whoever the request is good for finds the rest in their mailbox."
    )
