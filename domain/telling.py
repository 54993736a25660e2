"""Telling people: collects what a unit of work tells whom, and writes it all at once at its end.

What is told is decided in `notices`. Here it is seen to that nobody is told of
what they do themselves, may not see, or do not want to hear of; that alike ones
which were not read yet become one; and that what no longer holds is taken back.
Rights are judged under the lock of the person's head, which a change of their
rights takes as well: so nobody is told of anything after they lost it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from db import mails, notification_rules, notifications, subscriptions, workspaces
from db.ids import new_id
from db.models import ActorKind, Channel, FoldedNotification, NotificationKind, Source, Task
from db.notifications import About, Tally
from db.scope import Grant
from db.unit_of_work import UnitOfWork
from domain.preferences import channels_of

MAX_SOURCES = 50
"""So many of what was folded into one are remembered, to be taken back one by one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """People are to be told of something. `group`: what alike ones have in common, besides person and kind.

    `task` None: it is no task that it is about, and whoever it is for need not be a member. `has_followers`: the
    followers of the task as well, unless they are told of the same source already.
    """

    kind: NotificationKind
    workspace_id: UUID
    source: Source
    group: UUID
    task: Task | None = None
    invite_id: UUID | None = None
    user_ids: tuple[UUID, ...] = ()
    has_followers: bool = False


@dataclass(frozen=True, slots=True)
class Recall:
    """What was told about something is taken back where it was not read: all of it, or one source of it."""

    about: About
    source_id: UUID | None = None


Told = tuple[UUID, Wish, frozenset[Channel]]
"""Who is told what, by which channels."""


@dataclass(slots=True)
class _Ledger:
    """What becomes of notifications: as they were (None: new), and as they are to be."""

    before: dict[UUID, FoldedNotification | None] = field(default_factory=dict)
    after: dict[UUID, FoldedNotification] = field(default_factory=dict)

    def put(self, before: FoldedNotification | None, after: FoldedNotification) -> None:
        self.before.setdefault(after.id, before)
        self.after[after.id] = after

    def now(self, one: FoldedNotification) -> FoldedNotification:
        return self.after.get(one.id, one)

    def deltas(self) -> Counter[Tally]:
        found: Counter[Tally] = Counter()
        for one in self.after.values():
            found[one.user_id, one.workspace_id, one.kind] += _is_unread(one) - _is_unread(self.before[one.id])
        return found


def _is_unread(one: FoldedNotification | None) -> bool:
    return one is not None and one.is_in_app and one.read_at is None and one.withdrawn_at is None


