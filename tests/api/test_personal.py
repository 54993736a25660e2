"""Whatever asks who asks is marked as personal, so that it is never told to others."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from typing import Any

from graphql import GraphQLField, get_named_type, is_abstract_type

from execution.personal import is_marked
from resolvers import schema

ASKS = re.compile(r"context\.(me\(|caller\(|actor\b|today\()")
CORE = schema._schema


def reachable() -> Iterator[tuple[str, GraphQLField]]:
    """Every field below the subscriptions."""
    assert CORE.subscription_type is not None
    waiting = [get_named_type(field.type) for field in CORE.subscription_type.fields.values()]
    seen: set[str] = set()
    while waiting:
        kind: Any = waiting.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        if is_abstract_type(kind):
            waiting += CORE.get_possible_types(kind)
        for name, field in getattr(kind, "fields", {}).items():
            yield f"{kind.name}.{name}", field
            waiting.append(get_named_type(field.type))


def asks(function: Any, owner: Any, seen: set[Any]) -> bool:
    """Whether a resolver asks for the person, or anything of the schema that it calls does."""
    function = inspect.unwrap(function)
    if not isinstance(function, types.FunctionType) or function in seen:
        return False
    seen.add(function)
    if ASKS.search(inspect.getsource(function)):
        return True
    names = function.__code__.co_names
    called = [function.__globals__.get(name) or getattr(owner, name, None) for name in names]
    return any(asks(one, owner, seen) for one in called if getattr(one, "__module__", "").startswith("schema."))


def test_every_field_that_asks_for_the_person_is_marked() -> None:
    asking, unmarked = set(), set()
    for name, field in reachable():
        described = field.extensions.get("strawberry-definition")
        resolver = getattr(described, "base_resolver", None)
        if resolver is None or not asks(resolver.wrapped_func, described.origin, set()):
            continue
        asking.add(name)
        if not is_marked(field):
            unmarked.add(name)
    assert {"Task.viewerPermissions", "Task.viewerSubscribed", "Task.viewerMuted"} <= asking
    assert not unmarked
