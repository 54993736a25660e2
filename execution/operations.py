"""One operation of any Strawberry schema: prepared (and perhaps refused) first, executed second.

Preparing decides everything that can be decided without a context: the document, the operation in it, its kind. So
transports make a context only for what will really be executed.
"""

from __future__ import annotations

import asyncio
import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import ASTValidationRule, GraphQLError, OperationType, get_operation_ast
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext, ExecutionResult

from execution.costs import Costs
from execution.documents import Documents, Refused
from execution.executor import QueryExecutor
from execution.kept import Kept
from execution.limits import Limits, fault_of_variables, too_costly
from execution.mutations import Mutations
from execution.personal import is_personal_operation

MAX_JUDGED_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that may be executed: its document is valid and in the cache."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    kind: OperationType
    cost: int


class Operations:
    """Runs operations of one schema under one set of limits."""

    def __init__(
        self,
        schema: Schema,
        limits: Limits,
        *,
        rules: tuple[type[ASTValidationRule], ...] = (),
        is_introspection_allowed: bool = True,
        trusted: frozenset[str] | None = None,
    ) -> None:
        self.limits = limits
        self.documents = Documents(
            schema._schema, limits, rules=rules, is_introspection_allowed=is_introspection_allowed, trusted=trusted
        )
        self._judged: Kept[tuple[str, str | None], bool] = Kept(MAX_JUDGED_BYTES)
        self._costs = Costs(schema._schema)
        # What a schema's own extensions see is an execution as Strawberry has it.
        self._mutations = None if schema.extensions else Mutations(schema._schema, self.documents.load)
        # A copy, so that the same schema can be served under other limits too (tests do).
        self.schema = copy.copy(schema)
        self.schema.execution_context_class = QueryExecutor
        self.schema.extensions = (_from_cache(self.documents), *schema.extensions)
        self.schema.process_errors = _leave_errors_to_the_transport  # type: ignore[method-assign, assignment]

    def prepare(
        self, query: str, variables: dict[str, Any] | None = None, operation_name: str | None = None
    ) -> Prepared:
        """The operation these parameters ask for. Raises Refused."""
        document = self.documents.load(query)
        operation = get_operation_ast(document, operation_name)
        if operation is None:
            wanted = "is not in the document" if operation_name else "is required: the document has several operations"
            raise Refused(GraphQLError(f"The operationName {wanted}."))
        limits, is_written = self.limits, operation.operation is OperationType.MUTATION
        most = limits.max_body_bytes if is_written else limits.max_document_characters
        if variables and (fault := fault_of_variables(variables, most)) is not None:
            raise Refused(fault)
        cost = self._costs.of(query, document, operation, variables)
        if cost > limits.max_query_cost:
            raise Refused(too_costly(cost, limits.max_query_cost))
        return Prepared(query, variables, operation_name, operation.operation, cost)

    def is_personal(self, prepared: Prepared) -> bool:
        """Whether the answer depends on who asks, and not only on what they may see."""
        key = (prepared.query, prepared.operation_name)
        found = self._judged.get(key)
        if found is None:
            document = self.documents.load(prepared.query)
            operation = get_operation_ast(document, prepared.operation_name)
            assert operation is not None
            found = is_personal_operation(self.schema._schema, document, operation)
            self._judged.keep(key, found, sys.getsizeof(prepared.query))
        return found

    async def execute(self, prepared: Prepared, context: object) -> ExecutionResult:
        """The result of a query or mutation; SERVICE_UNAVAILABLE when it takes over `resolver_timeout_seconds`."""
        try:
            async with asyncio.timeout(self.limits.resolver_timeout_seconds):
                if self._mutations is not None and prepared.kind is OperationType.MUTATION:
                    done = await self._mutations.execute(
                        prepared.query, prepared.variables, prepared.operation_name, context
                    )
                    if done is not None:
                        return ExecutionResult(data=done.data, errors=done.errors)
                return await self.schema.execute(
                    prepared.query,
                    variable_values=prepared.variables,
                    context_value=context,
                    operation_name=prepared.operation_name,
                )
        except TimeoutError:
            late = GraphQLError("The operation took too long.", extensions={"code": "SERVICE_UNAVAILABLE"})
            return ExecutionResult(data=None, errors=[late])


def is_request_error(result: ExecutionResult) -> bool:
    """Whether it failed as a whole (refused, coercion failed, the stream broke) rather than in a field that was null.

    graphql-core tells the two apart only by the path, which errors of fields always have.
    """
    return result.data is None and all(error.path is None for error in result.errors or ())


def _from_cache(documents: Documents) -> Callable[[], SchemaExtension]:
    class FromCache(SchemaExtension):
        """Hands Strawberry the document that `prepare` parsed and validated already, with all rules there are."""

        def on_parse(self) -> Iterator[None]:
            self.execution_context.graphql_document = documents.load(self.execution_context.query or "")
            yield

        def on_validate(self) -> Iterator[None]:
            self.execution_context.pre_execution_errors = []
            yield

    return FromCache


def _leave_errors_to_the_transport(errors: list[GraphQLError], context: ExecutionContext | None = None) -> None:
    """Strawberry would log every error with its traceback; the transports log the unexpected ones, once, with an id."""
