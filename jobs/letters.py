"""What the mails say, and whether they should still be sent: judged now, not when they were queued.

Whatever people wrote is text to the templates: HTML is escaped, and headers are
made by the standard library, which takes no line breaks.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from db import accounts, invites, mails, workspaces
from db.mails import AccountToken, Claimed
from db.models import AccountTokenKind, MailKind, Role
from db.notification_mails import contents
from db.session import Database, Session
from domain.invites import hash_of, is_open
from domain.mentions import mentioned, with_names
from domain.recovery import link_hash
from domain.unsubscribing import ALL, unsubscribe_token
from jobs.carriers import Letter, Refused

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
MAX_SUBJECT = 200


class NotWanted(Exception):
    """Nobody should get this mail any more. The text says why."""


@dataclass(frozen=True, slots=True)
class Stationery:
    """What all mails share. `public_url` has no slash at its end; the first of `keys` makes tokens, all are known."""

    public_url: str
    sender_name: str
    sender: str
    keys: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A mail's subject, and the template with what fills it. `headers`: further ones."""

    recipient: str
    subject: str
    template: str
    values: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


async def compose(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Letter:
    """Write a mail. Raises NotWanted, Refused for an address that no mail can be sent to."""
    write = {
        MailKind.VERIFICATION: _verification,
        MailKind.PASSWORD_RESET: _password_reset,
        MailKind.EMAIL_CHANGE: _email_change,
        MailKind.INVITATION: _invitation,
        MailKind.NOTIFICATIONS: _notifications,
    }[mail.kind]
    text = await write(stationery, database, mail, at)
    return letter(stationery, mail, text)


def letter(stationery: Stationery, mail: Claimed, text: Text) -> Letter:
    """A mail in its final form: text and HTML. The same mail has the same Message-ID at every attempt."""
    address = _address(text.recipient)
    recipient = address.addr_spec
    policy = SMTP if recipient.isascii() else SMTPUTF8
    message = EmailMessage(policy=policy)
    message["From"] = Address(_line(stationery.sender_name), addr_spec=stationery.sender)
    message["To"] = address
    message["Subject"] = _line(text.subject)[:MAX_SUBJECT]
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.id}@{stationery.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    for name, value in text.headers.items():
        message[name] = value
    values = {"subject": _line(text.subject), "public_url": stationery.public_url, **text.values}
    message.set_content(TEMPLATES.get_template(f"{text.template}.txt").render(values))
    message.add_alternative(TEMPLATES.get_template(f"{text.template}.html").render(values), subtype="html")
    return Letter(mail.id, mail.created_at, stationery.sender, recipient, message.as_bytes())


def mail_address(email: str) -> str:
    """An address as headers and envelopes spell it. Raises Refused when they cannot."""
    return _address(email).addr_spec


def _address(email: str) -> Address:
    local, _, domain = email.rpartition("@")
    # Python's parser knows no letters beyond ASCII before the `@`, which SMTPUTF8 allows: others stand for them here.
    plain = "".join(one if one.isascii() or not one.isprintable() else "x" for one in local)
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
        address = Address(username=local, domain=ascii_domain)
        parsed = Address(addr_spec=Address(username=plain, domain=ascii_domain).addr_spec)
    except (ValueError, IndexError, MessageError) as error:
        raise Refused("No mail can be sent to this address.") from error
    if (parsed.username, parsed.domain) != (plain, ascii_domain):
        raise Refused("No mail can be sent to this address.")
    return address


def _line(text: str) -> str:
    """Text for a header: one line, and nothing that cannot be printed."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


# ---- links


def make_token(key: bytes, mail_id: UUID) -> str:
    """The token of the link in a mail. It is told to nobody but the mail's reader, and stored only as a hash."""
    return base64.urlsafe_b64encode(hmac.digest(key, mail_id.bytes, "sha256")).rstrip(b"=").decode()


async def _account_link(
    stationery: Stationery, session: Session, mail: Claimed, kind: AccountTokenKind, user_id: UUID, email: str
) -> str:
    """The token of an account mail, which begins to work now. Raises NotWanted if it was used or withdrawn."""
    assert mail.expires_at is not None
    if mail.handed_over_at is None:  # else it may have arrived and been used, and must not begin to work again
        hashed = link_hash(make_token(stationery.keys[0], mail.id))
        token = AccountToken(mail.id, kind, user_id, email, hashed, mail.created_at, mail.expires_at)
        await mails.insert_account_token(session, token, mail)
    stored = await mails.account_token_by_id(session, mail.id)
    for key in stationery.keys:
        made = make_token(key, mail.id)
        if stored is not None and hmac.compare_digest(stored.token_hash, link_hash(made)):
            return made
    raise NotWanted("Its link was used or withdrawn.")


# ---- what each kind says


async def _verification(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Text:
    async def read(session: Session) -> Text:
        assert mail.user_id is not None
        assert mail.address is not None
        user = await accounts.user_by_id(session, mail.user_id)
        if user is None:
            raise NotWanted("The account is deleted.")
        is_change = mail.address != user.email
        if not is_change and user.email_verified_at is not None:
            raise NotWanted("The address is verified already.")
        if is_change and await accounts.user_by_email(session, mail.address) is not None:
            raise NotWanted("Somebody else has this address.")
        kind = AccountTokenKind.VERIFY_EMAIL
        token = await _account_link(stationery, session, mail, kind, user.id, mail.address)
        values = {"name": user.name, "is_change": is_change, "link": f"{stationery.public_url}/verify#{token}"}
        return Text(mail.address, "Confirm your email address", "verification", values)

    return await database.alone(read)


async def _password_reset(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Text:
    async def read(session: Session) -> Text:
        assert mail.address is not None
        user = await accounts.user_by_email(session, mail.address)
        if user is None:
            raise NotWanted("Nobody has this address.")
        kind = AccountTokenKind.RESET_PASSWORD
        token = await _account_link(stationery, session, mail, kind, user.id, mail.address)
        values = {"name": user.name, "link": f"{stationery.public_url}/reset#{token}"}
        return Text(mail.address, "Set a new password", "password_reset", values)

    return await database.alone(read)


async def _email_change(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Text:
    async def read(session: Session) -> Text:
        assert mail.user_id is not None
        assert mail.address is not None
        user = await accounts.user_by_id(session, mail.user_id)
        if user is None:
            raise NotWanted("The account is deleted.")
        values = {"name": user.name, **mail.data}
        subject = "Your email address was changed" if mail.data["is_done"] else "Your email address is to be changed"
        return Text(mail.address, subject, "email_change", values)

    return await database.alone(read)


_ROLES = {
    Role.ADMIN: "an administrator",
    Role.MEMBER: "a member",
    Role.GUEST: "a guest",
    Role.VIEWER: "a viewer",
}


async def _invitation(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Text:
    async def read(session: Session) -> Text:
        invite = await invites.invite_by_id(session, UUID(mail.data["invite_id"]))
        workspace = None if invite is None else await workspaces.workspace_by_id(session, invite.workspace_id)
        if invite is None or invite.email is None or workspace is None or not is_open(invite, at):
            raise NotWanted("The invite does not work any more.")
        people = await workspaces.users_by_ids(session, [invite.created_by])
        token = make_token(stationery.keys[0], mail.id)
        await invites.set_mail_token(session, invite.id, hash_of(token))
        inviter = people[invite.created_by].name
        values = {
            "inviter": inviter,
            "workspace": workspace.name,
            "role": _ROLES[invite.role],
            "expires_at": invite.expires_at,
            "link": f"{stationery.public_url}/join#{token}",
        }
        return Text(invite.email, f"{inviter} invites you to {workspace.name}", "invitation", values)

    return await database.alone(read)


MAX_ITEMS = 10
MAX_QUOTE = 2_000
# No HTML of anybody's, and no images: they would tell the sender who reads it when.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
"""What Markdown might take for more than text in a name."""

_SENTENCES = {
    "MENTION": "{actor} mentioned you",
    "ASSIGNED": "{actor} assigned you",
    "UNASSIGNED": "{actor} took you off",
    "COMMENT": "{actor} commented",
    "REPLY": "{actor} replied",
    "STATUS_CHANGED": "{actor} changed the status",
    "DUE_SOON": "It is due soon",
    "OVERDUE": "It is overdue",
    "INVITED": "{actor} invited you",
    "REACTION": "{actor} reacted",
}


async def _notifications(stationery: Stationery, database: Database, mail: Claimed, at: datetime) -> Text:
    """Only what the reader may see and has not read yet, as of now."""

    async def read(session: Session) -> Text:
        assert mail.user_id is not None
        assert mail.workspace_id is not None
        user = await accounts.user_by_id(session, mail.user_id)
        if user is None or user.email_verified_at is None:
            raise NotWanted("The address is not verified, or the account is deleted.")
        grants = await workspaces.grants_by_user_id(session, user.id, mail.workspace_id)
        workspace = await workspaces.workspace_by_id(session, mail.workspace_id)
        if not grants or workspace is None:
            raise NotWanted("The reader is not in the workspace any more.")
        rows = [row for row in await contents(session, mail.id) if grants[0].sees_project(row["project_id"])]
        if not rows:
            raise NotWanted("It was all read or taken back.")
        kinds = {row["kind"] for row in rows}
        kind = kinds.pop() if len(kinds) == 1 else ALL
        token = unsubscribe_token(stationery.keys[0], user.id, workspace.id, kind)
        told = rows[:MAX_ITEMS]
        people = await workspaces.users_by_ids(session, {one for row in told for one in mentioned(row["body"] or "")})
        names = {person.id: person.name for person in people.values()}
        items = [_item(row, names, f"{stationery.public_url}/w/{workspace.slug}/board/") for row in told]
        more = len(rows) - len(items)
        first = items[0]
        subject = (
            f"{first['sentence']}: {first['key']} {first['title']}"
            if len(rows) == 1
            else (f"{len(rows)} notifications from {workspace.name}")
        )
        values = {
            "items": items,
            "more": more,
            "workspace": workspace.name,
            "unsubscribe": f"{stationery.public_url}/unsubscribe#{token}",
        }
        headers = {
            "List-Unsubscribe": f"<{stationery.public_url}/unsubscribe?token={token}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        return Text(user.email, subject, "notifications", values, headers)

    return await database.alone(read)


def _item(row: Mapping[str, Any], names: Mapping[UUID, str], tasks_url: str) -> dict[str, Any]:
    actor = row["actor"] or "Tutti"
    said = row["body"] or ""
    body = with_names(said, names)[:MAX_QUOTE]
    marked = with_names(said, {one: _PUNCTUATION.sub(r"\\\g<0>", name) for one, name in names.items()})[:MAX_QUOTE]
    return {
        "sentence": _SENTENCES[row["kind"]].format(actor=actor)
        + (f" ({row['group_count']} times)" if row["group_count"] > 1 else ""),
        "key": row["key"],
        "title": row["title"],
        "link": f"{tasks_url}{row['key']}",
        "body": body,
        "html": Markup(MARKDOWN.render(marked)) if marked else "",  # noqa: S704 - rendered with HTML off
    }
