"""Accounts: signing up and in, passwords and profiles.

Passwords are hashed outside of any transaction, so what a password was judged
by is compared again under the lock of the person's row before it counts.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
import zoneinfo
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from db import accounts
from db.errors import Duplicate
from db.ids import new_id
from db.models import Actor, User
from db.unit_of_work import Outcome, UnitOfWork
from domain import attempts, fields, passwords
from domain.errors import ErrorCode, Invalid, Refusal, Refusals, TopLevel
from domain.mails import queue_verification
from domain.sessions import Desk, SignedIn, begin_chain, open_session, person

MAX_EMAIL = 254
"""RFC 5321 leaves room for no longer address (erratum 1690 of RFC 3696)."""
MAX_HANDLE = 40
MAX_DEVICE = 100
MAX_TIME_ZONE = 64

# A shape, not a proof: whether mail arrives is found out by sending some.
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f.]+(?:\.[^@\s\x00-\x1f\x7f.]+)+\Z")
_HANDLE = re.compile(r"[a-z0-9_-]{2,40}\Z")

Hook = Callable[[UnitOfWork, User], Awaitable[object]]
"""Something else that happens in the unit of work in which somebody signs up."""
Announce = Callable[[UnitOfWork, User, User], Awaitable[object]]
"""Tells a person's workspaces how they looked before and look now."""


def email(value: str | None, path: str) -> str:
    """A rule: an email address, trimmed and lower-case."""
    found = fields.line(MAX_EMAIL)(value, path).lower()
    if not _EMAIL.match(found):
        raise Invalid("This is no email address.", path)
    return found


def handle(value: str | None, path: str) -> str:
    """A rule: what people are mentioned by, lower-case."""
    found = fields.line(MAX_HANDLE)(value, path).lower()
    if not _HANDLE.match(found):
        raise Invalid("A handle is 2 to 40 letters a-z, digits, hyphens and underscores.", path)
    return found


