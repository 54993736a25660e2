"""Mentions in texts: `@[user_...]`. Only members who may see the task can be mentioned; anybody else is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from db.unit_of_work import UnitOfWork
from domain import access
from domain.errors import LimitReached

MAX_MENTIONS = 100
"""New ones in one change."""

MENTION = re.compile(r"@\[user_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\]")


def mentioned(text: str) -> list[UUID]:
    """Who is mentioned in a text, each once, in the order of their first mention."""
    return list(dict.fromkeys(UUID(found) for found in MENTION.findall(text)))


def newly_mentioned(before: str, after: str) -> list[UUID]:
    """Who is mentioned after a change and was not before it."""
    known = set(mentioned(before))
    return [one for one in mentioned(after) if one not in known]


def with_names(text: str, names: Mapping[UUID, str]) -> str:
    """A text for those who see no links to people: `@` and the name in place of each mention of somebody known."""
    return MENTION.sub(lambda found: f"@{names[one]}" if (one := UUID(found[1])) in names else found[0], text)


async def allow_mentions(
    uow: UnitOfWork, workspace_id: UUID, project_id: UUID | None, user_ids: Sequence[UUID], path: str
) -> None:
    """Raises NotFound for somebody who does not see a task of this project, LimitReached."""
    if len(user_ids) > MAX_MENTIONS:
        raise LimitReached(f"At most {MAX_MENTIONS} people are mentioned at once.", MAX_MENTIONS, path)
    await access.who_see(uow, workspace_id, project_id, list(user_ids), path)
