"""Compiled selections: what graphql-core would make of a value, without asking the document again for every value.

graphql-core collects fields, coerces arguments and resolves types anew for each event; none of that changes between
two events of one subscription. `compile_operation` does it once, with graphql-core's own functions, and leaves plain
functions from a value to what is sent.

Invariant: a projector either gives exactly the `data` that graphql-core gives, or raises Uncovered; it never gives
errors. So whatever goes wrong with a value (a resolver raises, null in a non-null place) is left to graphql-core, whose
errors, their paths and how null spreads are then the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import Enum
from inspect import iscoroutine, iscoroutinefunction
from operator import attrgetter
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    FieldNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    Undefined,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields, collect_subfields
from graphql.execution.executor import Executor
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path, is_awaitable
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField

STRAWBERRY = "strawberry-definition"

READ = "read"
"""A Strawberry field's metadata may have a function under this key: it is shown the field's `info` once, without a
context, and says how to read the field then from its source alone, or None to leave it to the resolver."""

Complete = Callable[[Any, Any], Any]
"""(value, context) -> what is sent of it, or the `_Later` of that where it `waits`."""


class Uncovered(Exception):
    """This document, or this value, takes the ordinary path."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """How to complete the values of one place in the selection. `waits`: it may give a `_Later`."""

    complete: Complete
    waits: bool


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of one object type: `run(source, context)` resolves and completes it."""

    key: str
    run: Complete
    waits: bool


