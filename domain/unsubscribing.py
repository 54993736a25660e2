"""Ending mail by one click (RFC 8058): a signed token says whose, of which workspace, of which kind.

Such a token can do nothing else, so it may stand in an address, where the RFC
wants it; it needs no row and does not expire while the server's key lasts.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from uuid import UUID

from db.models import NotificationKind
from db.notification_mails import stop_mail
from db.session import Database

ALL = "ALL"


def unsubscribe_token(key: bytes, user_id: UUID, workspace_id: UUID, kind: str) -> str:
    """`kind`: a NotificationKind, or ALL."""
    said = f"{user_id.hex}.{workspace_id.hex}.{kind}"
    return f"{said}.{_signature(key, said)}"


def _signature(key: bytes, said: str) -> str:
    return hmac.digest(key, b"unsubscribe " + said.encode(), "sha256").hex()[:32]


async def unsubscribe(database: Database, keys: Sequence[bytes], token: str) -> bool:
    """Send this person no more such mail; False when the token is not one of ours. Again: nothing happens."""
    said, _, signature = token.rpartition(".")
    if not any(hmac.compare_digest(_signature(key, said).encode(), signature.encode()) for key in keys):
        return False
    user, workspace, kind = said.split(".")
    kinds = [one.value for one in NotificationKind] if kind == ALL else [kind]
    await database.alone(lambda session: stop_mail(session, UUID(user), UUID(workspace), kinds))
    return True
