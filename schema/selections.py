"""What a field's selection goes on to. Decided by the document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
)


def selects_objects(info: GraphQLResolveInfo[Any]) -> bool:
    """Whether the field's selection goes on to other objects."""
    return any(_goes_on(node.selection_set, info.fragments) for node in info.field_nodes)


def _goes_on(selection_set: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    for one in () if selection_set is None else selection_set.selections:
        if isinstance(one, FieldNode):
            if one.selection_set is not None:
                return True
        elif isinstance(one, InlineFragmentNode):
            if _goes_on(one.selection_set, fragments):
                return True
        elif isinstance(one, FragmentSpreadNode) and _goes_on(fragments[one.name.value].selection_set, fragments):
            return True
    return False
