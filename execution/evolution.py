"""How a schema may change once it was released: only so that what was written for it goes on working.

What is to go is first marked `@deprecated` with the day from which it may be missing, as in "Use x instead. Goes after
2027-03-31."; from the day after it is taken as never promised. Invariant: nothing else lets a breaking change pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from graphql import (
    REMOVE,
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLAbstractType,
    GraphQLSchema,
    NamedTypeNode,
    Visitor,
    build_ast_schema,
    is_abstract_type,
    parse,
    visit,
)
from graphql.utilities import find_breaking_changes

_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")


def possible_types(schema: GraphQLSchema) -> dict[str, list[str]]:
    """Interfaces and unions -> what they may be; what caches of clients need to tell fragments apart."""
    found: dict[str, list[str]] = {}
    for name, kind in sorted(schema.type_map.items()):
        if is_abstract_type(kind) and not name.startswith("__"):
            abstract: GraphQLAbstractType = kind
            found[name] = sorted(one.name for one in schema.get_possible_types(abstract))
    return found


def breaking_changes(released: str, schema: GraphQLSchema, today: date) -> list[str]:
    """What of the released SDL does not hold any more, but for what was deprecated until a day before `today`."""
    promised = _without_unreachable(visit(parse(released), _Expired(today)), parse(released))
    return [change.description for change in find_breaking_changes(build_ast_schema(promised), schema)]


def undated_deprecations(sdl: str) -> list[str]:
    """Reasons of `@deprecated` that do not say until when."""
    return [reason for reason in _reasons(parse(sdl)) if _day_in(reason) is None]


def _day_in(reason: str) -> date | None:
    found = _DAY.search(reason)
    try:
        return None if found is None else date.fromisoformat(found.group(1))
    except ValueError:
        return None


def _reason(node: Any) -> str | None:
    for directive in node.directives or ():
        if directive.name.value == "deprecated":
            return next((str(one.value.value) for one in directive.arguments or () if one.name.value == "reason"), "")
    return None


def _reasons(document: DocumentNode) -> Iterator[str]:
    finding = _Deprecated()
    visit(document, finding)
    yield from finding.reasons


class _Deprecated(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str] = []

    def enter(self, node: Any, *_: Any) -> None:
        reason = _reason(node) if hasattr(node, "directives") else None
        if reason is not None:
            self.reasons.append(reason)


class _Expired(Visitor):
    """Removes what was deprecated until a day that has passed."""

    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today

    def _leave(self, node: Any) -> Any:
        reason = _reason(node)
        day = None if reason is None else _day_in(reason)
        return REMOVE if day is not None and day < self._today else None

    def leave_field_definition(self, node: FieldDefinitionNode, *_: Any) -> Any:
        return self._leave(node)

    def leave_input_value_definition(self, node: Any, *_: Any) -> Any:
        return self._leave(node)

    def leave_enum_value_definition(self, node: Any, *_: Any) -> Any:
        return self._leave(node)


def _without_unreachable(promised: DocumentNode, released: DocumentNode) -> DocumentNode:
    """Types that only what is gone led to are gone as well."""
    lost = _named(released) - _named(promised)
    kept = tuple(one for one in promised.definitions if _name(one) not in lost)
    return DocumentNode(definitions=kept)


def _name(node: DefinitionNode) -> str | None:
    name = getattr(node, "name", None)
    return None if name is None else str(name.value)


def _named(document: DocumentNode) -> set[str]:
    """Types that are named anywhere: as the type of something, or as an interface."""
    finding = _Names()
    visit(document, finding)
    return finding.names


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_named_type(self, node: NamedTypeNode, *_: Any) -> None:
        self.names.add(node.name.value)
