"""What notifications lead to, read before they are told.

Everybody who is woken together waits for the same three statements, and what is then selected of it needs no further
turns of the loop: fifty who were mentioned made a hundred and fifty tasks of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from dataloaders.loaders import Loaders
from db.models import ActorKind, Comment, Notification, Task, User

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Led:
    """By their ids; what the reader may not see is not there."""

    tasks: Mapping[UUID, Task]
    comments: Mapping[UUID, Comment]
    users: Mapping[UUID, User]
    integration_names: Mapping[UUID, str]


async def led_to(loaders: Loaders, shown: Sequence[Notification]) -> Led:
    """What these lead to, for the reader whose loaders these are. One statement of each kind."""
    actors = [one.actor for one in shown]
    return Led(
        tasks=await _found(loaders.tasks, (one.task_id for one in shown)),
        comments=await _found(loaders.comments, (one.comment_id for one in shown)),
        users=await _found(loaders.users, (one.id for one in actors if one.kind is ActorKind.USER)),
        integration_names=await _found(
            loaders.integration_names, (one.id for one in actors if one.kind is ActorKind.INTEGRATION)
        ),
    )


async def _found(loader: DataLoader[UUID, Row | None], ids: Iterable[UUID | None]) -> dict[UUID, Row]:
    wanted = list(dict.fromkeys(one for one in ids if one is not None))
    if len(wanted) == 1:  # as mostly; awaited as it is, it takes no task
        rows = [await loader.load(wanted[0])]
    else:
        rows = await asyncio.gather(*map(loader.load, wanted))
    return {one: row for one, row in zip(wanted, rows, strict=True) if row is not None}
