"""What the demo team has said to each other, so that threads, mentions and notifications are there to look at.

The first person, whom visitors sign in as, has been told of most of it, and has read some.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from db.ids import new_id, typed
from db.models import ChangedField, User
from db.unit_of_work import Outcome, UnitOfWork
from domain import comments, following, notifications, reactions
from domain.merge import Base
from domain.notifications import Target
from domain.reactions import Subject

Do = Callable[[int, Callable[[UnitOfWork], Awaitable[Outcome]]], Awaitable[Outcome]]
"""(place of a person, what they do)"""


@dataclass(frozen=True, slots=True)
class Said:
    """A comment: who (a place among the people) says what; `{2}` mentions the person at that place."""

    who: int
    text: str
    replies: tuple[Said, ...] = ()
    reactions: tuple[tuple[int, str], ...] = ()
    is_resolved: bool = False


TALK: dict[str, tuple[Said, ...]] = {
    "Rework the pricing page": (
        Said(
            2,
            "Two layouts are in the shared folder, the second with **one** table for all. {0}, which do you prefer?",
            (
                Said(0, "The second. Can we keep the yearly prices in a tooltip?", reactions=((2, "👍"), (3, "👍"))),
                Said(2, "We can. I will bring it to our talk on Thursday, {1} should see the numbers before."),
            ),
        ),
        Said(
            3,
            "Support is asked most of all *what counts as a member*. Guests are free, but nobody knows.",
            reactions=((0, "💡"),),
        ),
    ),
    "Cut the first load to under one second": (
        Said(
            1,
            "Subsetting the fonts brought it from 1.8 s to 1.3 s:\n\n| what | before | after |\n|---|---|---|\n"
            "| fonts | 420 KB | 96 KB |\n| scripts | 310 KB | 310 KB |",
            (Said(0, "Great! The scripts next?", reactions=((1, "🚀"),)),),
            ((0, "🎉"), (2, "🎉")),
        ),
    ),
    "Edits made offline survive a restart": (
        Said(
            3,
            "It happens every second time on the older phone. {0}, you have the new one: does it happen there?",
            (
                Said(0, "Yes, as soon as the app is killed within a second of the edit."),
                Said(3, "So the queue is not flushed. I have a failing test now.", reactions=((0, "🙌"),)),
            ),
        ),
    ),
    "Rehearse a restore from backup": (
        Said(
            1,
            "Is next Tuesday at 10 fine with everybody?",
            (Said(3, "Fine with me."), Said(0, "And with me.")),
            is_resolved=True,
        ),
    ),
    "Sign in with a link sent by mail": (
        Said(2, "The text of the mail is written; {0}, please read it once before it is translated."),
    ),
    "Choose a name for the fox in the logo": (
        Said(
            0,
            "The votes are counted: **Reynard** it is.",
            reactions=((1, "🦊"), (2, "🦊"), (3, "🦊")),
        ),
    ),
}

FOLLOWED = ("Second region", "Search that forgives typing mistakes")
"""Tasks that are nobody's, and that the first person keeps an eye on."""
READ = ("Rehearse a restore from backup", "Choose a name for the fox in the logo")
"""Of these the first person has read."""


async def talk(do: Do, users: Sequence[User], task_ids: Mapping[str, UUID]) -> None:
    """Have them say all of it. `task_ids`: of titles."""
    for title in FOLLOWED:
        await do(0, _following(task_ids[title]))
    for title, said in TALK.items():
        for one in said:
            comment_id = await _say(do, users, task_ids[title], None, one)
            for reply in one.replies:
                await _say(do, users, task_ids[title], comment_id, reply)
            if one.is_resolved:
                await do(one.who, _resolving(comment_id))
    for title in READ:
        await do(0, _reading(task_ids[title]))


async def _say(do: Do, users: Sequence[User], task_id: UUID, parent_id: UUID | None, said: Said) -> UUID:
    comment_id = new_id()
    body = said.text.format(*[f"@[{typed('user', one.id)}]" for one in users])
    await do(said.who, lambda uow: comments.create_comment(uow, comment_id, task_id, parent_id, body))
    for who, emoji in said.reactions:
        await do(who, _reacting(comment_id, emoji))
    return comment_id


def _following(task_id: UUID) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: following.update_subscription(uow, task_id, is_subscribed=True, is_muted=None)


def _resolving(comment_id: UUID) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: comments.update_comment(uow, comment_id, {ChangedField.RESOLVED: True}, Base())


def _reacting(comment_id: UUID, emoji: str) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: reactions.add_reaction(uow, Subject("comment", comment_id), emoji)


def _reading(task_id: UUID) -> Callable[[UnitOfWork], Awaitable[Outcome]]:
    return lambda uow: notifications.mark(uow, Target(task_id=task_id), is_read=True)
