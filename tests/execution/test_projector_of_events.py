"""For real events under the real schema, whatever is selected of them, a projector gives what graphql-core gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLObjectType, get_named_type, is_leaf_type, parse, validate
from graphql.execution.execute import execute_subscription_event
from graphql.pyutils import is_awaitable
from hypothesis import given, settings
from hypothesis import strategies as st

from db.images import image
from db.models import Comment, EventKind, Task
from execution.executor import EventExecutor
from execution.projector import STRAWBERRY, Uncovered, compile_operation
from realtime.cursor import Cursor
from realtime.reader import Batch, Resync, Seen
from resolvers import schema
from schema.events import event_batch
from tests.db.test_images import EVENTS as LOGGED
from tests.db.test_images import UUIDS, rows_of

CORE = schema._schema
EVENTS = ["TaskCreatedEvent", "TaskUpdatedEvent", "TaskRemovedEvent", "CommentEvent", "EntityEvent"]
BELOW = {"changes": "FieldChange", "task": "Task", "comment": "Comment"}


def own_fields(kind: str) -> list[str]:
    """What a type has of itself, and what below it can be read without a database."""
    found = CORE.get_type(kind)
    assert isinstance(found, GraphQLObjectType)
    plain = [
        name
        for name, field in found.fields.items()
        if is_leaf_type(get_named_type(field.type)) and field.extensions[STRAWBERRY].is_basic_field
    ]
    return plain + [name for name in BELOW if name in found.fields and (kind, name) != ("CommentEvent", "task")]


FIELDS = {kind: own_fields(kind) for kind in [*EVENTS, *BELOW.values()]}


@st.composite
def selections(draw: st.DrawFn, kind: str, *, is_event: bool = False) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from([*(one for one in FIELDS[kind] if is_event or one not in BELOW), "__typename"]))
        # Aliases of their own, as one name must not mean two things in one selection.
        alias = draw(st.sampled_from(["", f"one_{name}: ", f"two_{name}: "]))
        directive = draw(st.sampled_from(["", "", " @skip(if: $on)", " @include(if: $on)"]))
        below = f" {{ {draw(selections(BELOW[name]))} }}" if name in BELOW else ""
        parts.append(f"{alias if kind != 'EntityEvent' else ''}{name}{directive}{below}")
    return " ".join(parts)


@st.composite
def documents(draw: st.DrawFn) -> str:
    of_events = [f"... on {kind} {{ {draw(selections(kind, is_event=True))} }}" for kind in EVENTS]
    draw(st.randoms()).shuffle(of_events)
    return (
        "subscription ($on: Boolean!, $id: ID!) { workspaceEvents(workspaceId: $id) {"
        " cursor again: cursor @include(if: $on) resync caughtUp"
        f" events {{ __typename occurredAt ...Common {' '.join(of_events)} }} }} }}"
        " fragment Common on WorkspaceEvent { cursor clientMutationId occurredAt @skip(if: $on) }"
    )


@st.composite
def seen(draw: st.DrawFn) -> Seen:
    kind = draw(st.sampled_from([EventKind.TASK] * 3 + [EventKind.COMMENT, EventKind.LABEL, EventKind.REACTION]))
    row = draw(rows_of(Comment if kind is EventKind.COMMENT else Task))
    before, after = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    event = replace(draw(LOGGED), kind=kind, task_id=draw(UUIDS), image=image(row) if after else None)
    return Seen(event, before, after, is_all_seen=True)


BATCHES = st.builds(
    Batch,
    events=st.lists(seen(), max_size=4).map(tuple),
    cursor=st.builds(
        Cursor, workspace_id=UUIDS, epoch=st.text("0123456789abcdef", min_size=16, max_size=16), seq=st.integers(0, 9)
    ),
    is_caught_up=st.booleans(),
    resync=st.none() | st.sampled_from(Resync),
)


@settings(max_examples=150)
@given(text=documents(), on=st.booleans(), batch=BATCHES)
async def test_a_projector_equals_graphql_core(text: str, on: bool, batch: Batch) -> None:
    document = parse(text)
    assert not validate(CORE, document)
    executor = EventExecutor.build(CORE, document, None, None, {"on": on, "id": "workspace_x"}, None)
    assert not isinstance(executor, list)
    told = event_batch(batch)
    found: Any = execute_subscription_event(executor.build_per_event_executor(told))
    expected: ExecutionResult = await found if is_awaitable(found) else found
    try:
        data = await compile_operation(executor)(told, None)
    except Uncovered:
        assert expected.errors, "without errors it must not take the ordinary path"
        return
    assert not expected.errors
    assert orjson.dumps(data) == orjson.dumps(expected.data)
