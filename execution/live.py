"""Subscriptions: an event is executed once for all who are told the same, and for each alone where it must be.

A `Plan` is what a document selects, compiled once and kept for all who send it. `Live` is one subscriber's operation:
its source, and how an event becomes the finished payload of a `next` message.

Invariant: a payload that several subscribers get is rendered with a context that has rights but no person, so a
personal field that nobody marked fails instead of telling one person's answer to another.
"""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import orjson
from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    visit,
)
from graphql.error import located_error
from graphql.execution.execute import assert_event_stream, create_source_event_stream, execute_subscription_event
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from graphql.pyutils import Path, is_awaitable

from db.errors import Unavailable
from execution.documents import Refused
from execution.executor import EventExecutor
from execution.kept import Kept, size_of_document
from execution.personal import is_personal_operation
from execution.projector import Projector, Uncovered, compile_operation

FormatErrors = Callable[[Sequence[GraphQLError]], list[dict[str, Any]]]

RESUME_ARGUMENT = "after"
"""The root field's argument that says where somebody begins. Who has caught up is told the same wherever they began."""
MAX_PLAN_BYTES = 50_000_000
MAX_BEGINNING_BYTES = 2_000_000
PLAN_TIMES = 4
"""So many times as large as its document a plan was measured, with it."""


@dataclass(slots=True)
class LiveCounters:
    """Totals of one process since it started."""

    compiled: int = 0
    """Plans made with a projector."""
    uncovered_plans: int = 0
    """Plans that graphql-core executes event by event."""
    projected: int = 0
    """Events rendered by a projector."""
    executed: int = 0
    """Events rendered by graphql-core."""
    fallen_back: int = 0
    """Those of them that a projector was asked for first and did not cover."""


class Outlet(Protocol):
    """Where the finished payloads of one subscriber go, besides those that are returned to its transport."""

    def deliver(self, payload: bytes, events: int) -> None:
        """Pass a payload on. Never waits, never raises."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the source of a subscription needs to serve several subscribers at once.

    `key`: two with equal keys and equal rights get the same payloads. `render(event, context)` makes one.
    `render_at_once`, where there is one, does so without waiting, or gives None.
    """

    key: Hashable
    outlet: Outlet
    render: Callable[[Any, Any], Awaitable[bytes]]
    render_at_once: Callable[[Any, Any], bytes | None] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One operation with the variables that its selection uses. `key` None: it depends on who asks."""

    executor: Executor[Any]
    project: Projector | None
    key: Hashable | None


@dataclass(frozen=True, slots=True)
class _Root:
    """The root field of a subscription that no variable can leave out, and what its source is asked with."""

    operation: OperationDefinitionNode
    definition: GraphQLField
    node: FieldNode
    info: GraphQLResolveInfo[Any]

    def source(self, values: VariableValues, context: Any) -> Any:
        """As graphql-core asks for it, which finds out anew each time what to ask."""
        info = self.info._replace(context=context, variable_values=cast("Any", values.coerced))
        assert self.definition.subscribe is not None
        return self.definition.subscribe(None, info, **get_argument_values(self.definition, self.node, values))


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What is the same for all who begin with a document. `variables`: those that say where, and nothing else."""

    variables: frozenset[str]
    shared: frozenset[str]
    """All others that it declares."""
    root: _Root | None
    """None: graphql-core begins it."""


