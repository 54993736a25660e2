"""The limits every document, frame and socket is held to, over HTTP and WebSocket alike.

What can be counted without the schema is counted here, before validation: validating is the dearest step, so a document
that is refused must never reach it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

# Introspection nests deeper than data: the standard query asks for nine `ofType` below a field's argument.
MAX_INTROSPECTION_DEPTH = 20
# No input type needs more; recursive ones (filters) would otherwise be coerced down to Python's recursion limit.
MAX_INPUT_NESTING = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """One server's limits. Zero is not "off": every limit always holds."""

    max_depth: int = 10
    max_query_cost: int = 10_000
    points_per_minute: int = 300_000
    """What a person, or an API token, may spend on operations."""
    anonymous_points_per_minute: int = 6_000
    """What an address may spend on operations without credentials."""
    max_aliases: int = 15
    max_tokens: int = 1000
    max_directives: int = 50
    max_document_characters: int = 15_000
    """Of a document, and of a string in the variables of what reads: texts to be written have limits of their own."""
    max_body_bytes: int = 1_048_576
    max_frame_bytes: int = 65_536
    max_operations_per_socket: int = 50
    max_sockets_per_person: int = 20
    init_timeout_seconds: float = 5.0
    frames_per_second: float = 50
    frame_burst: int = 100
    resolver_timeout_seconds: float = 10.0


def too_complex(what: str, limit: int) -> GraphQLError:
    """The refusal of a document or its variables, naming the limit and its value."""
    return GraphQLError(f"{what}: the limit is {limit}.", extensions={"code": "QUERY_TOO_COMPLEX"})


def too_costly(cost: int, limit: int) -> GraphQLError:
    """The refusal of an operation, saying what it would cost."""
    return GraphQLError(
        f"The operation costs {cost}: the limit is {limit}. Ask for smaller pages, or fewer objects in each.",
        extensions={"code": "QUERY_TOO_COMPLEX", "cost": {"requested": cost, "limit": limit}},
    )


def complexity_errors(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """One error for each limit the document exceeds, without the schema and in time linear in its tokens."""
    size = _Size({each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)})
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            size.directives += len(definition.directives or ())
            for variable in definition.variable_definitions or ():
                size.directives += len(variable.directives or ())
                if variable.default_value:
                    size.add_value(variable.default_value)
            size.depth = max(size.depth, size.depth_of(definition.selection_set))
        elif isinstance(definition, FragmentDefinitionNode):
            size.fragment_depth(definition.name.value)  # also of one that is never spread: its aliases count as well
    measured = (
        ("The document is too deep", size.depth, limits.max_depth),
        ("The introspection is too deep", size.introspection_depth, MAX_INTROSPECTION_DEPTH),
        ("The document has too many aliases or repeated fields", size.aliases, limits.max_aliases),
        ("The document has too many directives", size.directives, limits.max_directives),
        ("An input value is nested too deep", size.input_nesting, MAX_INPUT_NESTING),
    )
    return [too_complex(what, limit) for what, value, limit in measured if value > limit]


def fault_of_variables(variables: object, max_string_characters: int) -> GraphQLError | None:
    """The limit that JSON values exceed: they nest deeper than any input may, or hold too long a string."""
    level = [variables]
    for _ in range(MAX_INPUT_NESTING + 1):
        if any(isinstance(value, str) and len(value) > max_string_characters for value in level):
            return too_complex("A string in the variables has too many characters", max_string_characters)
        level = [child for value in level for child in _children(value)]
        if not level:
            return None
    return too_complex("The variables are nested too deep", MAX_INPUT_NESTING)


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


@dataclass(slots=True)
class _Size:
    """What one walk over a document counts. A field at the top has depth 1; each fragment is walked once."""

    fragments: dict[str, FragmentDefinitionNode]
    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    input_nesting: int = 0
    _fragment_depths: dict[str, int] = field(default_factory=dict)

    def depth_of(self, selection_set: SelectionSetNode) -> int:
        deepest = 0
        keys: set[str] = set()
        for selection in selection_set.selections:
            self.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                depth = self._depth_of_field(selection)
                # Repeating a field costs validation as much as an alias would: its pairs are compared.
                key = selection.alias or selection.name
                self.aliases += selection.alias is not None or key.value in keys
                keys.add(key.value)
            elif isinstance(selection, FragmentSpreadNode):
                depth = self.fragment_depth(selection.name.value)
            else:
                depth = self.depth_of(selection.selection_set)  # type: ignore[attr-defined]
            deepest = max(deepest, depth)
        return deepest

    def _depth_of_field(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            self.add_value(argument.value)
        if node.selection_set is None:
            return 1
        depth = 1 + self.depth_of(node.selection_set)
        if node.name.value.startswith("__"):
            self.introspection_depth = max(self.introspection_depth, depth)
            return 1
        return depth

    def fragment_depth(self, name: str) -> int:
        """The depth below one spread of this fragment; 0 within a cycle or where there is none (validation says so)."""
        if name not in self._fragment_depths:
            self._fragment_depths[name] = 0
            if name in self.fragments:
                self.directives += len(self.fragments[name].directives or ())
                self._fragment_depths[name] = self.depth_of(self.fragments[name].selection_set)
        return self._fragment_depths[name]

    def add_value(self, value: ValueNode) -> None:
        level: list[ValueNode] = [value]
        nesting = 0
        while level := [child for each in level for child in _child_values(each)]:
            nesting += 1
        self.input_nesting = max(self.input_nesting, nesting)


def _child_values(value: ValueNode) -> Iterator[ValueNode]:
    if isinstance(value, ListValueNode):
        yield from value.values
    elif isinstance(value, ObjectValueNode):
        yield from (each.value for each in value.fields)
