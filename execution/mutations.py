"""Mutations of one field, completed by a compiled selection.

graphql-core takes as long to find out what a document selects of a payload as it takes to make the change; for one
document that is always the same, so it is found out once (see `projector`).

Invariant: a resolver runs once. What it gave or raised is the answer, also where the projector does not cover it and
graphql-core has to complete it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    get_operation_ast,
    visit,
)
from graphql.execution.values import get_argument_values, get_variable_values
from graphql.pyutils import is_awaitable

from execution.executor import EventExecutor, QueryExecutor
from execution.kept import Kept, size_of_document
from execution.live import PLAN_TIMES
from execution.projector import RootField, Uncovered, compile_root_field

MAX_PLAN_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class _Plan:
    operation: OperationDefinitionNode
    field: RootField


class Mutations:
    """The compiled mutations of one schema. `load` gives the valid document of a text."""

    def __init__(self, schema: GraphQLSchema, load: Callable[[str], DocumentNode]) -> None:
        self._schema = schema
        self._load = load
        self._plans: Kept[tuple[str, str | None], tuple[_Plan | None]] = Kept(MAX_PLAN_BYTES)

    async def execute(
        self, query: str, variables: dict[str, Any] | None, operation_name: str | None, context: object
    ) -> ExecutionResult | None:
        """The result of a mutation; None, and nothing has happened, where it has to be executed as usual."""
        plan = self._plan(query, operation_name)
        if plan is None:
            return None
        field = plan.field
        values = get_variable_values(self._schema, plan.operation.variable_definitions or (), variables or {})
        if isinstance(values, list):
            return None
        try:
            arguments = get_argument_values(field.definition, field.node, values)
        except GraphQLError:
            return None
        info = field.info._replace(context=context, variable_values=values)
        assert field.definition.resolve is not None

        def answer(*_: Any, **__: Any) -> Any:
            return value

        try:
            value = field.definition.resolve(None, info, **arguments)
            if is_awaitable(value):
                value = await value
        except Exception as error:  # noqa: BLE001 - graphql-core says it in its own words
            # Raised again it would lead to all that answers it, and that to it.
            own = None if error.__traceback__ is None else error.__traceback__.tb_next
            try:
                return await self._complete(plan, _raising(error), query, variables, operation_name, context)
            finally:
                error.__traceback__ = own
        try:
            return ExecutionResult({field.key: await field.project(value, context)}, None)
        except Uncovered:
            return await self._complete(plan, answer, query, variables, operation_name, context)

    def _plan(self, query: str, operation_name: str | None) -> _Plan | None:
        kept = self._plans.get((query, operation_name))
        if kept is None:
            document = self._load(query)
            kept = (self._make(document, operation_name),)
            times = 1 if kept[0] is None else PLAN_TIMES
            self._plans.keep((query, operation_name), kept, times * size_of_document(query, document))
        return kept[0]

    def _make(self, document: DocumentNode, operation_name: str | None) -> _Plan | None:
        operation = get_operation_ast(document, operation_name)
        if operation is None or operation.operation is not OperationType.MUTATION or _depends_on_variables(document):
            return None
        bare = visit(document, _WithoutVariables())
        built = EventExecutor.build(self._schema, bare, None, None, None, operation_name)
        if isinstance(built, list):
            return None
        try:
            field = compile_root_field(built)
        except (Uncovered, GraphQLError):
            return None
        return None if field.definition.resolve is None else _Plan(operation, field)

    async def _complete(
        self,
        plan: _Plan,
        answer: Callable[..., Any],
        query: str,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        context: object,
    ) -> ExecutionResult:
        """As graphql-core does it, with what the resolver gave already."""
        built = QueryExecutor.build(self._schema, self._load(query), None, context, variables, operation_name)
        assert not isinstance(built, list)
        built.schema = cast("GraphQLSchema", _Answered(self._schema, plan.field.kind, answer))
        found: Any = built.execute_operation()
        result: ExecutionResult = await found if is_awaitable(found) else found
        return result


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


class _Answered:
    """A schema whose root fields have been resolved."""

    def __init__(self, schema: GraphQLSchema, root: GraphQLObjectType, answer: Callable[..., Any]) -> None:
        self._schema = schema
        self._root = root
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._schema, name)

    def get_field(self, parent: GraphQLObjectType, name: str) -> GraphQLField | None:
        found = self._schema.get_field(parent, name)
        if found is None or parent is not self._root or name.startswith("__"):
            return found
        answered = copy.copy(found)
        answered.resolve = self._answer
        return answered


class _Uses(Visitor):
    """Whether a variable is used anywhere but in the arguments of root fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, *_: Any) -> Any:
        self.found = True


def _depends_on_variables(document: DocumentNode) -> bool:
    uses = _Uses()
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            visit(definition, uses)
            continue
        for selection in definition.selection_set.selections:
            if not isinstance(selection, FieldNode):
                visit(selection, uses)
                continue
            for directive in selection.directives or ():
                visit(directive, uses)
            if selection.selection_set is not None:
                visit(selection.selection_set, uses)
    return uses.found


class _WithoutVariables(Visitor):
    """Removes what declares variables; nothing that is compiled uses any."""

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.REMOVE
