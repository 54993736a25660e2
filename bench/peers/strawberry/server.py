"""Stock Strawberry on FastAPI: its own GraphQLRouter, each subscription with a queue of its own, one Redis listener.

Tuned as its documentation advises: parser and validation caches, no tracing, uvicorn with uvloop and httptools.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, NewType

import redis.asyncio as redis
import strawberry
import uvicorn
from fastapi import FastAPI
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.fastapi import GraphQLRouter
from strawberry.schema.config import StrawberryConfig
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

EventCursor = NewType("EventCursor", str)
Instant = NewType("Instant", str)
Day = NewType("Day", str)
SCALARS: dict[Any, Any] = {
    EventCursor: strawberry.scalar(name="EventCursor"),
    Instant: strawberry.scalar(name="DateTime"),
    Day: strawberry.scalar(name="Date"),
}


@strawberry.enum
class Resync(Enum):
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    ACCESS_CHANGED = "ACCESS_CHANGED"


@strawberry.enum
class ChangedField(Enum):
    TITLE = "TITLE"
    PRIORITY = "PRIORITY"
    DUE_DATE = "DUE_DATE"


@strawberry.enum
class Priority(Enum):
    NONE = "NONE"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    URGENT = "URGENT"


@strawberry.type
class Task:
    id: strawberry.ID
    version: int
    key: str
    title: str
    priority: Priority
    due_date: Day | None


@strawberry.type
class FieldChange:
    field: ChangedField


@strawberry.interface
class WorkspaceEvent:
    cursor: EventCursor
    occurred_at: Instant


@strawberry.type
class TaskUpdatedEvent(WorkspaceEvent):
    task_id: strawberry.ID
    version: int
    changes: list[FieldChange]
    task: Task | None


@strawberry.type
class EventBatch:
    cursor: EventCursor
    caught_up: bool
    resync: Resync | None
    events: list[WorkspaceEvent]


def batch_of(message: bytes) -> EventBatch:
    """A message as the schema's types; once per message, not per subscriber."""
    batch = json.loads(message)["workspaceEvents"]
    return EventBatch(
        cursor=batch["cursor"],
        caught_up=batch["caughtUp"],
        resync=None,
        events=[
            TaskUpdatedEvent(
                cursor=event["cursor"],
                occurred_at=event["occurredAt"],
                task_id=event["taskId"],
                version=event["version"],
                changes=[FieldChange(field=ChangedField(change["field"])) for change in event["changes"]],
                task=Task(
                    id=event["task"]["id"],
                    version=event["task"]["version"],
                    key=event["task"]["key"],
                    title=event["task"]["title"],
                    priority=Priority(event["task"]["priority"]),
                    due_date=event["task"]["dueDate"],
                ),
            )
            for event in batch["events"]
        ],
    )


queues: set[asyncio.Queue[EventBatch]] = set()


async def listen() -> None:
    async with redis.from_url(os.environ["REDIS_URL"]).pubsub() as pubsub:
        await pubsub.subscribe("bench:strawberry")
        async for message in pubsub.listen():
            if message["type"] == "message":
                batch = batch_of(message["data"])
                for queue in queues:
                    queue.put_nowait(batch)


@strawberry.type
class Query:
    version: str = "1"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def workspace_events(
        self, workspace_id: strawberry.ID, after: EventCursor | None = None
    ) -> AsyncGenerator[EventBatch]:
        queue: asyncio.Queue[EventBatch] = asyncio.Queue()
        queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)


schema = strawberry.Schema(
    Query,
    subscription=Subscription,
    types=[TaskUpdatedEvent],
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[ParserCache, ValidationCache],
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    listening = asyncio.create_task(listen())
    yield
    listening.cancel()


app = FastAPI(lifespan=lifespan)
app.include_router(
    GraphQLRouter(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL], graphql_ide=None), prefix="/graphql"
)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
    )
