"""A compiled selection gives what graphql-core gives, or leaves it to graphql-core; without errors it never does."""

from __future__ import annotations

from typing import Any

from graphql import ExecutionResult, build_schema, execute, parse, validate
from graphql.pyutils import is_awaitable
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from execution.executor import EventExecutor
from execution.projector import Uncovered, compile_operation

SCHEMA = build_schema("""
scalar Stamp
enum Color { RED GREEN }
interface Animal { name: String  age: Int!  color: Color  friends: [Animal!] }
type Dog implements Animal {
  name: String  age: Int!  color: Color  friends: [Animal!]  barks: Boolean!  slow: Int!  best: Pet
}
type Cat implements Animal { name: String  age: Int!  color: Color  friends: [Animal!]  lives: Float  seen: Stamp }
union Pet = Dog | Cat
type Query {
  pet: Pet  pets: [Pet]  animals: [Animal!]!  grid: [[Int!]]  greet(who: String = "you", loud: Boolean): String
}
""")
FIELDS = {
    "Query": ["pet", "pets", "animals", "grid", "greet", 'greet(who: "me")', "greet(who: $who, loud: $on)"],
    "Animal": ["name", "age", "color", "friends"],
    "Dog": ["name", "age", "color", "friends", "barks", "slow", "best"],
    "Cat": ["name", "age", "color", "friends", "lives", "seen"],
    "Pet": [],
}
BELOW = {"pet": "Pet", "pets": "Pet", "animals": "Animal", "friends": "Animal", "best": "Pet"}
FRAGMENTS = " fragment OfDog on Dog { barks name other: age } fragment OfAnimal on Animal { name age __typename }"


async def _slow(source: Any, info: Any) -> Any:
    if isinstance(source["slow"], Exception):
        raise source["slow"]
    return source["slow"]


def _greet(source: Any, info: Any, who: str | None = None, loud: bool | None = None) -> str:
    if who == "nobody":
        raise ValueError(who)
    return f"{who} {loud} {info.context}"


SCHEMA.type_map["Dog"].fields["slow"].resolve = _slow  # type: ignore[attr-defined]
SCHEMA.type_map["Query"].fields["greet"].resolve = _greet  # type: ignore[attr-defined]
SCHEMA.type_map["Stamp"].coerce_output_value = lambda value: f"at {value}"  # type: ignore[attr-defined]


@st.composite
def selections(draw: st.DrawFn, kind: str, depth: int = 3) -> str:
    parts = ["__typename"]
    for _ in range(draw(st.integers(1, 4))):
        directive = draw(st.sampled_from(["", "", "", " @skip(if: $on)", " @include(if: $on)"]))
        choices = [name for name in FIELDS[kind] if depth or name not in BELOW]
        if kind != "Query" and depth and draw(st.booleans()):
            on = draw(st.sampled_from(["Dog", "Cat", "Animal"]))
            parts.append(f"... on {on}{directive} {{ {draw(selections(on, depth - 1))} }}")
        elif kind != "Query" and (not choices or draw(st.booleans())):
            parts.append(f"...{draw(st.sampled_from(['OfDog', 'OfAnimal']))}{directive}")
        else:
            name = draw(st.sampled_from(choices))
            alias = draw(st.sampled_from(["", "x: ", "y: "]))
            below = f" {{ {draw(selections(BELOW[name], depth - 1))} }}" if name in BELOW else ""
            parts.append(f"{alias}{name}{directive}{below}")
    return " ".join(parts)


def perhaps(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly a good value; now and then null, an error, or one that does not fit."""
    bad = st.sampled_from([None, ValueError("no"), "wrong", ()])
    return st.integers(0, 15).flatmap(lambda one: bad if one == 0 else good)


def animals(depth: int) -> st.SearchStrategy[Any]:
    common: dict[str, Any] = {
        "name": perhaps(st.none() | st.text(max_size=3)),
        "age": perhaps(st.integers(0, 9)),
        "color": perhaps(st.sampled_from(["RED", "GREEN", None])),
    }
    if depth:
        common["friends"] = perhaps(st.none() | st.lists(animals(depth - 1), max_size=2))
    dog = {**common, "barks": perhaps(st.booleans()), "slow": perhaps(st.integers(0, 9))}
    if depth:
        dog["best"] = st.none() | animals(depth - 1)
    cat = {**common, "lives": perhaps(st.floats(0, 9)), "seen": perhaps(st.integers())}
    return st.one_of(
        st.fixed_dictionaries({"__typename": st.just("Dog"), **dog}),
        st.fixed_dictionaries({"__typename": st.just("Cat"), **cat}),
    )


ROOTS = st.fixed_dictionaries(
    {
        "pet": st.none() | animals(2),
        "pets": st.lists(st.none() | animals(1), max_size=3),
        "animals": perhaps(st.lists(animals(1), max_size=3)),
        "grid": perhaps(st.lists(st.none() | st.lists(perhaps(st.integers(0, 9)), max_size=2), max_size=2)),
    }
)


@settings(max_examples=400)
@given(
    selection=selections("Query"),
    root=ROOTS,
    on=st.booleans(),
    who=st.sampled_from([None, "you", "nobody"]),
    no=st.booleans(),
)
async def test_a_projector_equals_graphql_core(
    selection: str, root: dict[str, Any], on: bool, who: str | None, no: bool
) -> None:
    # Every variable and fragment is used, as validation asks for it.
    used = " z: greet(who: $who) @include(if: $on) zz: pet { ...OfDog ...OfAnimal }"
    document = parse(f"query ($on: Boolean!, $who: String) {{ {selection}{used} }}{FRAGMENTS}")
    assume(not validate(SCHEMA, document))
    variables: dict[str, Any] = {"on": on} if no else {"on": on, "who": who}
    found: Any = execute(SCHEMA, document, root, "context", variables)
    expected: ExecutionResult = await found if is_awaitable(found) else found
    executor = EventExecutor.build(SCHEMA, document, None, None, variables, None)
    assert not isinstance(executor, list)
    project = compile_operation(executor)
    try:
        data = await project(root, "context")
    except Uncovered:
        assert expected.errors, "without errors it must not take the ordinary path"
        return
    assert not expected.errors
    assert data == expected.data
    assert repr(data) == repr(expected.data), "the order of the fields"
