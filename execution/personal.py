"""Which selections depend on who asks, so that nobody gets another's answer.

A schema marks such fields, arguments and input fields with the `@personal` directive. A subscription that selects none
of them is executed once for all who have the same rights; one that selects any is executed for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    type_from_ast,
    visit,
)
from strawberry.schema_directive import Location

STRAWBERRY = "strawberry-definition"


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    description="The answer depends on who asks, not only on what they may see.",
)
class Personal:
    pass


def is_personal_operation(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> bool:
    """Whether anything in the document, or in a value that its variables may bring, is marked as personal.

    Fragments that another operation uses count too: rather one execution too many than an answer to the wrong person.
    """
    finding = _Finding(TypeInfo(schema))
    visit(document, TypeInfoVisitor(finding.type_info, finding))
    if finding.is_found:
        return True
    kinds = (type_from_ast(schema, one.type) for one in operation.variable_definitions or ())
    return any(_takes_personal(get_named_type(kind), set()) for kind in kinds if kind is not None)


def is_marked(definition: Any) -> bool:
    """Whether a field, argument or input field of a schema is marked."""
    described = definition.extensions.get(STRAWBERRY) if definition.extensions else None
    return _has_mark(getattr(described, "directives", ()))


def _has_mark(directives: Iterable[object]) -> bool:
    return any(isinstance(one, Personal) for one in directives)


def _takes_personal(kind: GraphQLNamedType, seen: set[str]) -> bool:
    if not isinstance(kind, GraphQLInputObjectType) or kind.name in seen:
        return False
    seen.add(kind.name)
    return any(is_marked(one) or _takes_personal(get_named_type(one.type), seen) for one in kind.fields.values())


class _Finding(Visitor):
    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.type_info = type_info
        self.is_found = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        definition = self.type_info.get_field_def()
        if definition is None:
            return
        given = {one.name.value for one in node.arguments or ()}
        self.is_found |= is_marked(definition)
        self.is_found |= any(is_marked(one) for name, one in definition.args.items() if name in given)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        kind = get_named_type(self.type_info.get_parent_input_type())
        if isinstance(kind, GraphQLInputObjectType):
            field = kind.fields.get(node.name.value)
            self.is_found |= field is not None and is_marked(field)