class Telling:
    """A companion of the unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._wishes: list[Wish] = []
        self._recalls: list[Recall] = []
        self._mails: list[mails.NotificationMail] = []

    def wish(self, wish: Wish) -> None:
        """The first wish for a person and a source counts."""
        self._wishes.append(wish)

    def recall(self, recall: Recall) -> None:
        self._recalls.append(recall)

    async def finish(self) -> None:
        wanted = await self._wanted()
        about = [one.about for one in self._recalls]
        concerned = {user_id for user_id, _, _ in wanted}
        for one in about:
            # Even where there is nothing to take back: whoever tells them of it at the same time has to wait.
            concerned |= one.user_ids or set()
        concerned |= {one.user_id for one in (await notifications.open_ones(self._uow, about)).values()}
        if not concerned:
            return
        heads = await notifications.raise_heads(self._uow, concerned)
        self._uow.told |= heads
        ledger = _Ledger()
        await self._take_back(ledger)
        await self._fold(ledger, await self._allowed(wanted))
        await self._write(ledger, heads)

    async def _wanted(self) -> list[Told]:
        """(person, wish, by which channels), without who did it, doubles, and those who do not want it."""
        task_ids = [one.task.id for one in self._wishes if one.has_followers and one.task is not None]
        followers = await subscriptions.subscribers_by_task_ids(self._uow, task_ids) if task_ids else {}
        told: set[tuple[UUID, UUID | None, UUID]] = set()
        people: list[tuple[UUID, Wish]] = []
        for wish in self._wishes:
            task_id = None if wish.task is None else wish.task.id
            actor = wish.source.actor
            actor_id = actor.id if actor.kind is ActorKind.USER else None
            more = followers.get(task_id, []) if wish.has_followers and task_id is not None else []
            for user_id in (*wish.user_ids, *more):
                key = (user_id, task_id, wish.source.id)
                if user_id != actor_id and key not in told:
                    told.add(key)
                    people.append((user_id, wish))
        if not people:
            return []
        return await self._by_channels(people)

    async def _by_channels(self, people: Sequence[tuple[UUID, Wish]]) -> list[Told]:
        wishes = await notification_rules.wishes_of(
            self._uow,
            {user_id for user_id, _ in people},
            {scope for _, wish in people for scope in _scopes(wish)},
            {wish.kind for _, wish in people},
            {wish.task.id for _, wish in people if wish.task is not None},
        )
        found = []
        for user_id, wish in people:
            if wish.task is not None and (user_id, wish.task.id) in wishes.muted:
                continue
            channels = channels_of(wishes, user_id, _scopes(wish), wish.kind)
            if channels:
                found.append((user_id, wish, channels))
        return found

    async def _allowed(self, wanted: Sequence[Told]) -> list[Told]:
        """Without those who may not see what it is about."""
        people: dict[UUID, set[UUID]] = defaultdict(set)
        for user_id, wish, _ in wanted:
            if wish.task is not None:
                people[wish.workspace_id].add(user_id)
        grants: dict[tuple[UUID, UUID], Grant] = {}
        for workspace_id, user_ids in people.items():
            for user_id, grant in (await workspaces.members_of(self._uow, workspace_id, user_ids)).items():
                grants[workspace_id, user_id] = grant
        return [
            (user_id, wish, channels)
            for user_id, wish, channels in wanted
            if wish.task is None
            or (
                (wish.workspace_id, user_id) in grants
                and grants[wish.workspace_id, user_id].sees_project(wish.task.project_id)
            )
        ]

    async def _take_back(self, ledger: _Ledger) -> None:
        plain = [one for one in self._recalls if one.about.outside is None]
        opened = await notifications.open_ones(self._uow, [one.about for one in plain])
        for recall in plain:
            self._withdraw(ledger, recall, [one for one in opened.values() if recall.about.matches(one)])
        for recall in self._recalls:
            if recall.about.outside is not None:
                opened = await notifications.open_ones(self._uow, [recall.about])
                self._withdraw(ledger, recall, opened.values())

    def _withdraw(self, ledger: _Ledger, recall: Recall, found: Iterable[FoldedNotification]) -> None:
        for one in found:
            current = ledger.now(one)
            if current.withdrawn_at is None:
                after = _without(current, recall.source_id, self._uow)
                if after is not current:
                    ledger.put(one, after)

    async def _fold(self, ledger: _Ledger, wanted: Sequence[Told]) -> None:
        if not wanted:
            return
        keys = {(user_id, _group_key(wish)) for user_id, wish, _ in wanted}
        groups = await notifications.open_groups(self._uow, keys)
        for user_id, wish, channels in wanted:
            key = (user_id, _group_key(wish))
            found = groups.get(key)
            current = None if found is None else ledger.now(found)
            is_in_app = Channel.IN_APP in channels
            if current is None or current.withdrawn_at is not None or current.is_in_app != is_in_app:
                after = _new(user_id, wish, is_in_app)
                ledger.put(None, after)
            else:
                after = _with(current, wish.source)
                ledger.put(found, after)
            groups[key] = after
            if Channel.EMAIL in channels:
                self._mails.append(mails.NotificationMail(after.id, wish.source.id, user_id, wish.workspace_id))

    async def _write(self, ledger: _Ledger, heads: dict[UUID, int]) -> None:
        placed = [replace(one, seq=heads[one.user_id]) for one in ledger.after.values()]
        await notifications.insert_notifications(self._uow, [one for one in placed if ledger.before[one.id] is None])
        await notifications.rewrite_notifications(
            self._uow, [one for one in placed if ledger.before[one.id] is not None]
        )
        await notifications.add_to_counts(self._uow, ledger.deltas())
        await mails.queue_notification_mails(self._uow, self._mails, self._uow.now)


def _scopes(wish: Wish) -> list[UUID]:
    """Where a rule may be, the most specific first."""
    if wish.task is None:
        return [wish.workspace_id]
    project = [] if wish.task.project_id is None else [wish.task.project_id]
    return [wish.task.id, *project, wish.workspace_id]


def _group_key(wish: Wish) -> str:
    return f"{wish.kind.value}:{wish.group}"


def _new(user_id: UUID, wish: Wish, is_in_app: bool) -> FoldedNotification:
    source = wish.source
    return FoldedNotification(
        id=new_id(),
        user_id=user_id,
        workspace_id=wish.workspace_id,
        seq=0,
        kind=wish.kind,
        task_id=None if wish.task is None else wish.task.id,
        comment_id=source.comment_id,
        invite_id=wish.invite_id,
        group_key=_group_key(wish),
        sources=(source,),
        group_count=1,
        actor=source.actor,
        emoji=source.emoji,
        is_in_app=is_in_app,
        created_at=source.at,
        read_at=None,
        withdrawn_at=None,
    )


def _with(one: FoldedNotification, source: Source) -> FoldedNotification:
    """One more is folded into it."""
    if any(known.id == source.id for known in one.sources):
        return one
    return _newest(replace(one, sources=(*one.sources, source)[-MAX_SOURCES:], group_count=one.group_count + 1))


def _without(one: FoldedNotification, source_id: UUID | None, uow: UnitOfWork) -> FoldedNotification:
    """Withdrawn, or (with a source) without that; itself if that is not in it."""
    left = () if source_id is None else tuple(known for known in one.sources if known.id != source_id)
    if not left:
        return replace(one, withdrawn_at=uow.now)
    if len(left) == len(one.sources):
        return one
    return _newest(replace(one, sources=left, group_count=one.group_count - 1))


def _newest(one: FoldedNotification) -> FoldedNotification:
    last = one.sources[-1]
    return replace(one, actor=last.actor, comment_id=last.comment_id, emoji=last.emoji, created_at=last.at)


def tell(uow: UnitOfWork, wish: Wish) -> None:
    """People are told of something when the unit commits, as far as they may see and want it."""
    uow.companion(Telling).wish(wish)


def take_back(uow: UnitOfWork, recalls: Iterable[Recall]) -> None:
    """What was told and was not read yet is withdrawn when the unit commits."""
    for one in recalls:
        uow.companion(Telling).recall(one)