def time_zone(value: str | None, path: str) -> str:
    """A rule: a zone of the IANA database."""
    found = fields.line(MAX_TIME_ZONE)(value, path)
    if found not in _time_zones():
        raise Invalid("This is no time zone of the IANA database. One is Europe/Berlin.", path)
    return found


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def session_name(value: str | None, path: str) -> str | None:
    """A rule: what a session is called; None for nothing."""
    return None if value is None or not value.strip() else fields.line(MAX_DEVICE)(value, path)


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody who signs up says of themselves. `handle` None: one is made from the name."""

    email: str
    password: str
    name: str
    handle: str | None = None
    time_zone: str | None = None
    device: str | None = None


async def sign_up(
    desk: Desk,
    form: SignUp,
    address: str,
    create_personal_workspace: Hook,
    accept_invite: Hook | None = None,
) -> SignedIn:
    """Make an account and its first session; the hooks run in the same transaction.

    Raises Refusals, what the hooks raise, and TopLevel(RATE_LIMITED).
    """
    good = fields.checked(
        {
            "email": (email, form.email),
            "password": (passwords.checked, form.password),
            "name": (fields.name, form.name),
            **({} if form.handle is None else {"handle": (handle, form.handle)}),
            "timeZone": (time_zone, "UTC" if form.time_zone is None else form.time_zone),
            "device": (session_name, form.device),
        }
    )
    await attempts.count(desk.database, desk.limits.sign_up_by_address, attempts.network(address), desk.clock())
    wanted = [good["handle"]] if "handle" in good else _derived_handles(good["name"], good["email"])
    # Looked up first only to spare the hash; the insert decides.
    is_taken, handles = await desk.database.alone(lambda one: accounts.taken_names(one, good["email"], wanted[:1]))
    if is_taken or (handles and "handle" in good):
        raise _taken(is_email=is_taken, is_handle="handle" in good and bool(handles))
    password_hash = await desk.passwords.hash(good["password"])
    user_id = new_id()

    async def work(uow: UnitOfWork) -> SignedIn:
        for candidate in wanted:
            user = User(
                id=user_id,
                version=1,
                created_at=uow.now,
                updated_at=uow.now,
                email=good["email"],
                email_verified_at=None,
                name=good["name"],
                handle=candidate,
                time_zone=good["timeZone"],
                password_hash=password_hash,
                deleted_at=None,
            )
            if await accounts.insert_user(uow, user):
                break
            is_taken, _ = await accounts.taken_names(uow, user.email, [])
            if is_taken:
                raise _taken(is_email=True, is_handle=False)
        else:
            raise _taken(is_email=False, is_handle=True)
        await create_personal_workspace(uow, user)
        if accept_invite is not None:
            await accept_invite(uow, user)  # one that came by mail proves the address
            user = await locked_person(uow, user.id)
        if user.email_verified_at is None:
            await queue_verification(uow, user.id, user.email)
        return await open_session(uow, user, good["device"])

    return await desk.commit(person(user_id), work)


def _taken(*, is_email: bool, is_handle: bool) -> Refusals:
    refusals: list[Refusal] = []
    if is_email:
        message = "There is an account with this email address already."
        refusals.append(Invalid(message, "email", code=ErrorCode.ALREADY_EXISTS))
    if is_handle:
        refusals.append(_handle_taken())
    return Refusals(refusals)


def _handle_taken() -> Invalid:
    return Invalid("Somebody else has this handle.", "handle", code=ErrorCode.ALREADY_EXISTS)


def _derived_handles(name: str, address: str) -> list[str]:
    """Handles to try, in this order: plain, then with a random ending."""
    for source in (name, address.partition("@")[0]):
        ascii_only = unicodedata.normalize("NFKD", source).encode("ascii", "ignore").decode().lower()
        base = re.sub(r"[^a-z0-9]+", "-", ascii_only)[:30].strip("-")
        if len(base) >= 2:
            break
    else:
        base = "user"
    return [base, *(f"{base}-{secrets.token_hex(size)}" for size in (2, 3, 4, 4))]


async def sign_in(desk: Desk, address_of_mail: str, password: str, device: str | None, address: str) -> SignedIn:
    """Begin a session. An unknown person and a wrong password cost the same time and get the same words.

    Raises Invalid(INVALID_CREDENTIALS), TopLevel(RATE_LIMITED).
    """
    good = fields.checked({"device": (session_name, device)})
    named = address_of_mail.strip().lower()
    at = desk.clock()
    by_address = await attempts.count(desk.database, desk.limits.sign_in_by_address, attempts.network(address), at)
    by_account = await attempts.count(desk.database, desk.limits.sign_in_by_account, named, at)
    # What cannot be an address is nobody's, and PostgreSQL is not asked about it.
    could_be = len(named) <= MAX_EMAIL and _EMAIL.match(named)
    known = await desk.database.alone(lambda one: accounts.user_by_email(one, named)) if could_be else None
    if not await desk.passwords.verify(known.password_hash if known else None, password) or known is None:
        raise wrong_credentials()
    is_outdated = desk.passwords.needs_rehash(known.password_hash)
    new_hash = await desk.passwords.hash(password) if is_outdated else None

    async def work(uow: UnitOfWork) -> SignedIn:
        user = await accounts.lock_user(uow, known.id)
        if user is None or user.password_hash != known.password_hash:
            raise wrong_credentials()
        if new_hash is not None:
            await accounts.set_password_hash(uow, user.id, new_hash)
        return await open_session(uow, user, good["device"])

    signed_in = await desk.commit(person(known.id), work)
    await by_account.forgive_all(desk.database)
    await by_address.forgive(desk.database)
    return signed_in


def wrong_credentials(*path: str) -> Invalid:
    """The one refusal of a wrong password, with a `path`, or of a wrong address or password."""
    message = "The password is wrong." if path else "The email address or the password is wrong."
    return Invalid(message, *path, code=ErrorCode.INVALID_CREDENTIALS)


async def change_password(desk: Desk, actor: Actor, current_password: str, new_password: str) -> SignedIn:
    """Set a new password. All other sessions end; this one goes on with a new chain of refresh tokens.

    Raises Refusals, Invalid(INVALID_CREDENTIALS), TopLevel(UNAUTHENTICATED, RATE_LIMITED).
    """
    good = fields.checked({"newPassword": (passwords.checked, new_password)})
    attempt = await attempts.count(
        desk.database, desk.limits.change_password_by_account, str(actor.user_id), desk.clock()
    )
    known = await desk.database.alone(lambda one: accounts.user_by_id(one, actor.user_id))
    if not await desk.passwords.verify(known.password_hash if known else None, current_password) or known is None:
        raise wrong_credentials("currentPassword")
    new_hash = await desk.passwords.hash(good["newPassword"])

    async def work(uow: UnitOfWork) -> SignedIn:
        user = await accounts.lock_user(uow, known.id)
        if user is None or user.password_hash != known.password_hash:
            raise wrong_credentials("currentPassword")
        session = await accounts.lock_session(uow, actor.session_id, uow.now) if actor.session_id else None
        if session is None or session.user_id != user.id:
            raise TopLevel("UNAUTHENTICATED", "This session has ended. Sign in again.")
        await accounts.set_password_hash(uow, user.id, new_hash)
        await accounts.end_sessions(uow, user.id, uow.now, but=session.id)
        return SignedIn(user, session, await begin_chain(uow, session.id))

    changed = await desk.commit(actor, work)
    await attempt.forgive_all(desk.database)
    return changed


_PROFILE_RULES = {"name": fields.name, "handle": handle, "timeZone": time_zone}
_PROFILE_COLUMNS = {"name": "name", "handle": "handle", "timeZone": "time_zone"}


async def update_profile(uow: UnitOfWork, given: Mapping[str, str | None], announce_profile: Announce) -> Outcome:
    """Change the actor's `name`, `handle` or `timeZone`, whichever are given.

    The workspaces hear of a new name or handle, which others see. Raises Refusals, Invalid(ALREADY_EXISTS).
    """
    good = fields.checked({path: (_PROFILE_RULES[path], value) for path, value in given.items()})
    before = await locked_person(uow, uow.actor.user_id)
    wanted = {_PROFILE_COLUMNS[path]: value for path, value in good.items()}
    changed = {column: value for column, value in wanted.items() if getattr(before, column) != value}
    if "handle" in changed and await accounts.is_handle_taken(uow, changed["handle"], by_other_than=before.id):
        raise _handle_taken()
    if changed:
        try:
            after = await accounts.update_profile(uow, before.id, changed, uow.now)
        except Duplicate as error:  # taken at this very moment
            raise _handle_taken() from error
        if changed.keys() & {"name", "handle"}:
            await announce_profile(uow, before, after)
    return Outcome(ids={"user": str(before.id)})


async def locked_person(uow: UnitOfWork, user_id: UUID) -> User:
    """Lock a person's row. Raises TopLevel(UNAUTHENTICATED) when the account is gone."""
    user = await accounts.lock_user(uow, user_id)
    if user is None:
        raise TopLevel("UNAUTHENTICATED", "There is no such account any more.")
    return user
