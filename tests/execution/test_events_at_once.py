"""What happens to a task is rendered for its followers in the turn of the loop in which it came."""

from __future__ import annotations

import pytest
from graphql import parse
from strawberry import ID

from execution.executor import EventExecutor
from execution.projector import Projector, compile_operation
from realtime.presence_state import Status
from resolvers import schema
from schema.people import User
from schema.presence import PresenceBatch, UserPresence


def compiled(selection: str) -> Projector:
    document = parse(
        'subscription { workspaceEvents(workspaceId: "workspace_x") { cursor events {'
        f" ... on TaskUpdatedEvent {{ {selection} }} }} }} }}"
    )
    executor = EventExecutor.build(schema._schema, document, None, None, None, None)
    assert not isinstance(executor, list)
    return compile_operation(executor)


def test_the_changes_of_a_task_need_no_waiting() -> None:
    assert not compiled("taskId version changes { field before after } task { id title }").waits
    assert compiled("changes { field } actor { id }").waits


def test_people_who_do_nothing_need_no_waiting_though_what_others_do_might() -> None:
    document = parse(
        'subscription { presence(workspaceId: "workspace_x") { rev presences {'
        " id user { name } status activities { mode task { title } } } } }"
    )
    executor = EventExecutor.build(schema._schema, document, None, None, None, None)
    assert not isinstance(executor, list)
    project = compile_operation(executor)
    assert project.waits
    user = User(id=ID("user_x"), name="Ann", handle="ann")
    seen = [
        UserPresence(id=ID(name), user=user, status=Status.ONLINE, last_seen_at=None, expires_at=None, activities=[])
        for name in ("presence_x", "presence_y")
    ]
    with pytest.raises(StopIteration) as ended:  # a task for one of them would make it wait for the next turn
        project(PresenceBatch(is_snapshot=True, is_stale=False, rev=0, presences=seen), None).send(None)
    assert [one["id"] for one in ended.value.value["presence"]["presences"]] == ["presence_x", "presence_y"]
