"""Which channels a kind of notification takes, and when mails come: defaults, and what people set.

The most specific rule counts: of the task, else of its project, else of the
workspace, else the default. Whoever mutes a task hears nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from db import notification_rules, tasks, workspaces
from db.models import Channel, DigestFrequency, NotificationKind, NotificationRule, NotificationSettings, Project
from db.notification_rules import Wishes
from db.projects import rows_by_ids
from db.scope import Grant, Scope
from db.unit_of_work import Outcome, UnitOfWork
from domain import access, ids
from domain.errors import Invalid, LimitReached, NotFound
from domain.presence import show_presence

_HERE = frozenset({Channel.IN_APP})
_BOTH = frozenset({Channel.IN_APP, Channel.EMAIL})

DEFAULTS: dict[NotificationKind, frozenset[Channel]] = {
    NotificationKind.MENTION: _BOTH,
    NotificationKind.ASSIGNED: _BOTH,
    NotificationKind.UNASSIGNED: _HERE,
    NotificationKind.COMMENT: _HERE,
    NotificationKind.REPLY: _BOTH,
    NotificationKind.STATUS_CHANGED: _HERE,
    NotificationKind.DUE_SOON: _BOTH,
    NotificationKind.OVERDUE: _HERE,
    # The mail of an invite is sent to its address, whoever that is.
    NotificationKind.INVITED: _HERE,
    NotificationKind.REACTION: _HERE,
}

RULED = tuple(kind for kind in NotificationKind if kind is not NotificationKind.INVITED)
"""An invite comes before one belongs anywhere, so no rule of a workspace can be about it."""
MAX_RULES = 1_000
_HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d\Z")


def channels_of(wishes: Wishes, user_id: UUID, scope_ids: Sequence[UUID], kind: NotificationKind) -> frozenset[Channel]:
    """By which channels somebody wants this kind; the scopes come the most specific first."""
    for scope_id in scope_ids:
        found = wishes.channels.get((user_id, scope_id, kind))
        if found is not None:
            return found
    return DEFAULTS[kind]


async def _scope_of_rule(uow: UnitOfWork, global_id: str) -> tuple[Grant, UUID | None, UUID | None]:
    """(grant, project, task) of a rule's scope: a task, a project or a workspace. Raises NotFound."""
    nothing = NotFound(global_id, "scopeId")
    scope = await access.scope_of(uow, uow.actor)
    kind = global_id.partition("_")[0]
    if kind == "workspace":
        return await access.permitted(uow, ids.parse(kind, global_id, "scopeId"), None, path="scopeId"), None, None
    if kind == "project":
        project_id = ids.parse(kind, global_id, "scopeId")
        project = (await rows_by_ids(uow, Project, scope, [project_id])).get(project_id)
        if project is not None:
            return _grant(scope, project.workspace_id, nothing), project_id, None
    if kind == "task":
        task_id = ids.parse(kind, global_id, "scopeId")
        task = (await tasks.tasks_by_ids(uow, scope, [task_id])).get(task_id)
        if task is not None:
            return _grant(scope, task.workspace_id, nothing), None, task_id
    raise nothing


def _grant(scope: Scope, workspace_id: UUID, nothing: NotFound) -> Grant:
    grant = scope.grant(workspace_id)
    if grant is None:
        raise nothing
    return grant


async def update_rule(
    uow: UnitOfWork, scope_id: str, kind: NotificationKind, channels: Collection[Channel] | None
) -> Outcome:
    """Set the channels of a kind within a scope; None: as the wider scope says.

    Raises NotFound, Invalid, LimitReached.
    """
    grant, project_id, task_id = await _scope_of_rule(uow, scope_id)
    if kind not in RULED:
        raise Invalid("An invite comes before you belong to the workspace: no rule of it is about that.", "kind")
    await workspaces.lock_memberships(uow, grant.workspace_id, [grant.membership_id])
    if channels is None:
        inner = task_id or project_id or grant.workspace_id
        await notification_rules.delete_rule(uow, grant.membership_id, inner, kind)
    else:
        if await notification_rules.count_rules(uow, grant.membership_id) >= MAX_RULES:
            raise LimitReached(f"At most {MAX_RULES} rules fit in one workspace.", MAX_RULES, "scopeId")
        rule = NotificationRule(grant.membership_id, grant.workspace_id, project_id, task_id, kind, frozenset(channels))
        await notification_rules.set_rule(uow, rule)
    return Outcome({"settings": str(grant.membership_id)})


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`HH:MM` where the person lives; from later than to: over midnight."""

    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class SettingsPatch:
    """What of the settings changes; None: it stays. `has_quiet_hours`: they were given, and None ends them."""

    digest: DigestFrequency | None = None
    has_quiet_hours: bool = False
    quiet_hours: QuietHours | None = None
    is_presence_shown: bool | None = None


async def update_settings(uow: UnitOfWork, workspace_id: UUID, patch: SettingsPatch) -> Outcome:
    """Raises NotFound, Invalid."""
    grant = await access.permitted(uow, workspace_id, None)
    if patch.is_presence_shown is not None:
        await show_presence(uow, workspace_id, patch.is_presence_shown)
    await workspaces.lock_memberships(uow, workspace_id, [grant.membership_id])
    found = await notification_rules.settings_by_membership_ids(uow, [grant.membership_id])
    before = found.get(grant.membership_id) or NotificationSettings(
        grant.membership_id, workspace_id, DigestFrequency.NONE, None, None
    )
    after = before if patch.digest is None else replace(before, digest=patch.digest)
    if patch.has_quiet_hours:
        if patch.quiet_hours is None:
            after = replace(after, quiet_from=None, quiet_to=None)
        else:
            quiet = _checked(patch.quiet_hours)
            after = replace(after, quiet_from=quiet.begin, quiet_to=quiet.end)
    if after != before:
        await notification_rules.set_settings(uow, after)
    return Outcome({"settings": str(grant.membership_id)})


def _checked(hours: QuietHours) -> QuietHours:
    for path, value in (("from", hours.begin), ("to", hours.end)):
        if not _HOUR.match(value):
            raise Invalid("A time of day is HH:MM, from 00:00 to 23:59.", "quietHours", path)
    if hours.begin == hours.end:
        raise Invalid("Quiet hours end at another time than they begin.", "quietHours", "to")
    return hours