class Plans:
    """The plans of one schema, the least recently used go first. `load` gives the valid document of a text."""

    def __init__(
        self,
        schema: GraphQLSchema,
        load: Callable[[str], DocumentNode],
        format_errors: FormatErrors,
        counters: LiveCounters | None = None,
    ) -> None:
        self.counters = counters or LiveCounters()
        self._schema = schema
        self._load = load
        self._format = format_errors
        self._beginnings: Kept[tuple[str, str | None], _Beginning] = Kept(MAX_BEGINNING_BYTES)
        self._plans: Kept[tuple[str, str | None, bytes], Plan] = Kept(MAX_PLAN_BYTES)

    def open(self, query: str, variables: dict[str, Any] | None, operation_name: str | None) -> Live:
        """A subscriber's operation. Raises Refused when the variables do not fit."""
        beginning = self._beginning(query, operation_name)
        shared = {name: value for name, value in (variables or {}).items() if name in beginning.shared}
        encoded = orjson.dumps(shared, option=orjson.OPT_SORT_KEYS)
        begin: Begin
        if (root := beginning.root) is None:
            begin = _by_executor(self._executor(self._load(query), variables, operation_name))
        else:
            values = get_variable_values(self._schema, root.operation.variable_definitions or (), variables or {}, 50)
            if isinstance(values, list):
                raise Refused(*values)
            begin = _by_root(root, values)
        return Live(self, self._plan(query, operation_name, encoded), begin)

    def resumed(
        self, query: str, variables: dict[str, Any] | None, operation_name: str | None, cursor: str
    ) -> dict[str, Any]:
        """The variables with which a subscriber goes on after `cursor`. Raises Refused where no variable says so."""
        begins = self._beginning(query, operation_name).variables
        if not begins:
            text = f"To resume, the subscription must take `{RESUME_ARGUMENT}` from a variable."
            raise Refused(GraphQLError(text))
        return {**(variables or {}), **dict.fromkeys(begins, cursor)}

    def _beginning(self, query: str, operation_name: str | None) -> _Beginning:
        key = (query, operation_name)
        found = self._beginnings.get(key)
        if found is None:
            found = self._find_beginning(*key)
            document = self._load(query)
            size = size_of_document(query, document) if found.root is not None else sys.getsizeof(query)
            self._beginnings.keep(key, found, size + sys.getsizeof(found.variables) + sys.getsizeof(found.shared))
        return found

    def _find_beginning(self, query: str, operation_name: str | None) -> _Beginning:
        document = self._load(query)
        operation = get_operation_ast(document, operation_name)
        assert operation is not None
        declared = {one.variable.name.value for one in operation.variable_definitions or ()}
        begins = {
            argument.value.name.value
            for field in operation.selection_set.selections
            if isinstance(field, FieldNode)
            for argument in field.arguments or ()
            if argument.name.value == RESUME_ARGUMENT and isinstance(argument.value, VariableNode)
        }
        if begins:
            counting = _Counting()
            visit(document, counting)
            begins = {name for name in begins if counting.uses[name] == 2}  # where it is declared, and there
        return _Beginning(frozenset(begins), frozenset(declared - begins), self._root(document, operation))

    def _root(self, document: DocumentNode, operation: OperationDefinitionNode) -> _Root | None:
        selections = operation.selection_set.selections
        kind = self._schema.subscription_type
        if kind is None or len(selections) != 1:
            return None
        (node,) = selections
        if not isinstance(node, FieldNode) or node.directives:
            return None
        definition = self._schema.get_field(kind, node.name.value)
        if definition is None or definition.subscribe is None:
            return None
        # Without declarations, so that it needs no values.
        bare = OperationDefinitionNode(operation=operation.operation, selection_set=operation.selection_set)
        others = [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]
        executor = EventExecutor.build(self._schema, DocumentNode(definitions=(bare, *others)))
        if isinstance(executor, list):
            return None
        key = (node.alias or node.name).value
        info = executor.build_resolve_info(definition, [node], kind, Path(None, key, kind.name))
        return _Root(operation, definition, node, info._replace(operation=operation))

    def _plan(self, query: str, operation_name: str | None, encoded: bytes) -> Plan:
        key = (query, operation_name, encoded)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make(*key)
            size = PLAN_TIMES * (size_of_document(query, self._load(query)) + len(encoded))
            self._plans.keep(key, plan, size)
        return plan

    def _make(self, query: str, operation_name: str | None, encoded: bytes) -> Plan:
        document = self._load(query)
        begins = self._beginning(query, operation_name).variables
        bare = visit(document, _WithoutBeginning(begins)) if begins else document
        executor = self._executor(bare, orjson.loads(encoded), operation_name)
        is_personal = is_personal_operation(self._schema, document, executor.operation)
        key = None if is_personal else _digest(query, operation_name, encoded)
        try:
            project = compile_operation(executor)
        except (Uncovered, GraphQLError):
            self.counters.uncovered_plans += 1
            return Plan(executor, None, key)
        self.counters.compiled += 1
        return Plan(executor, project, key)

    def _executor(
        self, document: DocumentNode, variables: dict[str, Any] | None, operation_name: str | None
    ) -> EventExecutor:
        built = EventExecutor.build(self._schema, document, None, None, variables, operation_name)
        if isinstance(built, list):
            raise Refused(*built)
        return cast("EventExecutor", built)

    def render_at_once(self, plan: Plan, event: Any, context: Any) -> bytes | None:
        """The payload of an event that a projector covers without waiting; None for any other."""
        if plan.project is None or plan.project.waits:
            return None
        try:
            payload = _encoded(plan.project.at_once(event, context))
        except Uncovered:
            return None
        self.counters.projected += 1
        return payload

    async def render(self, plan: Plan, event: Any, context: Any) -> bytes:
        """The payload of a `next` message: `{"data": ...}`, with `errors` if there are any.

        Raises Unavailable where something could not be read: told with nulls, it would be lost to all who follow.
        """
        if plan.project is not None:
            try:
                payload = _encoded(await plan.project(event, context))
            except Uncovered:
                self.counters.fallen_back += 1
            else:
                self.counters.projected += 1
                return payload
        self.counters.executed += 1
        result = await self._execute(plan, event, context)
        for error in result.errors or ():
            if isinstance(error.original_error, Unavailable):
                raise error.original_error
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = self._format(result.errors)
        return orjson.dumps(answer)

    async def _execute(self, plan: Plan, event: Any, context: Any) -> ExecutionResult:
        executor = plan.executor.build_per_event_executor(event)
        executor.context_value = context
        found: Any = execute_subscription_event(executor)
        result: ExecutionResult = await found if is_awaitable(found) else found
        return result


