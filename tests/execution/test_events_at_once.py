"""What happens to a task is rendered for its followers in the turn of the loop in which it came."""

from __future__ import annotations

from graphql import parse

from execution.executor import EventExecutor
from execution.projector import Projector, compile_operation
from resolvers import schema


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
