"""What an operation costs, told from its document and variables alone, before anything is executed.

An object costs 1, a leaf nothing, each mutation 10; `@cost` in the schema says otherwise. A page costs as many objects
as it may have: a list below a field with `first` or `last` has that many, `nodes(ids:)` as many as there are ids, any
other list a few. What several types may be costs what the dearest of them does.

Invariant: the cost is never less because a value is wrong: executing refuses it then, and that is cheap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from strawberry.schema_directive import Location

from execution.personal import STRAWBERRY

MUTATION_COST = 10
DEFAULT_PAGE = 50
LISTED = 2
"""How many objects a list without a page is taken to have: assignees, labels, reactions."""
MAX_KNOWN = 2_000


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="What the field costs of the rate limit, besides what is selected in it.",
)
class Cost:
    weight: int


class Costs:
    """The costs of one schema's operations; those asked for before are remembered."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known = lru_cache(MAX_KNOWN)(self._cost)

    def of(
        self,
        query: str,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
    ) -> int:
        """The cost of a valid document's operation with these variables."""
        sizes = tuple(
            (name, size) for name, value in (variables or {}).items() if (size := _size_of(value)) is not None
        )
        name = operation.name.value if operation.name else None
        return self._known(_Asked(query, name, sizes, document, operation))

    def _cost(self, asked: _Asked) -> int:
        root = self._schema.get_root_type(asked.operation.operation)
        assert root is not None
        fragments = {
            one.name.value: one for one in asked.document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        sizes = dict(asked.sizes)
        for one in asked.operation.variable_definitions or ():
            if one.variable.name.value not in sizes and one.default_value is not None:
                size = _size_of(value_from_ast_untyped(one.default_value))
                if size is not None:
                    sizes[one.variable.name.value] = size
        walk = _Walk(self._schema, fragments, sizes)
        cost = walk.selection(asked.operation.selection_set, root, LISTED)
        if asked.operation.operation is OperationType.MUTATION:
            cost += (MUTATION_COST - 1) * len(asked.operation.selection_set.selections)
        return max(1, cost)


class _Asked:
    """What a cost depends on: equal by the text and the sizes, so that the document is not compared."""

    __slots__ = ("_key", "document", "operation", "sizes")

    def __init__(
        self,
        query: str,
        name: str | None,
        sizes: tuple[tuple[str, int], ...],
        document: DocumentNode,
        operation: OperationDefinitionNode,
    ) -> None:
        self._key = (query, name, sizes)
        self.sizes = sizes
        self.document = document
        self.operation = operation

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key == other._key


def _size_of(value: object) -> int | None:
    """What a value says as the size of a page, or of a list of ids."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return abs(value)
    return len(value) if isinstance(value, list) else None


class _Walk:
    """One walk over an operation. A fragment at one place is counted once, however often it is spread."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], sizes: Mapping[str, int]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._sizes = sizes
        self._counted: dict[tuple[str, str, int], int] = {}

    def selection(self, selected: SelectionSetNode, kind: GraphQLNamedType, page: int) -> int:
        """The cost of what is selected in one object, lists in which have `page` objects."""
        common = 0
        by_type: dict[str, int] = defaultdict(int)
        for one in selected.selections:
            if isinstance(one, FieldNode):
                common += self._field(one, kind, page)
                continue
            narrowed, cost = self._fragment(one, kind, page)
            if narrowed is kind or not isinstance(narrowed, GraphQLObjectType):
                common += cost
            else:
                by_type[narrowed.name] += cost
        return common + max(by_type.values(), default=0)

    def _fragment(self, one: Any, kind: GraphQLNamedType, page: int) -> tuple[GraphQLNamedType, int]:
        if isinstance(one, InlineFragmentNode):
            named = one.type_condition and self._schema.get_type(one.type_condition.name.value)
            narrowed = named or kind
            return narrowed, self.selection(one.selection_set, narrowed, page)
        assert isinstance(one, FragmentSpreadNode)
        fragment = self._fragments[one.name.value]
        narrowed = self._schema.get_type(fragment.type_condition.name.value) or kind
        key = (one.name.value, narrowed.name, page)
        if key not in self._counted:
            self._counted[key] = self.selection(fragment.selection_set, narrowed, page)
        return narrowed, self._counted[key]

    def _field(self, node: FieldNode, kind: GraphQLNamedType, page: int) -> int:
        name = node.name.value
        if name.startswith("__") or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        definition = kind.fields.get(name)
        if definition is None:
            return 0
        named = get_named_type(definition.type)
        weight = _weight(definition)
        if node.selection_set is None or is_leaf_type(named):
            return weight or 0
        own_page = self._page(node, definition)
        below = self.selection(node.selection_set, named, LISTED if own_page is None else own_page)
        if not is_list_type(get_nullable_type(definition.type)):
            return (1 if weight is None else weight) + below
        many = page if own_page is None else own_page
        return (weight or 0) + many * (1 + below)

    def _page(self, node: FieldNode, definition: GraphQLField) -> int | None:
        """How many objects its page, or the list of ids that it is given, may have; None: it has none."""
        given = {one.name.value: self._size(one.value) for one in node.arguments or ()}
        if "ids" in definition.args:
            return given.get("ids")
        if "first" not in definition.args:
            return None
        asked = [size for name in ("first", "last") if (size := given.get(name)) is not None]
        return max(asked, default=DEFAULT_PAGE)

    def _size(self, value: ValueNode) -> int | None:
        if isinstance(value, VariableNode):
            return self._sizes.get(value.name.value)
        if isinstance(value, IntValueNode):
            return abs(int(value.value))
        return len(value.values) if isinstance(value, ListValueNode) else None


def _weight(definition: GraphQLField) -> int | None:
    described: Any = definition.extensions.get(STRAWBERRY) if definition.extensions else None
    return next((one.weight for one in getattr(described, "directives", ()) if isinstance(one, Cost)), None)
