"""Root fields of the schema, asked with everything that they can answer."""

from __future__ import annotations

import json
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from resolvers import schema
from tests.api.world import ghost

SDL = schema._schema
ROOTS = {"Query": SDL.query_type, "Mutation": SDL.mutation_type, "Subscription": SDL.subscription_type}


def root_fields() -> list[str]:
    """`Query.node` and all others."""
    return [f"{root}.{name}" for root, kind in ROOTS.items() if kind is not None for name in kind.fields]


def document(field: str) -> str:
    """An operation with one root field, all of its arguments as variables, and all that it answers two objects deep."""
    root, name = field.split(".")
    kind = ROOTS[root]
    assert kind is not None
    arguments = kind.fields[name].args
    variables = ", ".join(f"${one}: {argument.type}" for one, argument in arguments.items())
    passed = ", ".join(f"{one}: ${one}" for one in arguments)
    head = f"{root.lower()} ({variables})" if variables else root.lower()
    return f"{head} {{ it: {name}{f'({passed})' if passed else ''} {_selection(kind.fields[name].type, 2)} }}"


def _selection(of: Any, depth: int) -> str:
    kind = get_named_type(of)
    if is_leaf_type(kind):
        return ""
    return "{ __typename " + " ".join(_parts(kind, depth)) + " }"


def _parts(kind: Any, depth: int) -> list[str]:
    parts = []
    for name, field in kind.fields.items():
        if any(is_required_argument(one) for one in field.args.values()):
            continue
        below = get_named_type(field.type)
        if is_leaf_type(below):
            parts.append(name)
        elif depth > 0:
            parts.append(f"{name} {_selection(below, depth - 1)}")
    if isinstance(kind, GraphQLInterfaceType):
        kinds_by_field: dict[str, str] = {}
        for one in SDL.get_possible_types(kind):
            own = []
            for name, field in one.fields.items():
                if is_leaf_type(get_named_type(field.type)):
                    is_same = kinds_by_field.setdefault(name, str(field.type)) == str(field.type)
                    # Where the types differ, an alias keeps the fields apart.
                    own.append(name if is_same else f"{one.name}_{name}: {name}")
            parts.append(f"... on {one.name} {{ {' '.join(own)} }}")
    return parts


def as_ghosts(variables: dict[str, Any], real: str) -> tuple[dict[str, Any], str]:
    """The same variables with an id that leads to nothing in place of a real one. -> (variables, the id)"""
    if "_" not in real:  # a slug or a key
        other = real[::-1] + "-no"
        return json.loads(json.dumps(variables).replace(real, other)), other
    kind, uuid = real.split("_")
    other = ghost(kind)
    return json.loads(json.dumps(variables).replace(uuid, other.removeprefix(f"{kind}_"))), other


def renamed(answer: Any, other: str, real: str) -> Any:
    """An answer with one id in place of another."""
    return json.loads(json.dumps(answer).replace(other.rpartition("_")[2], real.rpartition("_")[2]))


def id_inputs() -> set[tuple[str, str]]:
    """(mutation, path) of every place in the input of a mutation where an id of something is asked for."""
    found: set[tuple[str, str]] = set()

    def walk(mutation: str, kind: GraphQLInputObjectType, path: str) -> None:
        for name, field in kind.fields.items():
            below = get_named_type(field.type)
            if isinstance(below, GraphQLInputObjectType):
                walk(mutation, below, f"{path}{name}.")
            elif isinstance(below, GraphQLScalarType) and below.name == "ID":
                found.add((mutation, f"{path}{name}"))
            else:
                assert isinstance(below, GraphQLEnumType | GraphQLScalarType)

    assert SDL.mutation_type is not None
    for mutation, field in SDL.mutation_type.fields.items():
        kind = get_named_type(field.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        walk(mutation, kind, "")
    return found
