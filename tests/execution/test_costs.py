"""What an operation costs is told from its text and its variables."""

from __future__ import annotations

import math
from typing import Any

import pytest
from graphql import get_operation_ast, parse

from execution.costs import Costs
from execution.documents import Refused
from execution.limits import Limits
from execution.operations import Operations
from resolvers import schema

COSTS = Costs(schema._schema)
WORKSPACE = 'workspace(by: {id: "workspace_x"})'


def cost(query: str, **variables: Any) -> int:
    document = parse(query)
    operation = get_operation_ast(document)
    assert operation is not None
    return COSTS.of(query, document, operation, variables)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ viewer { timeZone } }", 1),
        ("{ viewer { user { id name } } }", 2),
        ("{ __typename }", 1),
        (f"{{ {WORKSPACE} {{ tasks(first: 7) {{ nodes {{ id title }} }} }} }}", 1 + 1 + 7),
        (f"{{ {WORKSPACE} {{ tasks {{ nodes {{ id }} }} }} }}", 1 + 1 + 50),
        (f"{{ {WORKSPACE} {{ tasks(last: 7) {{ nodes {{ id status {{ id }} }} }} }} }}", 1 + 1 + 7 * 2),
        (f"{{ {WORKSPACE} {{ tasks(first: 7) {{ edges {{ node {{ id }} }} }} }} }}", 1 + 1 + 7 * 2),
        (f"{{ {WORKSPACE} {{ tasks(first: 7) {{ nodes {{ assignees {{ id }} }} }} }} }}", 1 + 1 + 7 * (1 + 2)),
        (f"{{ {WORKSPACE} {{ tasks(first: 7) {{ totalCount }} }} }}", 1 + 1 + 20),
        (f"{{ {WORKSPACE} {{ tasks(first: 2) {{ nodes {{ subtasks(first: 3) {{ nodes {{ id }} }} }} }} }} }}", 12),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ('{ a: isPasswordResetTokenValid(token: "x") b: isPasswordResetTokenValid(token: "y") }', 2),
        ('{ searchTasks(workspaceId: "x", query: "x", first: 7) { nodes { id } } }', 20 + 7),
        (
            '{ searchTasks(workspaceId: "x", query: "x", first: 7) { edges { textMatches { segments { text } } } } }',
            20 + 7 * (1 + 5 + 2 * (1 + 2)),
        ),
        ("mutation { a: signOut(input: {}) { signedOut } b: signOut(input: {}) { signedOut } }", 20),
        (
            "mutation { ...A ... { c: signOut(input: {}) { signedOut } } } "
            "fragment A on Mutation { a: signOut(input: {}) { signedOut } b: signOut(input: {}) { signedOut } }",
            30,
        ),
    ],
)
def test_objects_cost_and_pages_multiply(query: str, expected: int) -> None:
    assert cost(query) == expected


def test_variables_say_the_size_of_pages_and_lists() -> None:
    query = f"query ($n: Int = 5) {{ {WORKSPACE} {{ tasks(first: $n) {{ nodes {{ id }} }} }} }}"
    assert [cost(query), cost(query, n=9), cost(query, n=-9)] == [7, 11, 11]
    assert cost(query, n=None) == 2 + 50  # null is no default, so the page is that of a field without a size
    assert [cost(query, n=20.0), cost(query, n=1e9), cost(query, n=math.inf)] == [22, 10**9 + 2, 52]
    assert cost("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["a"] * 40) == 40


def test_of_several_types_the_dearest_counts() -> None:
    of_task = "... on Task { id status { id } project { id } }"
    of_user = "... on User { name }"
    assert cost(f'{{ node(id: "x") {{ id {of_user} }} }}') == 1
    assert cost(f'{{ node(id: "x") {{ id {of_user} {of_task} }} }}') == 3


def test_fragments_cost_wherever_they_are_spread_and_counting_them_stays_quick() -> None:
    twice = f"{{ a: {WORKSPACE} {{ ...W }} b: {WORKSPACE} {{ ...W }} }} fragment W on Workspace {{ labels {{ id }} }}"
    assert cost(twice) == 2 * (1 + 2)
    chain = "".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }} " for n in range(60))
    # Following each spread would take years: pytest ends that.
    assert cost(f"{{ viewer {{ ...F0 }} }} {chain} fragment F60 on Viewer {{ user {{ id }} }}") > 2**50


def test_an_operation_that_costs_too_much_is_refused_with_its_cost() -> None:
    operations = Operations(schema, Limits(max_query_cost=100))
    query = f"query ($n: Int!) {{ {WORKSPACE} {{ tasks(first: $n) {{ nodes {{ id }} }} }} }}"
    assert operations.prepare(query, {"n": 98}).cost == 100
    with pytest.raises(Refused) as refused:
        operations.prepare(query, {"n": 99})
    extensions = refused.value.errors[0].extensions
    assert extensions == {"code": "QUERY_TOO_COMPLEX", "cost": {"requested": 101, "limit": 100}}
