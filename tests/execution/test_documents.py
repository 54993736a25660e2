"""Documents are parsed, checked and validated once by their text, and only good ones are kept."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from typing import Any, cast

import pytest
import strawberry
from graphql import ASTValidationRule, FieldNode, ValidationContext, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from execution.documents import Documents, Refused
from execution.limits import MAX_INPUT_NESTING, Limits, fault_of_variables
from execution.live import Plans
from execution.operations import Operations


@strawberry.type
class Node:
    id: int = 1

    @strawberry.field
    def child(self) -> Node:
        return Node()

    @strawberry.field
    def other(self, of: list[int] | None = None, name: str | None = None) -> Node:
        return Node()


@strawberry.type
class Query:
    @strawberry.field
    def node(self) -> Node:
        return Node()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def node(self) -> AsyncGenerator[Node, None]:
        yield Node()


schema = strawberry.Schema(Query, subscription=Subscription)


def documents(**limits: Any) -> Documents:
    return Documents(schema._schema, Limits(**limits))


class CountingRule(ASTValidationRule):
    """Counts how often validation looks at it."""

    validations = 0

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        CountingRule.validations += 1


async def test_a_document_is_validated_once_however_often_it_is_executed_or_subscribed_to() -> None:
    operations = Operations(schema, Limits(), rules=(CountingRule,))
    plans = Plans(operations.schema._schema, operations.documents.load, lambda errors: [])
    before = CountingRule.validations
    for _ in range(3):
        result = await operations.execute(operations.prepare("query Once { node { id } }"), None)
        assert result.data == {"node": {"id": 1}}
        asked = operations.prepare("subscription Once { node { id } }")
        live = plans.open(asked.query, asked.variables, asked.operation_name)
        payloads = [await live.render(event, None) async for event in await live.source(None)]
        assert payloads == [b'{"data":{"node":{"id":1}}}']
    assert CountingRule.validations == before + 2


async def test_serving_a_schema_leaves_it_as_it_was() -> None:
    Operations(schema, Limits(max_depth=1))
    assert (await schema.execute("{ node { child { id } } }")).errors is None


def test_the_same_text_gives_the_same_document() -> None:
    kept = documents()
    assert kept.load("{ node { id } }") is kept.load("{ node { id } }")


def test_a_refused_document_is_refused_again() -> None:
    kept = documents()
    for _ in range(2):
        with pytest.raises(Refused, match="Cannot query field 'nope'"):
            kept.load("{ nope }")


def test_the_cache_is_bounded_and_forgets_the_least_recently_used() -> None:
    kept = Documents(schema._schema, Limits(), max_bytes=3 * 6_000)
    first, second = kept.load("{ node { id } }"), kept.load("query Second { node { id } }")
    for number in range(10):
        kept.load(f"query Q{number} {{ node {{ id }} }}")
        assert kept.load("{ node { id } }") is first
    assert kept.load("query Second { node { id } }") is not second


def test_introspection_can_be_switched_off_and_then_nothing_is_suggested() -> None:
    hidden = Documents(schema._schema, Limits(), is_introspection_allowed=False)
    with pytest.raises(Refused, match="introspection has been disabled"):
        hidden.load("{ __schema { queryType { name } } }")
    with pytest.raises(Refused, match=r"'noed' on type 'Query'\.$"):
        hidden.load("{ noed { id } }")
    assert hidden.load("{ __typename }")


def test_the_standard_introspection_query_is_within_the_limits() -> None:
    assert documents().load(get_introspection_query())


NODES = st.lists(st.sampled_from(["child", "other", "other(of: [1])"]), max_size=12)
WRAPPERS = st.lists(st.sampled_from(["plain", "spread", "inline"]), min_size=13)


@given(NODES, WRAPPERS)
def test_depth_is_the_longest_chain_of_fields_however_it_is_spread_over_fragments(
    names: list[str], wrappers: list[str]
) -> None:
    fragments: list[str] = []

    def selection(rest: list[str], wrapping: list[str]) -> str:
        body = f"id {rest[0]} {{ {selection(rest[1:], wrapping[1:])} }}" if rest else "id"
        if wrapping[0] == "inline":
            return f"... on Node {{ {body} }}"
        if wrapping[0] == "spread":
            fragments.append(f"fragment F{len(fragments)} on Node {{ {body} }}")
            return f"...F{len(fragments) - 1}"
        return body

    text = f"{{ node {{ {selection(names, wrappers)} }} }} " + " ".join(fragments)
    depth = len(names) + 2
    assert documents(max_depth=depth).load(text)
    with pytest.raises(Refused) as refused:
        documents(max_depth=depth - 1).load(text)
    assert refused.value.errors[0].extensions == {"code": "QUERY_TOO_COMPLEX"}


def test_a_document_too_deep_to_walk_is_refused_under_any_limits() -> None:
    lavish = documents(max_tokens=10**6, max_document_characters=10**6)
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(2_000))
    with pytest.raises(Refused, match="too deep"):
        lavish.load("{ ...F0 } " + chain)


def test_every_exceeded_limit_is_named() -> None:
    with pytest.raises(Refused) as refused:
        documents(max_depth=2, max_aliases=1, max_directives=0).load("{ a: node { b: child { id @skip(if: true) } } }")
    assert [error.message for error in refused.value.errors] == [
        "The document is too deep: the limit is 2.",
        "The document has too many aliases or repeated fields: the limit is 1.",
        "The document has too many directives: the limit is 0.",
    ]


def test_input_values_in_the_document_may_not_nest_without_end() -> None:
    def nested(depth: int) -> str:
        return "{ node { other(of: " + "[" * depth + "1" + "]" * depth + ") { id } } }"

    with pytest.raises(Refused, match="nested too deep"):
        documents().load(nested(MAX_INPUT_NESTING + 1))
    with pytest.raises(Refused, match="nested too deep"):
        documents().load("query ($a: [Int] = " + "[" * 40 + "]" * 40 + ") { node { id } }")
    with pytest.raises(Refused) as refused:
        documents().load(nested(3))
    assert refused.value.errors[0].extensions in (None, {})  # an ordinary validation error


def test_variables_may_nest_up_to_the_limit() -> None:
    value: object = 1
    for _ in range(MAX_INPUT_NESTING):
        value = [value]
    assert fault_of_variables(value, 10) is None
    assert fault_of_variables({"deeper": value}, 10) is not None


def test_a_string_in_the_variables_of_what_reads_is_no_longer_than_a_document() -> None:
    operations = Operations(schema, Limits(max_document_characters=60))
    query = "query ($v: Boolean!) { node { id @skip(if: $v) } }"
    operations.prepare(query, {"v": ["x" * 60]})
    with pytest.raises(Refused, match="string in the variables has too many characters: the limit is 60"):
        operations.prepare(query, {"v": ["x" * 61]})


def test_what_is_kept_is_bounded_by_bytes_whatever_it_consists_of() -> None:
    def held(texts: Iterable[str]) -> int:
        operations = Operations(schema, Limits(max_query_cost=2))
        operations.documents = Documents(schema._schema, operations.limits, max_bytes=100_000)
        tracemalloc.start()
        for text in texts:
            with suppress(Refused):
                operations.is_personal(operations.prepare(text, {"unknown": 1}))
        gc.collect()
        found = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return found

    long = "{ node { id } } #%d " + "\U0001f600" * 10_000
    of_comments = "{ node { id } } #%d" + "\n#" * 1_000
    costly = "{ node { child { child { " + "... { id } " * 100 + "} } } } #%d"
    held([long % 1])
    most = 10 * sys.getsizeof(long) + 400_000  # the texts, by which costs are known, and hardly more
    assert [held(text % number for number in range(10)) < most for text in (long, of_comments, costly)] == [True] * 3


def test_plans_are_bounded_by_bytes_and_know_declared_variables_alone() -> None:
    plans = Plans(schema._schema, documents().load, lambda errors: [])

    def key_of(name: str, **more: object) -> Any:
        query = "subscription ($name: String) { node { other(name: $name) { id } } }"
        sharing = plans.open(query, {"name": name, **more}, None).sharing(cast("Any", None))
        assert sharing is not None
        return sharing.key

    assert key_of("first") == key_of("first", unknown=1)
    assert plans.counters.compiled == 1
    for number in range(20):
        assert len(key_of(f"{number}" * 1_000_000)) < 100
    key_of("first")
    assert plans.counters.compiled == 22  # who was not asked for again was forgotten


def least_seconds(work: Callable[[], object]) -> float:
    """What it costs this thread, whatever else the machine and the collector of garbage do."""
    found = []
    for _ in range(3):
        began = time.thread_time()
        work()
        found.append(time.thread_time() - began)
    return min(found)


@pytest.mark.parametrize(
    "text",
    [
        "{" + "node { id } " * 240 + "}",
        "{" + "node " * 990 + "}",
        "{ node " + "{ child " * 400 + "}" * 401,
        "{ node { other(of: " + "[" * 480 + "]" * 480 + ") { id } } }",
        "{" + " ".join(f"field{number}" for number in range(900)) + "}",
        "#" * 1_000_000,
        "{ " + "node " * 100_000 + "}",
        "{ ...F0 } " + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(120)),
        "query (" + " ".join(f"$v{n}: Int" for n in range(240)) + ") { node { id } }",
    ],
)
def test_hostile_documents_are_refused_quickly(text: str) -> None:
    def load() -> None:
        with pytest.raises(Refused):
            documents().load(text)

    # It is five times at the most; the benchmark watches the milliseconds.
    longest_that_may_be_read = "{" + "node { id } " * 249 + "}"
    assert least_seconds(load) < 15 * least_seconds(lambda: parse(longest_that_may_be_read))


async def test_an_operation_is_given_up_after_its_time() -> None:
    @strawberry.type
    class Slow:
        @strawberry.field
        async def field(self) -> int:
            await asyncio.Event().wait()
            return 1

    operations = Operations(strawberry.Schema(Slow), Limits(resolver_timeout_seconds=0.05))
    result = await operations.execute(operations.prepare("{ field }"), None)
    assert result.data is None
    assert result.errors
    assert result.errors[0].extensions == {"code": "SERVICE_UNAVAILABLE"}


def test_rules_of_the_application_are_part_of_validation() -> None:
    class NoId(ASTValidationRule):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.name.value == "id":
                self.report_error(strawberry.exceptions.StrawberryGraphQLError("No id here."))

    with pytest.raises(Refused, match="No id here"):
        Documents(schema._schema, Limits(), rules=(NoId,)).load("{ node { id } }")


@pytest.mark.parametrize(("name", "message"), [("C", "is not in the document"), (None, "is required")])
def test_the_operation_asked_for_must_be_clear(name: str | None, message: str) -> None:
    operations = Operations(schema, Limits())
    with pytest.raises(Refused, match=message):
        operations.prepare("query A { node { id } } query B { node { id } }", None, name)