def _digest(query: str, operation_name: str | None, encoded: bytes) -> bytes:
    """What stands for an operation and its variables where subscribers are kept: these may be long."""
    return hashlib.sha256(repr((query, operation_name, encoded)).encode()).digest()


def _encoded(data: dict[str, Any]) -> bytes:
    """Raises Uncovered for what JSON cannot hold, such as half a character."""
    try:
        return b'{"data":' + orjson.dumps(data) + b"}"
    except orjson.JSONEncodeError as error:
        raise Uncovered from error


Begin = Callable[[Any], Any]
"""(context) -> the source of the events, or an awaitable of it. Raises Refused."""


def _by_root(root: _Root, values: VariableValues) -> Begin:
    async def begin(context: Any) -> Any:
        try:
            found = root.source(values, context)
            return assert_event_stream(await found if is_awaitable(found) else found)
        except Exception as error:
            path = root.info.path.as_list()
            raise Refused(located_error(error, root.info.field_nodes, path)) from error

    return begin


def _by_executor(executor: EventExecutor) -> Begin:
    async def begin(context: Any) -> Any:
        executor.context_value = context
        try:
            found: Any = create_source_event_stream(executor)
            if is_awaitable(found):
                found = await found
        finally:
            executor.begun()
        if isinstance(found, ExecutionResult):
            raise Refused(*(found.errors or ()))
        return found

    return begin


class Live:
    """One subscriber's operation."""

    def __init__(self, plans: Plans, plan: Plan, begin: Begin) -> None:
        self._plans = plans
        self._plan = plan
        self._begin: Begin | None = begin

    def sharing(self, outlet: Outlet) -> Sharing | None:
        """What the source may do for this subscriber and others at once; None if it depends on who asks."""
        plans, plan = self._plans, self._plan
        if plan.key is None:
            return None
        is_waiting = plan.project is None or plan.project.waits
        return Sharing(
            plan.key,
            outlet,
            lambda event, context: plans.render(plan, event, context),
            None if is_waiting else lambda event, context: plans.render_at_once(plan, event, context),
        )

    async def source(self, context: Any) -> AsyncGenerator[Any]:
        """The events, to be asked for once. Raises Refused when there is no stream to follow."""
        begin, self._begin = self._begin, None  # it has served then; a subscription may last for days
        assert begin is not None
        events: AsyncGenerator[Any] = await begin(context)
        return events

    async def render(self, event: Any, context: Any) -> bytes:
        """The payload for this subscriber alone. Raises Unavailable."""
        return await self._plans.render(self._plan, event, context)


class _Counting(Visitor):
    """Counts how often each variable is named."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: defaultdict[str, int] = defaultdict(int)

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.uses[node.name.value] += 1


class _WithoutBeginning(Visitor):
    """Removes variables with what they are passed to, so that they need no value."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self._names = names

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        return REMOVE if node.variable.name.value in self._names else None

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        is_gone = isinstance(node.value, VariableNode) and node.value.name.value in self._names
        return REMOVE if is_gone else None
