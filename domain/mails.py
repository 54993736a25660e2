"""Which mails are caused by what. They are only queued here; jobs send them, and judge again whether they should.

No token is made here: a link's token comes into being when its mail is sent, so
nothing that is queued is worth stealing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from db import mails
from db.ids import new_id
from db.mails import NewMail
from db.models import Invite, MailKind
from db.session import Session
from db.unit_of_work import UnitOfWork

RESET_LASTS = timedelta(hours=1)
VERIFICATION_LASTS = timedelta(days=3)
INVITATION_LASTS = timedelta(days=14)
"""How long an invitation without an end of its own is worth sending; the invite itself lasts longer."""


async def queue_verification(uow: UnitOfWork, user_id: UUID, email: str) -> None:
    """Ask whoever reads this mailbox to say that it is this person's. Links sent earlier still work."""
    await mails.queue_mail(
        uow,
        NewMail(
            cause=f"verification:{new_id()}",
            kind=MailKind.VERIFICATION,
            data={},
            user_id=user_id,
            address=email,
            expires_at=uow.now + VERIFICATION_LASTS,
        ),
        uow.now,
    )


async def queue_password_reset(session: Session, email: str, at: datetime) -> None:
    """A link for whoever has this address. Whether anybody has is asked when it is sent, so it takes no time here."""
    new = NewMail(
        cause=f"password-reset:{new_id()}",
        kind=MailKind.PASSWORD_RESET,
        data={},
        address=email,
        expires_at=at + RESET_LASTS,
    )
    await mails.queue_mail(session, new, at)


async def queue_email_change_notice(uow: UnitOfWork, user_id: UUID, old: str, new: str, *, is_done: bool) -> None:
    """Tell the old address that the account is going to have, or has, another one."""
    await mails.queue_mail(
        uow,
        NewMail(
            cause=f"email-change:{new_id()}",
            kind=MailKind.EMAIL_CHANGE,
            data={"new_address": new, "is_done": is_done},
            user_id=user_id,
            address=old,
        ),
        uow.now,
    )


async def queue_invitation(uow: UnitOfWork, invite: Invite) -> None:
    """Send an invite that is for one address there."""
    assert invite.email is not None
    lasts = uow.now + INVITATION_LASTS
    await mails.queue_mail(
        uow,
        NewMail(
            cause=f"invitation:{invite.id}",
            kind=MailKind.INVITATION,
            data={"invite_id": str(invite.id)},
            address=invite.email,
            workspace_id=invite.workspace_id,
            expires_at=lasts if invite.expires_at is None else min(lasts, invite.expires_at),
        ),
        uow.now,
    )


async def withdraw_links(uow: UnitOfWork, user_id: UUID) -> None:
    """No link that this person was or is about to be sent works any more."""
    await mails.drop_waiting_links(uow, user_id, uow.now)
    await mails.delete_account_tokens(uow, user_id)
