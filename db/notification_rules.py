"""What people have set about their notifications: by which channels what is told, when, and which tasks are silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from db.models import Channel, DigestFrequency, NotificationKind, NotificationRule, NotificationSettings
from db.session import Session
from db.tables import memberships, notification_rules, notification_settings, task_subscriptions


def _rule(row: Any) -> NotificationRule:
    return NotificationRule(
        membership_id=row.membership_id,
        workspace_id=row.workspace_id,
        project_id=row.project_id,
        task_id=row.task_id,
        kind=NotificationKind(row.kind),
        channels=frozenset(Channel(one) for one in row.channels),
    )


async def rules_by_membership_ids(
    session: Session, membership_ids: Sequence[UUID]
) -> dict[UUID, list[NotificationRule]]:
    """membership ids -> all that was set, by scope and kind; every membership has an entry."""
    found = await session.execute(
        select(notification_rules)
        .where(notification_rules.c.membership_id.in_(list(membership_ids)))
        .order_by(notification_rules.c.scope_id, notification_rules.c.kind)
    )
    rules: dict[UUID, list[NotificationRule]] = {one: [] for one in membership_ids}
    for row in found:
        rules[row.membership_id].append(_rule(row))
    return rules


@dataclass(frozen=True, slots=True)
class Wishes:
    """What several people have said: rules by (person, scope, kind), and who has muted which task."""

    channels: Mapping[tuple[UUID, UUID, NotificationKind], frozenset[Channel]]
    muted: frozenset[tuple[UUID, UUID]]


async def wishes_of(
    session: Session,
    user_ids: Collection[UUID],
    scope_ids: Collection[UUID],
    kinds: Collection[NotificationKind],
    task_ids: Collection[UUID],
) -> Wishes:
    """What these people have said about these scopes (workspaces, projects, tasks) and these tasks."""
    rules = await session.execute(
        select(
            memberships.c.user_id,
            notification_rules.c.scope_id,
            notification_rules.c.kind,
            notification_rules.c.channels,
        )
        .join(memberships, memberships.c.id == notification_rules.c.membership_id)
        .where(
            memberships.c.user_id.in_(list(user_ids)),
            notification_rules.c.scope_id.in_(list(scope_ids)),
            notification_rules.c.kind.in_([one.value for one in kinds]),
        )
    )
    muted = await session.execute(
        select(task_subscriptions.c.user_id, task_subscriptions.c.task_id).where(
            task_subscriptions.c.task_id.in_(list(task_ids)),
            task_subscriptions.c.user_id.in_(list(user_ids)),
            task_subscriptions.c.is_muted,
        )
    )
    return Wishes(
        channels={
            (row.user_id, row.scope_id, NotificationKind(row.kind)): frozenset(Channel(one) for one in row.channels)
            for row in rules
        },
        muted=frozenset((row.user_id, row.task_id) for row in muted),
    )


async def set_rule(session: Session, rule: NotificationRule) -> None:
    """What somebody wants, whatever it was."""
    row = upsert(notification_rules).values(
        membership_id=rule.membership_id,
        workspace_id=rule.workspace_id,
        project_id=rule.project_id,
        task_id=rule.task_id,
        kind=rule.kind.value,
        channels=sorted(one.value for one in rule.channels),
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["membership_id", "scope_id", "kind"], set_={"channels": row.excluded.channels}
        )
    )


async def delete_rule(session: Session, membership_id: UUID, scope_id: UUID, kind: NotificationKind) -> None:
    """From now on the wider scope's rule counts."""
    await session.execute(
        delete(notification_rules).where(
            notification_rules.c.membership_id == membership_id,
            notification_rules.c.scope_id == scope_id,
            notification_rules.c.kind == kind.value,
        )
    )


async def count_rules(session: Session, membership_id: UUID) -> int:
    return len((await rules_by_membership_ids(session, [membership_id]))[membership_id])


def _settings(row: Any) -> NotificationSettings:
    return NotificationSettings(
        membership_id=row.membership_id,
        workspace_id=row.workspace_id,
        digest=DigestFrequency(row.digest or DigestFrequency.NONE),
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
    )


async def settings_by_membership_ids(
    session: Session, membership_ids: Collection[UUID]
) -> dict[UUID, NotificationSettings]:
    """membership ids -> what their people have set, or the defaults; without those that are not there."""
    found = await session.execute(
        select(
            memberships.c.id.label("membership_id"),
            memberships.c.workspace_id,
            notification_settings.c.digest,
            notification_settings.c.quiet_from,
            notification_settings.c.quiet_to,
        )
        .outerjoin(notification_settings, notification_settings.c.membership_id == memberships.c.id)
        .where(memberships.c.id.in_(list(membership_ids)))
    )
    return {row.membership_id: _settings(row) for row in found}


async def set_settings(session: Session, settings: NotificationSettings) -> None:
    """What somebody wants, whatever it was."""
    row = upsert(notification_settings).values(
        membership_id=settings.membership_id,
        workspace_id=settings.workspace_id,
        digest=settings.digest.value,
        quiet_from=settings.quiet_from,
        quiet_to=settings.quiet_to,
    )
    said = {name: getattr(row.excluded, name) for name in ("digest", "quiet_from", "quiet_to")}
    await session.execute(row.on_conflict_do_update(index_elements=["membership_id"], set_=said))
