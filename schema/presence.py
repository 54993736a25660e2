"""Who is here and what they do, as the API shows it.

What somebody may see of it is decided by audiences before it comes here. Never in
the log: what is missed is healed by the next snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from dataloaders.loaders import Loaders
from db.errors import Unavailable
from db.ids import of_kind, typed
from db.models import ChangedField
from db.models import User as UserRow
from db.presence import ActivityMode, MemberPresence
from realtime.presence_state import Activity, Presence, Status
from realtime.presence_state import PresenceBatch as Told
from realtime.presence_store import LEASE_SECONDS
from schema.context import Info
from schema.errors import UserError
from schema.nodes import Node
from schema.people import User

if TYPE_CHECKING:
    from schema.tasks import Task

People = dict[UUID, UserRow]
"""People by their ids. Read before anything is shown, so that a thousand of them are shown without waiting."""


async def _read_people(loaders: Loaders, known: People, ids: Iterable[UUID]) -> None:
    """Know these people too. While PostgreSQL is away those stay unknown who were not known before."""
    missing = [one for one in ids if one not in known]
    try:
        rows = await loaders.users.load_many(missing)
    except Unavailable:
        return
    known.update({row.id: row for row in rows if row is not None})


@strawberry.type(description="What somebody does with a task. It ends by itself 10 s after it was last said.")
class PresenceActivity:
    task_id: strawberry.Private[UUID]
    user: User = strawberry.field(description="Who does it.")
    field: ChangedField | None = strawberry.field(description="Which field of the task, if it is one.")
    mode: ActivityMode = strawberry.field(description="What they do with it.")
    since: datetime = strawberry.field(description="When they began.")

    @strawberry.field(description="The task, as it is now. Null: deleted meanwhile, or not to be had at the moment.")
    async def task(self, info: Info) -> Annotated[Task, strawberry.lazy("schema.tasks")] | None:
        from schema.tasks import Task

        try:
            row = await info.context.loaders.tasks.load(self.task_id)
        except Unavailable:
            return None
        return None if row is None else Task.from_row(row)


@strawberry.type(
    description=(
        "All tabs and devices of a person in one workspace folded into one. Expire it yourself at `expiresAt` if"
        " nothing newer came."
    )
)
class UserPresence(Node):
    user: User = strawberry.field(description="Who it is.")
    status: Status = strawberry.field(description="Whether and how they are here.")
    last_seen_at: datetime | None = strawberry.field(
        description="Their last sign of life that is known. Null: never seen, or not for you to know."
    )
    expires_at: datetime | None = strawberry.field(
        description="Until when this may be believed if nothing newer comes. Null: offline."
    )
    activities: list[PresenceActivity] = strawberry.field(
        description="What they do with tasks that you see, what they began first first."
    )

    @staticmethod
    def of(presence: Presence, expires_at: datetime, row: UserRow) -> UserPresence:
        user = User.from_row(row)
        return UserPresence(
            id=strawberry.ID(typed("presence", presence.id)),
            user=user,
            status=presence.status,
            last_seen_at=presence.seen_at,
            expires_at=None if presence.status is Status.OFFLINE else expires_at,
            activities=[_activity(one, user) for one in presence.activities],
        )


def _activity(activity: Activity, user: User) -> PresenceActivity:
    return PresenceActivity(
        user=user,
        task_id=activity.thing_id,
        field=None if activity.field is None else ChangedField(activity.field),
        mode=activity.mode,
        since=activity.since,
    )


@strawberry.type(
    description=(
        "News of who is here. Any `rev` other than the last one plus 1: wait for the next snapshot, or subscribe anew."
    )
)
class PresenceBatch:
    is_snapshot: bool = strawberry.field(description="These are all who are here; forget the others.")
    is_stale: bool = strawberry.field(description="The presence store is away: this is the last that was known.")
    rev: int = strawberry.field(description="Counts the batches of what you see; a snapshot says where it stands.")
    presences: list[UserPresence] = strawberry.field(
        description="Put each by its id. Who left comes as OFFLINE, with when they were last seen."
    )


async def presence_batch(told: Told, loaders: Loaders) -> PresenceBatch:
    """A batch as the API tells it. Whose name cannot be had is left out; a later snapshot has them."""
    people: People = told.kept
    await _read_people(loaders, people, [one.person_id for one in told.presences])
    return PresenceBatch(
        is_snapshot=told.is_snapshot,
        is_stale=told.is_stale,
        rev=told.rev,
        presences=[
            UserPresence.of(one, told.expires_at, people[one.person_id])
            for one in told.presences
            if one.person_id in people
        ],
    )


def lease_end() -> datetime:
    """Until when one look at who is here is good."""
    return datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)


@strawberry.type(description="What updatePresence answers.")
class UpdatePresencePayload:
    user_errors: list[UserError] = strawberry.field(description="What was refused; then nothing was said.")
    presence: UserPresence | None = strawberry.field(
        default=None, description="You, as others see you: all your tabs folded into one. Null: you hide it."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="Send the next heartbeat before this. Every 5 to 8 s is good."
    )


async def presence_of(info: Info, workspace_id: str, user_id: str) -> UserPresence | None:
    """Somebody's presence as the viewer may know it."""
    place = of_kind("workspace", workspace_id), of_kind("user", user_id)
    if place[0] is None or place[1] is None:
        return None
    return await _shown(info, await info.context.loaders.presences.load((place[0], place[1])))


async def presence_node(info: Info, membership_id: UUID) -> UserPresence | None:
    """A presence by its id."""
    return await _shown(info, await info.context.loaders.presences_by_membership.load(membership_id))


async def _shown(info: Info, member: MemberPresence | None) -> UserPresence | None:
    if member is None or not member.is_shown:
        return None
    grant = (await info.context.scope()).grant(member.workspace_id)
    here = await info.context.here(member.workspace_id)
    if here is None or grant is None:
        return None
    found = here.get(member.user_id)
    seen = found.as_seen_by(grant.tags) if found is not None and found.id == member.membership_id else None
    if seen is None:
        seen = Presence(member.user_id, member.membership_id, Status.OFFLINE, (), member.last_seen_at)
    return await shown_presence(info, seen)


async def shown_presence(info: Info, presence: Presence) -> UserPresence:
    """Somebody's presence as it is at the moment."""
    row = await info.context.loaders.users.load(presence.person_id)
    assert row is not None, "people are kept for ever"
    return UserPresence.of(presence, lease_end(), row)


async def activities_on(info: Info, workspace_id: UUID, task_id: UUID) -> list[PresenceActivity]:
    """What people do with a task that the viewer sees; nothing while that is not known."""
    grant = (await info.context.scope()).grant(workspace_id)
    here = await info.context.here(workspace_id)
    if grant is None or not here:
        return []
    found = [
        (doing, presence.person_id)
        for presence in (one.as_seen_by(grant.tags) for one in here.values())
        if presence is not None
        for doing in presence.activities
        if doing.thing_id == task_id
    ]
    people: People = {}
    await _read_people(info.context.loaders, people, {person_id for _, person_id in found})
    found.sort(key=lambda one: (one[0].since, one[1]))
    return [_activity(doing, User.from_row(people[person_id])) for doing, person_id in found if person_id in people]
