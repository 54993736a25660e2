"""What an operation costs, told from its document and variables alone, before anything is executed.

An object costs 1, a leaf nothing, each mutation 10; `@cost` in the schema says otherwise. A page costs as many objects
as it may have: a list below a field with `first` or `last` has that many, `nodes(ids:)` as many as there are ids, any
other list a few. What several types may be costs what the dearest of them does.

Invariant: the cost is never less because a value is wrong: executing refuses it then, and that is cheap.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Mapping
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
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    value_from_ast_untyped,
)
from strawberry.schema_directive import Location

from execution.kept import Kept
from execution.personal import STRAWBERRY

MUTATION_COST = 10
DEFAULT_PAGE = 50
LISTED = 2
"""How many objects a list without a page is taken to have: assignees, labels, reactions."""
MAX_KEPT_BYTES = 4_000_000


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
        self._kept: Kept[tuple[str, str | None, tuple[int | None, ...]], int] = Kept(MAX_KEPT_BYTES)

    def of(
        self,
        query: str,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
    ) -> int:
        """The cost of a valid document's operation with these variables."""
        sizes = {
            one.variable.name.value: _size_of(_value(one, variables or {}))
            for one in operation.variable_definitions or ()
        }
        key = (query, operation.name.value if operation.name else None, tuple(sizes.values()))
        cost = self._kept.get(key)
        if cost is None:
            cost = self._cost(document, operation, sizes)
            self._kept.keep(key, cost, sys.getsizeof(query) + sys.getsizeof(key[2]))
        return cost

    def _cost(self, document: DocumentNode, operation: OperationDefinitionNode, sizes: Mapping[str, int | None]) -> int:
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        return max(1, _Walk(self._schema, fragments, sizes).selection(operation.selection_set, root, LISTED))


def _value(definition: VariableDefinitionNode, variables: Mapping[str, Any]) -> object:
    """What a variable is: null where null was given, whatever its default is."""
    name = definition.variable.name.value
    if name in variables or definition.default_value is None:
        return variables.get(name)
    return value_from_ast_untyped(definition.default_value)


def _size_of(value: object) -> int | None:
    """What a value says as the size of a page, or of a list of ids. JSON may have an Int as 1e3."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return math.ceil(abs(value)) if math.isfinite(value) else None
    return len(value) if isinstance(value, list) else None


class _Walk:
    """One walk over an operation. A fragment at one place is counted once, however often it is spread."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], sizes: Mapping[str, int | None]
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
        if weight is None and kind is self._schema.mutation_type:
            weight = MUTATION_COST
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
