"""A released schema changes only so that what was written for it goes on working, or after a day that was told."""

from __future__ import annotations

from datetime import date

import pytest
from graphql import build_schema

from execution.evolution import breaking_changes, possible_types, undated_deprecations

TODAY = date(2027, 4, 1)
RELEASED = """
type Query {
  a(first: Int, old: Int @deprecated(reason: "Goes after 2027-03-31.")): A
  b: B @deprecated(reason: "By 2027-04-01.")
}
type A {
  id: ID! kind: Kind! name: String @deprecated(reason: "Use id. Goes after 2027-03-31.")
  gone: C @deprecated(reason: "2020-01-01")
}
type B { id: ID! }
type C { id: ID! }
enum Kind { ONE TWO @deprecated(reason: "2027-03-31") }
"""


GONE = '  gone: C @deprecated(reason: "2020-01-01")\n'


def changed(old: str, new: str) -> list[str]:
    assert old in RELEASED
    return breaking_changes(RELEASED, build_schema(RELEASED.replace(old, new)), TODAY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("type C", "type D { id: ID! } type C"),
        ("kind: Kind!", "kind: Kind! more: String"),
        ('name: String @deprecated(reason: "Use id. Goes after 2027-03-31.")', ""),
        ('name: String @deprecated(reason: "Use id. Goes after 2027-03-31.")', "name: Int"),
        (', old: Int @deprecated(reason: "Goes after 2027-03-31.")', ""),
        ('TWO @deprecated(reason: "2027-03-31")', ""),
        (GONE, ""),
    ],
)
def test_additions_and_what_was_announced_pass(old: str, new: str) -> None:
    assert changed(old, new) == []


def test_a_type_that_only_an_announced_field_led_to_may_go_with_it() -> None:
    smaller = RELEASED.replace(GONE, "").replace("type C { id: ID! }\n", "")
    assert breaking_changes(RELEASED, build_schema(smaller), TODAY) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('b: B @deprecated(reason: "By 2027-04-01.")', "", "Query.b was removed"),
        ("kind: Kind!", "kind: Kind", "A.kind changed type"),
        ("kind: Kind!", "", "A.kind was removed"),
        ("ONE ", "", "ONE was removed"),
        ("first: Int,", "first: Int!,", "(first:) has changed type"),
        ("first: Int,", "first: Int, must: Int!,", "must"),
    ],
)
def test_everything_else_is_told(old: str, new: str, told: str) -> None:
    (change,) = changed(old, new)
    assert told in change


def test_a_deprecation_without_a_day_is_told() -> None:
    sdl = """type Query { a: Int @deprecated b: Int @deprecated(reason: "2027-13-01")
        c: Int @deprecated(reason: "2027-01-01") }"""
    assert undated_deprecations(sdl) == ["", "2027-13-01"]


def test_possible_types_are_those_of_interfaces_and_unions() -> None:
    schema = build_schema(
        "interface I { a: Int } union U = B | A type B implements I { a: Int } type A implements I { a: Int }"
        " type Query { i: I u: U }"
    )
    assert possible_types(schema) == {"I": ["A", "B"], "U": ["A", "B"]}
