"""A forgotten password, and the proof that a mail address is somebody's: what the links in mails do.

Whether an address is known is never told here, neither by words nor by time: the
question is answered when the mail is sent, and only to whoever reads it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from db import accounts, mails
from db.errors import Duplicate
from db.mails import AccountToken
from db.models import AccountTokenKind, Actor, User
from db.session import Session
from db.unit_of_work import UnitOfWork
from domain import attempts, fields, passwords
from domain.accounts import Announce, email, session_name, wrong_credentials
from domain.errors import ErrorCode, Invalid
from domain.invites import tell_waiting
from domain.mails import queue_email_change_notice, queue_password_reset, queue_verification, withdraw_links
from domain.sessions import Desk, SignedIn, open_session, person


def link_hash(token: str) -> bytes:
    """What is stored of a link's token. No salt: it is random already."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def request_password_reset(desk: Desk, address_of_mail: str, address: str) -> None:
    """Send a link to this address if somebody has it; known or not, the work is the same.

    Raises Refusals for what is no address, TopLevel(RATE_LIMITED).
    """
    named = fields.checked({"email": (email, address_of_mail)})["email"]
    at = desk.clock()
    await attempts.count(desk.database, desk.limits.reset_by_address, attempts.network(address), at)
    await attempts.count(desk.database, desk.limits.reset_by_account, named, at)
    await desk.database.alone(lambda session: queue_password_reset(session, named, at))


async def reset_password(desk: Desk, token: str, new_password: str, device: str | None, address: str) -> SignedIn:
    """Set a new password by a link. All sessions and all other links end, and a new session begins.

    Reading the mail proved the address as well. Raises Refusals, Invalid(INVALID_CREDENTIALS), TopLevel(RATE_LIMITED).
    """
    good = fields.checked({"newPassword": (passwords.checked, new_password), "device": (session_name, device)})
    await _count_link(desk, address)
    link = await _link(desk, AccountTokenKind.RESET_PASSWORD, token)
    new_hash = await desk.passwords.hash(good["newPassword"])

    async def work(uow: UnitOfWork) -> SignedIn:
        user = await _owner(uow, link)
        if user.email != link.email:
            raise _no_link()
        await accounts.set_password_hash(uow, user.id, new_hash)
        await accounts.end_sessions(uow, user.id, uow.now)
        await withdraw_links(uow, user.id)
        if user.email_verified_at is None:
            user = await accounts.update_profile(uow, user.id, {"email_verified_at": uow.now}, uow.now)
            await tell_waiting(uow, user)
        return await open_session(uow, user, good["device"])

    signed_in = await desk.commit(person(link.user_id), work)
    await attempts.forget(desk.database, desk.limits.sign_in_by_account, link.email)
    await attempts.forget(desk.database, desk.limits.change_password_by_account, str(link.user_id))
    return signed_in


async def may_reset(session: Session, token: str, at: datetime) -> bool:
    """Whether `reset_password` would take this link's token now. Looking does not use it up."""
    link = await mails.account_token_by_hash(session, AccountTokenKind.RESET_PASSWORD, link_hash(token), at)
    user = None if link is None else await accounts.user_by_id(session, link.user_id)
    return link is not None and user is not None and user.email == link.email


async def request_email_change(desk: Desk, actor: Actor, new_email: str, password: str) -> None:
    """Send a link to the new address, and word of it to the old one. With the present address: the link once more.

    Whether somebody has the new address is not told. Raises Refusals, Invalid(INVALID_CREDENTIALS),
    TopLevel(UNAUTHENTICATED, RATE_LIMITED).
    """
    wanted = fields.checked({"email": (email, new_email)})["email"]
    known = await verified_by_password(desk, actor, password)
    await attempts.count(desk.database, desk.limits.mail_by_recipient, wanted, desk.clock())

    async def work(uow: UnitOfWork) -> None:
        user = await accounts.lock_user(uow, known.id)
        if user is None or user.password_hash != known.password_hash:
            raise wrong_credentials("password")
        if wanted == user.email:
            if user.email_verified_at is None:
                await queue_verification(uow, user.id, wanted)
            return
        await withdraw_links(uow, user.id)  # of changes asked for before, only the newest counts
        await queue_verification(uow, user.id, wanted)
        await queue_email_change_notice(uow, user.id, user.email, wanted, is_done=False)

    await desk.commit(actor, work)


async def verify_email(desk: Desk, token: str, address: str, announce_profile: Announce) -> None:
    """The address that a link was sent to is proven, and becomes the person's if it was not.

    The old address is told. Raises Invalid(INVALID_CREDENTIALS; ALREADY_EXISTS when somebody else has the address
    by now), TopLevel(RATE_LIMITED).
    """
    await _count_link(desk, address)
    link = await _link(desk, AccountTokenKind.VERIFY_EMAIL, token)

    async def work(uow: UnitOfWork) -> None:
        before = await _owner(uow, link)
        is_change = link.email != before.email
        values = {"email": link.email, "email_verified_at": uow.now}
        try:
            after = await accounts.update_profile(uow, before.id, values, uow.now)
        except Duplicate as error:
            message = "Somebody else has an account with this address."
            raise Invalid(message, "token", code=ErrorCode.ALREADY_EXISTS) from error
        await tell_waiting(uow, after)
        if is_change:
            await queue_email_change_notice(uow, before.id, before.email, after.email, is_done=True)
            await withdraw_links(uow, before.id)
            await announce_profile(uow, before, after)

    await desk.commit(person(link.user_id), work)


async def verified_by_password(desk: Desk, actor: Actor, password: str) -> User:
    """The actor, who knows their password; whoever uses it compares the hash again under the lock.

    Raises Invalid(INVALID_CREDENTIALS), TopLevel(RATE_LIMITED).
    """
    limit = desk.limits.change_password_by_account
    attempt = await attempts.count(desk.database, limit, str(actor.user_id), desk.clock())
    known = await desk.database.alone(lambda one: accounts.user_by_id(one, actor.user_id))
    if not await desk.passwords.verify(known.password_hash if known else None, password) or known is None:
        raise wrong_credentials("password")
    await attempt.forgive_all(desk.database)
    return known


async def _count_link(desk: Desk, address: str) -> None:
    await attempts.count(desk.database, desk.limits.link_by_address, attempts.network(address), desk.clock())


async def _link(desk: Desk, kind: AccountTokenKind, token: str) -> AccountToken:
    """Raises Invalid(INVALID_CREDENTIALS) unless the link works."""
    hashed, at = link_hash(token), desk.clock()
    found = await desk.database.alone(lambda one: mails.account_token_by_hash(one, kind, hashed, at))
    if found is None:
        raise _no_link()
    return found


async def _owner(uow: UnitOfWork, link: AccountToken) -> User:
    """Lock the person whose link it is and use it up, which happens once. Raises Invalid(INVALID_CREDENTIALS)."""
    user = await accounts.lock_user(uow, link.user_id)
    if user is None or not await mails.use_account_token(uow, link.id):
        raise _no_link()
    return user


def _no_link() -> Invalid:
    message = "This link does not work: it was used already, has expired, or is not whole. Ask for a new one."
    return Invalid(message, "token", code=ErrorCode.INVALID_CREDENTIALS)
