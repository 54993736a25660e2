"""How graphql-core executes here.

Invariant: what one event of a subscription needed is gone when the event is, and what a subscription needed when the
subscription is: neither waits for a search for garbage, which stops everybody.
"""

from __future__ import annotations

from typing import Any

from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class EventExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, with memory of its own for each event.

    graphql-core (3.3.2) gives the executors of all events one memory of selected fields, whose keys no later event ever
    finds again: it grows with every event.
    """

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """An executor for one event."""
        executor = super().build_per_event_executor(payload)
        executor._relevant_sub_fields = {}
        return executor

    def begun(self) -> None:
        """Its stream is there. It refers to itself by its helpers, which from now on only that stream may want."""
        del self.async_helpers
