"""Which passage of a text a search shows, and what it marks in it."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mentions import MENTION
from domain.passages import LENGTH, passage, words_of

ANN = "@[user_01998a7b-1111-7222-8333-444455556666]"


def shown(text: str, query: str) -> str:
    """The passage with «its matches» marked."""
    return "".join(f"«{one.text}»" if one.is_match else one.text for one in passage(text, words_of(query)))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Blue  velvet", ("blue", "velvet")),
        ('"blue velvet" curtain', ("blue", "velvet", "curtain")),
        ('velvet -curtain -"old rose" half-blue', ("velvet", "half", "blue")),
        ("tuba or violin", ("tuba", "violin")),
        ("or", ("or",)),
        ("C++ & 100% ÜBER", ("c", "100", "über")),
        ("-- !", ()),
    ],
)
def test_the_words_of_a_query(query: str, words: tuple[str, ...]) -> None:
    assert words_of(query) == words


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Tune the Violin", "viol", "Tune the «Viol»in"),
        ("silent lenses, Lens", "lens", "silent «lens»es, «Lens»"),
        ("nothing here", "lens", ""),
        ("İstanbul, then the lens", "lens", "İstanbul, then the «lens»"),
        ("a <b>lens</b> & more", "lens", "a <b>«lens»</b> & more"),
        ("lens lenses", "lens lenses", "«lens» «lenses»"),
        (f"The user 1111, {ANN}", "user 1111", f"The «user» «1111», {ANN}"),
    ],
)
def test_words_are_marked_where_they_begin(text: str, query: str, expected: str) -> None:
    assert shown(text, query) == expected


def test_the_passage_is_the_one_with_most_of_the_words() -> None:
    text = "the lens. " + "filling " * 60 + "here are the spectrometer and the lens together, " + "filling " * 60
    found = shown(text, "spectrometer lens together")
    assert "here are the «spectrometer» and the «lens» «together»" in found
    assert found.startswith("…filling")
    assert found.endswith("…")
    assert len(found) <= LENGTH + len("……") + 6


def test_a_mention_is_whole_or_not_there() -> None:
    for before in range(60):
        text = f"{'x' * 30} {ANN}{'y' * before} needle {'z' * (120 + before)} {ANN} end"
        assert "user" not in MENTION.sub("", shown(text, "needle"))


def test_no_letter_but_one_is_longer_when_it_is_small() -> None:
    letters = (chr(code) for code in range(sys.maxunicode + 1))
    assert [one for one in letters if len(one.lower()) != 1] == ["İ"]


@given(st.text("ab -@[]_\n«İ", max_size=500), st.text("ab -", max_size=30))
def test_a_passage_is_a_short_part_of_its_text(text: str, query: str) -> None:
    words = words_of(query)
    segments = passage(text, words)
    whole = "".join(one.text for one in segments)
    assert whole.removeprefix("…").removesuffix("…") in text
    assert len(whole) <= LENGTH + len("……")
    assert all(one.text.lower() in words for one in segments if one.is_match)
    assert any(one.is_match for one in segments) == bool(segments)


def test_a_word_as_long_as_a_query_is_shown() -> None:
    word = "x" * 200
    assert shown(f"{'before ' * 20}{word} behind", word) == f"…«{word}»…"