class _Later:
    """What is sent of a value, but not at once. Nothing has begun before `begin`, so it may as well be dropped."""

    __slots__ = ("_arguments", "_begin")

    def __init__(self, begin: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> None:
        self._begin = begin
        self._arguments = arguments

    def begin(self) -> Coroutine[Any, Any, Any]:
        return self._begin(*self._arguments)


class Projector:
    """A compiled selection: from a value and a context to what is sent of it, for an operation its `data`.

    Raises Uncovered.
    `waits`: something in it may have to be awaited, so only calling it will do.
    """

    def __init__(self, root: Compiled) -> None:
        self._complete = root.complete
        self.waits = root.waits

    def at_once(self, root_value: Any, context: Any) -> dict[str, Any]:
        """Where nothing `waits`."""
        try:
            data: dict[str, Any] = self._complete(root_value, context)
        except Exception as error:  # whatever it is, graphql-core says it in its own words
            raise Uncovered from error
        return data

    async def __call__(self, root_value: Any, context: Any) -> dict[str, Any]:
        if not self.waits:
            return self.at_once(root_value, context)
        try:
            data: dict[str, Any] = await _settled(self._complete(root_value, context))
        except Exception as error:
            raise Uncovered from error
        return data


@dataclass(frozen=True, slots=True)
class RootField:
    """The one field of an operation: how to call its resolver, and how to complete what that gives."""

    kind: GraphQLObjectType
    key: str
    node: FieldNode
    definition: GraphQLField
    info: GraphQLResolveInfo[Any]
    project: Projector


def compile_root_field(executor: Executor[Any]) -> RootField:
    """Compile all below the root field of an operation that has no other. Raises Uncovered."""
    return _Compiler(executor).only_field()


def compile_operation(executor: Executor[Any]) -> Projector:
    """Compile the operation of an executor, which it keeps: give it one without a context. Raises Uncovered."""
    return Projector(_Compiler(executor).root())


class _Compiler:
    def __init__(self, executor: Executor[Any]) -> None:
        self._executor = executor
        self._schema = executor.schema

    def root(self) -> Compiled:
        executor = self._executor
        root_type = self._schema.get_root_type(executor.operation.operation)
        if root_type is None:
            raise Uncovered
        grouped = collect_fields(
            self._schema, executor.fragments, executor.variable_values, root_type, executor.operation
        ).grouped_field_set
        return self._object_of(root_type, grouped)

    def only_field(self) -> RootField:
        executor = self._executor
        kind = self._schema.get_root_type(executor.operation.operation)
        if kind is None:
            raise Uncovered
        grouped = collect_fields(
            self._schema, executor.fragments, executor.variable_values, kind, executor.operation
        ).grouped_field_set
        if len(grouped) != 1:
            raise Uncovered
        ((key, details),) = grouped.items()
        node = details[0].node
        definition = self._schema.get_field(kind, node.name.value)
        if definition is None or node.name.value.startswith("__"):
            raise Uncovered
        info = executor.build_resolve_info(definition, [one.node for one in details], kind, Path(None, key, kind.name))
        return RootField(kind, key, node, definition, info, Projector(self._value(definition.type, details, info)))

    def _value(self, kind: GraphQLOutputType, details: list[FieldDetails], info: GraphQLResolveInfo[Any]) -> Compiled:
        if isinstance(kind, GraphQLNonNull):
            return _never_null(self._present(kind.of_type, details, info))
        return _perhaps_null(self._present(kind, details, info))

    def _present(self, kind: Any, details: list[FieldDetails], info: GraphQLResolveInfo[Any]) -> Compiled:
        if isinstance(kind, GraphQLList):
            return _each(self._value(kind.of_type, details, info))
        if is_leaf_type(kind):
            return Compiled(_leaf(kind), False)
        if is_abstract_type(kind):
            return self._abstract(kind, details, info)
        return self._object(kind, details, info)

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails], info: GraphQLResolveInfo[Any]) -> Compiled:
        executor = self._executor
        grouped = collect_subfields(
            self._schema, executor.fragments, executor.variable_values, executor.operation, kind, details
        ).grouped_field_set
        compiled = self._object_of(kind, grouped)
        if kind.is_type_of is None:
            return compiled
        return Compiled(_checked(kind, compiled.complete, info), compiled.waits)

    def _object_of(self, kind: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> Compiled:
        plans = [self._field(kind, key, details) for key, details in grouped.items()]
        if any(plan.waits for plan in plans):
            return Compiled(_perhaps_waiting_object(plans), True)
        return Compiled(_plain_object([(plan.key, plan.run) for plan in plans]), False)

    def _abstract(
        self, kind: GraphQLAbstractType, details: list[FieldDetails], info: GraphQLResolveInfo[Any]
    ) -> Compiled:
        by_name = {one.name: self._object(one, details, info) for one in self._schema.get_possible_types(kind)}
        type_of = kind.resolve_type or self._executor.type_resolver
        waits = any(compiled.waits for compiled in by_name.values())

        def runtime(value: Any, context: Any) -> Compiled:
            name = _name_of_class(value) or type_of(value, info._replace(context=context), kind)
            if not isinstance(name, str):
                _discard(name)
                raise Uncovered
            return by_name[name]

        return Compiled(lambda value, context: runtime(value, context).complete(value, context), waits)

    def _field(self, parent: GraphQLObjectType, key: str, details: list[FieldDetails]) -> FieldPlan:
        node = details[0].node
        name = node.name.value
        if name == "__typename":
            type_name = parent.name
            return FieldPlan(key, lambda source, context: type_name, False)
        definition = self._schema.get_field(parent, name)
        if definition is None or name.startswith("__"):
            raise Uncovered
        info = self._executor.build_resolve_info(
            definition, [one.node for one in details], parent, Path(None, key, parent.name)
        )
        compiled = self._value(definition.type, details, info)
        read = _read(definition, info)
        if read is not None:
            return FieldPlan(key, _of_attribute(read, definition.type, compiled), compiled.waits)
        resolve = definition.resolve or self._executor.field_resolver
        arguments = get_argument_values(
            definition, node, self._executor.variable_values, details[0].fragment_variable_values
        )
        if iscoroutinefunction(resolve):
            return FieldPlan(key, _of_awaited(resolve, info, arguments, compiled.complete), True)
        return FieldPlan(key, _of_function(resolve, info, arguments, compiled), compiled.waits)


_NAMES: dict[type, str | None] = {}


def _name_of_class(value: Any) -> str | None:
    """The type's name, where the value's class alone decides it, as it does for Strawberry's own classes."""
    kind = type(value)
    if kind not in _NAMES:
        definition: Any = getattr(kind, "__strawberry_definition__", None)
        is_plain = definition is not None and definition.is_type_of is None and not definition.is_graphql_generic
        _NAMES[kind] = definition.name if is_plain else None
    return _NAMES[kind]


def _read(definition: GraphQLField, info: GraphQLResolveInfo[Any]) -> Callable[[Any], Any] | None:
    """How to read a field without a context; None if only its resolver knows."""
    field = definition.extensions.get(STRAWBERRY)
    if not isinstance(field, StrawberryField):
        return None
    if field.is_subscription:
        return lambda event: event
    if READ in field.metadata:
        chosen: Callable[[Any], Any] | None = field.metadata[READ](info)
        return chosen
    if getattr(definition.resolve, "_is_default", False) and field.is_basic_field and field.default_resolver is getattr:
        return attrgetter(field.python_name)
    return None


def _leaf(kind: GraphQLLeafType) -> Complete:
    coerce = _remembering(kind) if isinstance(kind, GraphQLEnumType) else kind.coerce_output_value

    def complete(value: Any, context: Any) -> Any:
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise Uncovered
        return coerced

    return complete


def _remembering(kind: GraphQLEnumType) -> Callable[[Any], Any]:
    """Strawberry looks through all values of an enum for each; there are few, so each is looked for once."""
    names: dict[Any, Any] = {}

    def coerce(value: Any) -> Any:
        if not isinstance(value, Enum):
            return kind.coerce_output_value(value)
        name = names.get(value)
        if name is None:
            name = names[value] = kind.coerce_output_value(value)
        return name

    return coerce


def _never_null(inner: Compiled) -> Compiled:
    complete = inner.complete

    def completed(value: Any, context: Any) -> Any:
        if value is None or value is Undefined:
            raise Uncovered
        return complete(value, context)

    return Compiled(completed, inner.waits)


def _perhaps_null(inner: Compiled) -> Compiled:
    complete = inner.complete
    return Compiled(
        lambda value, context: None if value is None or value is Undefined else complete(value, context), inner.waits
    )


def _each(item: Compiled) -> Compiled:
    complete, waits = item.complete, item.waits

    def completed(value: Any, context: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise Uncovered
        found = [complete(one, context) for one in value]
        return _whole(found, range(len(found))) if waits else found

    return Compiled(completed, waits)


def _checked(kind: GraphQLObjectType, complete: Complete, info: GraphQLResolveInfo[Any]) -> Complete:
    is_type_of: Any = kind.is_type_of
    definition = kind.extensions.get(STRAWBERRY)
    # What Strawberry's own check comes to for a value of the type's class, which most are.
    own = None if definition is None or definition.is_type_of is not None else definition.origin

    def completed(value: Any, context: Any) -> Any:
        is_own = own is not None and isinstance(value, own) and not hasattr(value, TYPE_CAST_ATTRIBUTE)
        if not is_own and is_type_of(value, info) is not True:
            raise Uncovered
        return complete(value, context)

    return completed


def _plain_object(fields: list[tuple[str, Complete]]) -> Complete:
    return lambda source, context: {key: run(source, context) for key, run in fields}


def _perhaps_waiting_object(plans: list[FieldPlan]) -> Complete:
    fields = [(plan.key, plan.run) for plan in plans]
    perhaps_waiting = [plan.key for plan in plans if plan.waits]

    def complete(source: Any, context: Any) -> Any:
        return _whole({key: run(source, context) for key, run in fields}, perhaps_waiting)

    return complete


def _whole(found: Any, places: Iterable[Any]) -> Any:
    """A list or an object; to be awaited only if one of these places of it is. Of a thousand that may wait few do."""
    waiting = [one for one in places if type(found[one]) is _Later]
    return _Later(_filled, found, waiting) if waiting else found


async def _filled(found: Any, waiting: list[Any]) -> Any:
    """Await these places of it all at once, so that loaders batch. None is left running when one fails."""
    if len(waiting) == 1:
        found[waiting[0]] = await found[waiting[0]].begin()
        return found
    answers = await asyncio.gather(*[found[one].begin() for one in waiting], return_exceptions=True)
    for one, answer in zip(waiting, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        found[one] = answer
    return found


async def _settled(found: Any) -> Any:
    return await found.begin() if type(found) is _Later else found


def _of_attribute(read: Callable[[Any], Any], kind: GraphQLOutputType, compiled: Compiled) -> Complete:
    """Most of what is sent are attributes that are sent as they are, so these take one call and not four."""
    complete = compiled.complete
    name = kind.of_type.name if isinstance(kind, GraphQLNonNull) and is_leaf_type(kind.of_type) else None
    if name in {"ID", "String"}:
        return lambda source, context: value if type(value := read(source)) is str else complete(value, context)
    if name == "Int":
        return lambda source, context: (
            value if type(value := read(source)) is int and abs(value) <= GRAPHQL_MAX_INT else complete(value, context)
        )
    return lambda source, context: complete(read(source), context)


def _of_function(
    resolve: Callable[..., Any], info: GraphQLResolveInfo[Any], arguments: dict[str, Any], compiled: Compiled
) -> Complete:
    """A resolver that is no coroutine may still give an awaitable; that is covered where its field waits anyway."""
    complete = compiled.complete
    if compiled.waits:
        return _of_awaited(resolve, info, arguments, complete)

    def run(source: Any, context: Any) -> Any:
        value = resolve(source, info._replace(context=context), **arguments)
        if is_awaitable(value):
            _discard(value)
            raise Uncovered
        return complete(value, context)

    return run


def _discard(value: Any) -> None:
    """A coroutine that will not be awaited, as graphql-core asks for another one."""
    if iscoroutine(value):
        value.close()


def _of_awaited(
    resolve: Callable[..., Any], info: GraphQLResolveInfo[Any], arguments: dict[str, Any], complete: Complete
) -> Complete:
    async def resolved(source: Any, context: Any) -> Any:
        value = resolve(source, info._replace(context=context), **arguments)
        return await _settled(complete(await value if is_awaitable(value) else value, context))

    return lambda source, context: _Later(resolved, source, context)
