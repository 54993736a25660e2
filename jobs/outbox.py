"""Empties the outbox: claims one mail after the other, has it written and carried, and notes what became of it.

No transaction is open while a server is talked to. Every step is one statement
that names the claim, so the process may be killed between any two of them:

- before the hand-over nothing has left, and the mail is claimed again later;
- after it, the mail may have arrived. Account mails and invitations then go out
  again, the same Message-ID and the same link in them; notifications do not, as
  they are never lost: they wait in the notification centre. (docs/decisions/0019)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from db import mails
from db.errors import Busy, Unavailable
from db.ids import new_id
from db.leases import take_lease
from db.mails import Claimed
from db.models import MailKind, MailState
from db.session import Database
from db.unit_of_work import now
from jobs.carriers import Carrier, ClaimLost, InDoubt, Postponed, Refused, Unreachable
from jobs.letters import NotWanted, Stationery, compose
from jobs.notices import put_into_mails

PAUSE_SECONDS = 1.0
LEASE = timedelta(seconds=30)
CLAIM = timedelta(minutes=3)
CARRY_SECONDS = 120.0
"""Well within a claim, so that its loss means a process that froze."""
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 2 * 60, 4 * 60, 8 * 60, 12 * 60, 24 * 60))
"""After each attempt that failed for a while; after the last one the mail has failed."""
MAX_UNREACHABLE_SECONDS = 300.0

log = logging.getLogger("tutti.mail")


@dataclass(frozen=True, slots=True)
class PostOffice:
    """What it takes to send mail."""

    database: Database
    carrier: Carrier
    stationery: Stationery
    clock: Callable[[], datetime] = now
    holder: UUID = field(default_factory=new_id)


async def run_outbox(office: PostOffice, pause_seconds: float = PAUSE_SECONDS) -> None:
    """For ever: while this process holds the lease, send what is due; wait longer while the server is away."""
    away_seconds = 0.0
    while True:
        try:
            if await _is_ours(office):
                await put_into_mails(office.database, office.clock())
                is_reached = await empty(office)
                away_seconds = 0.0 if is_reached else min(MAX_UNREACHABLE_SECONDS, max(5.0, away_seconds * 2))
                await office.carrier.rest()
        except (Unavailable, Busy):
            log.warning("PostgreSQL is away or busy; mails wait")
        except Exception:
            log.exception("The outbox stumbled; it goes on")
        await asyncio.sleep(away_seconds or pause_seconds)


async def _is_ours(office: PostOffice) -> bool:
    return await office.database.alone(
        lambda session: take_lease(session, "outbox", office.holder, office.clock(), LEASE)
    )


async def empty(office: PostOffice) -> bool:
    """Send all that is due; False when the server cannot be reached, or somebody else took over."""
    while True:
        at = office.clock()
        claim = new_id()
        mail = await office.database.alone(
            lambda session, claim=claim, at=at: mails.claim_mail(session, claim, at, at + CLAIM)  # type: ignore[misc]
        )
        if mail is None:
            return True
        try:
            await send(office, mail)
        except Unreachable as error:
            log.warning("Mail cannot be sent for now. %s", error)
            await office.database.alone(
                lambda session, mail=mail, error=error: mails.postpone_mail(  # type: ignore[misc]
                    session, mail, office.clock(), str(error), is_certain=True, is_attempt=False
                )
            )
            return False
        if not await _is_ours(office):
            return True


async def send(office: PostOffice, mail: Claimed) -> None:
    """One attempt at one mail. Raises Unreachable, and then the mail is still claimed."""
    database, at = office.database, office.clock()

    async def end(state: MailState, remark: str | None) -> None:
        await database.alone(lambda session: mails.end_mail(session, mail, state, office.clock(), remark))

    async def try_again(remark: str, *, is_certain: bool) -> None:
        if mail.attempts > len(BACKOFF):
            await end(MailState.FAILED, remark)
            log.warning("A mail has failed for good: %s. %s", mail.id, remark)
            return
        due_at = office.clock() + BACKOFF[mail.attempts - 1]
        await database.alone(lambda session: mails.postpone_mail(session, mail, due_at, remark, is_certain=is_certain))

    if mail.expires_at is not None and mail.expires_at <= at:
        return await end(MailState.DROPPED, "It came too late.")
    if mail.handed_over_at is not None and mail.kind is MailKind.NOTIFICATIONS and not office.carrier.is_repeatable:
        return await end(MailState.SENT, "Perhaps: its sender ended before the server answered.")
    is_handed_over = False

    async def hand_over() -> bool:
        nonlocal is_handed_over
        is_handed_over = await database.alone(lambda session: mails.hand_over(session, mail, office.clock()))
        return is_handed_over

    try:
        async with asyncio.timeout(CARRY_SECONDS):
            letter = await compose(office.stationery, database, mail, at)
            await office.carrier.carry(letter, hand_over)
    except NotWanted as reason:
        await end(MailState.DROPPED, str(reason))
    except ClaimLost:
        log.warning("A mail was claimed by somebody else meanwhile: %s", mail.id)
    except Refused as error:
        await end(MailState.FAILED, str(error))
        log.warning("A mail was refused: %s. %s", mail.id, error)
    except Postponed as error:
        await try_again(str(error), is_certain=True)
    except (InDoubt, TimeoutError) as error:
        if not is_handed_over:
            await try_again("It took too long.", is_certain=True)
        elif mail.kind is MailKind.NOTIFICATIONS:
            await end(MailState.SENT, f"Perhaps: the server did not answer ({error}).")
        else:
            await try_again(f"The server did not answer ({error}).", is_certain=False)
    else:
        await end(MailState.SENT, None)
