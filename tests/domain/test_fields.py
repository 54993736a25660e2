"""Single values: what is too long, empty or malformed is refused by path and code, everything else is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import fields
from domain.errors import ErrorCode, Refusal, Refusals
from tests.db.office import bounded

LINES = [(fields.title, 500), (fields.name, 100)]


def refusal(rule: Any, value: Any) -> tuple[ErrorCode, tuple[str, ...]]:
    with pytest.raises(Refusal) as refused:
        rule(value, "field")
    return refused.value.code, refused.value.path


@pytest.mark.parametrize(("rule", "limit"), LINES)
def test_a_line_is_trimmed_and_says_something(rule: Any, limit: int) -> None:
    assert rule("  Do it \u00a0", "field") == "Do it"
    assert rule("x" * limit + "   ", "field") == "x" * limit
    assert rule("日" * limit, "field") == "日" * limit
    assert refusal(rule, "x" * (limit + 1)) == (ErrorCode.TOO_LONG, ("field",))
    for empty in (None, "", "   ", "\u2003", "\t\n", "\u200b", " \u2060\ufeff"):
        assert refusal(rule, empty) == (ErrorCode.REQUIRED, ("field",))
    for control in ("a\nb", "a\0b", "a\tb", "a\x7fb", "a\x1bb"):
        assert refusal(rule, control) == (ErrorCode.INVALID, ("field",))


def test_a_comment_says_something() -> None:
    assert fields.body("\u200bYes", "field") == "\u200bYes"
    for empty in (None, "", " \n", "\u200b\n\u00ad"):
        assert refusal(fields.body, empty) == (ErrorCode.REQUIRED, ("field",))


def test_a_text_keeps_every_line_and_null_is_empty() -> None:
    assert fields.description(None, "field") == ""
    assert fields.description(" a\n\tb \r\n", "field") == " a\n\tb \r\n"
    assert len(fields.description("x" * 100_000, "field")) == 100_000
    assert refusal(fields.description, "x" * 100_001) == (ErrorCode.TOO_LONG, ("field",))
    assert refusal(fields.description, "a\0b") == (ErrorCode.INVALID, ("field",))


@pytest.mark.parametrize("good", ["a", "acme", "acme-2", "2-2-2", "x" * 48])
def test_a_slug_is_part_of_an_address(good: str) -> None:
    assert fields.slug(good, "field") == good


@pytest.mark.parametrize("bad", ["Acme", "a--b", "-a", "a-", "a b", "a_b", "ä", "a/b", "a\u0660"])
def test_no_slug_is_anything_else(bad: str) -> None:
    assert refusal(fields.slug, bad) == (ErrorCode.INVALID, ("field",))


def test_a_slug_and_a_key_have_their_limits() -> None:
    assert refusal(fields.slug, "x" * 49) == (ErrorCode.TOO_LONG, ("field",))
    assert refusal(fields.key, "X" * 11) == (ErrorCode.TOO_LONG, ("field",))
    assert refusal(fields.slug, None) == (ErrorCode.REQUIRED, ("field",))
    assert refusal(fields.key, "") == (ErrorCode.REQUIRED, ("field",))


@pytest.mark.parametrize("bad", ["web", "1A", "A-B", "Ä", "A B", "A\u0661", "-"])
def test_a_key_is_capital_letters_and_digits(bad: str) -> None:
    assert fields.key("WEB2", "field") == "WEB2"
    assert refusal(fields.key, bad) == (ErrorCode.INVALID, ("field",))


@pytest.mark.parametrize("bad", ["", "red", "#fff", "#12345g", "#1234567", "123456", "#12345６", "#123456\n"])
def test_a_color_is_six_digits(bad: str) -> None:
    assert fields.color("#ABcdef", "field") == "#abcdef"
    assert fields.color(None, "field") == fields.DEFAULT_COLOR
    assert refusal(fields.color, bad) == (ErrorCode.INVALID, ("field",))


@pytest.mark.parametrize("bad", [-0.5, 1_000_001, float("inf"), float("-inf"), float("nan")])
def test_an_estimate_is_a_number_within_bounds(bad: float) -> None:
    assert [fields.estimate(good, "field") for good in (None, 0, 0.25, 1_000_000)] == [None, 0, 0.25, 1_000_000]
    assert refusal(fields.estimate, bad) == (ErrorCode.INVALID, ("field",))


def test_all_wrong_fields_are_told_at_once() -> None:
    rules = {"title": (fields.title, ""), "color": (fields.color, "red"), "name": (fields.name, "Good")}
    with pytest.raises(Refusals) as refused:
        fields.checked(rules)
    assert [(one.code, one.path) for one in refused.value.refusals] == [
        (ErrorCode.REQUIRED, ("title",)),
        (ErrorCode.INVALID, ("color",)),
    ]
    good: dict[str, Any] = {"name": (fields.name, " Good ")}
    assert fields.checked(good) == {"name": "Good"}


@bounded(100)
@given(st.text(max_size=600).filter(lambda value: value.isprintable() and 1 <= len(value.strip()) <= 500))
def test_any_printable_line_is_kept_as_it_is(value: str) -> None:
    assert fields.title(value, "title") == value.strip()
