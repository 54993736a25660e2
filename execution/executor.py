"""How graphql-core executes here.

Invariant: what an operation needed is gone when its answer is there, what one event of a subscription needed when the
event is gone, and what a subscription needed when that is: none waits for a search for garbage, which stops everybody.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from graphql import ExecutionResult
from graphql.execution import Executor
from graphql.execution.executor import CollectedErrors
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class QueryExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor of queries and mutations.

    Until there is an answer it refers to itself: by its helpers, and by its errors, whose tracebacks lead to it. What
    went wrong in a resolver is each error's `original_error`, and keeps its own.
    """

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The answer, or an awaitable of it."""
        answer = super().execute_operation(serially)
        return self._answered(answer) if self.is_awaitable(answer) else self._let_go(cast("ExecutionResult", answer))

    async def _answered(self, answer: Awaitable[ExecutionResult]) -> ExecutionResult:
        return self._let_go(await answer)

    def _let_go(self, answer: ExecutionResult) -> ExecutionResult:
        self.async_helpers = None  # type: ignore[assignment]
        self.collected_errors = CollectedErrors()
        for error in answer.errors or ():
            error.__traceback__ = None
        return answer


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
