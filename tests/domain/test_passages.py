"""Which passage of a text a search shows, and what it marks in it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.search_words import search_words
from domain.mentions import MENTION
from domain.passages import LENGTH, LOOKED_THROUGH, Segment, passage, whole

ANN = "@[user_01998a7b-1111-7222-8333-444455556666]"
DECOMPOSED = unicodedata.normalize("NFD", "café")


def marked(segments: Sequence[Segment]) -> str:
    """Them with «what was looked for» marked."""
    return "".join(f"«{one.text}»" if one.is_match else one.text for one in segments)


def shown(text: str, query: str) -> str:
    return marked(passage(text, search_words(query)))


@pytest.mark.parametrize(
    ("query", "words", "is_exact", "has_without"),
    [
        ("Blue  velvet", ("Blue", "velvet"), False, False),
        ('"blue velvet" curtain', ("blue", "velvet", "curtain"), True, False),
        ('velvet -curtain -"old rose" half-blue', ("velvet", "half", "blue"), True, True),
        ('velvet -"old rose', ("velvet",), True, True),
        ("tuba OR violin", ("tuba", "violin"), False, False),
        ("or", ("or",), False, False),
        ("C++ & 100% ÜBER", ("C", "100", "ÜBER"), False, False),
        ('-- ! "" -"" \u0301', (), False, False),
        ("हिन्दी ไม้ ❤\ufe0fcafe\u0301", ("हिन्दी", "ไม้", "cafe\u0301"), False, False),
    ],
)
def test_what_a_query_asks_for(query: str, words: tuple[str, ...], is_exact: bool, has_without: bool) -> None:
    asked = search_words(query)
    assert (asked.words, asked.is_exact, asked.has_without) == (words, is_exact, has_without)


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Tune the Violin", "viol", "Tune the «Viol»in"),
        ("silent lenses, Lens", "lens", "silent «lens»es, «Lens»"),
        ("nothing here", "lens", ""),
        ("İstanbul, then the lens", "lens", "İstanbul, then the «lens»"),
        ("a <b>lens</b> & more", "lens", "a <b>«lens»</b> & more"),
        ("lens lenses", "lens lenses", "«lens» «lenses»"),
        ("snake_case", "case", "snake_«case»"),
        (f"The user 4444, {ANN}", "user 4444", f"The «user» «4444», {ANN}"),
        ("blueberry, blue.", '"blue"', "blueberry, «blue»."),
        ("blueberry, blue.", "blue -red", "blueberry, «blue»."),
        ("blueberries", '"blue"', ""),
        ("हिन्दी, हिन्दीमें", "हिन्दी", "«हिन्दी», «हिन्दी»में"),
        ("हिन्दी", "ह", "«हि»न्दी"),
        ("हिन्दी", '"ह"', ""),
        ("हिन्दी", "द", ""),
        ("❤\ufe0fcafe \ufe0fcafe", "cafe", "❤\ufe0f«cafe» \ufe0f«cafe»"),
        (DECOMPOSED, "cafe", f"«{DECOMPOSED}»"),
        (DECOMPOSED, '"cafe"', ""),
        ("ไม้ไผ่", "ไม้", "«ไม้»ไผ่"),
    ],
)
def test_words_are_marked_where_they_begin(text: str, query: str, expected: str) -> None:
    assert shown(text, query) == expected
    assert marked(whole(text, search_words(query))) == expected


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        (
            "the lens. " + "filling " * 60 + "here are the spectrometer and the lens together, " + "filling " * 60,
            "spectrometer lens together",
            "here are the «spectrometer» and the «lens» «together»",
        ),
        ("the " * 600 + "spectrometer", "the spectrometer", "«spectrometer»"),
        ("see " * 600 + "egg", "e", "«e»gg"),
        # Both stretches have one word: that which is less often in the text says more.
        ("the " * 80 + "and " * 60 + "spectrometer", "the spectrometer", "«spectrometer»"),
        # Words that are left behind count no more.
        ("filling " * 9 + "one two " + "filling " * 30 + "three", "one two three", "«one» «two»"),
        # Of stretches that are alike the first.
        ("filling " * 9 + "now needle " + "filling " * 30 + "then needle", "needle", "now «needle»"),
    ],
)
def test_the_passage_is_the_one_with_most_of_the_words(text: str, query: str, expected: str) -> None:
    found = shown(text, query)
    assert expected in found
    assert found.startswith("…")
    assert len(found.replace("«", "").replace("»", "")) <= LENGTH + len("……")


def test_a_passage_begins_a_little_before_its_words_and_with_a_whole_one() -> None:
    found = shown("fillings " * 60 + "needle " + "fillings " * 60 + "needle", "needle")
    before, _, after = found.partition("«needle»")
    assert before == "…" + "fillings " * 4
    assert after.endswith("…")
    assert len(found) == LENGTH + len("«»……")


def test_a_text_is_looked_through_up_to_a_bound() -> None:
    before = ("filling " * LOOKED_THROUGH)[: LOOKED_THROUGH - len(" needle")]
    assert "«needle»" in shown(f"{before} needle needle", "needle")
    assert shown(f"{before}  needle", "needle") == ""
    # Nor is a mention that the bound goes through what was looked for.
    assert shown(f"{before[:-3]} {ANN}", "user") == ""


def test_a_mention_is_whole_or_not_there() -> None:
    for before in range(60):
        text = f"{'x' * 30} {ANN}{'y' * before} needle {'z' * (120 + before)} {ANN} end"
        left = MENTION.sub("", shown(text, "needle"))
        assert "user" not in left
        assert "]" not in left


def test_a_title_is_shown_whole() -> None:
    title = f"{'A long title ' * 30}with a needle in it"
    assert marked(whole(title, search_words("needle"))) == title.replace("needle", "«needle»")
    assert whole(title, search_words("pin")) == ()


def test_no_letter_but_one_is_longer_when_it_is_small() -> None:
    letters = (chr(code) for code in range(sys.maxunicode + 1))
    assert [one for one in letters if len(one.lower()) != 1] == ["İ"]


@given(st.text("ab -@[]_\n«İ\u0301", max_size=500), st.text('ab -"\u0301', max_size=30))
def test_a_passage_is_a_short_part_of_its_text(text: str, query: str) -> None:
    wanted = search_words(query)
    segments = passage(text, wanted)
    found = "".join(one.text for one in segments)
    assert found.removeprefix("…").removesuffix("…") in text
    assert len(found) <= LENGTH + len("……")
    assert all(one.text.startswith(wanted.words) for one in segments if one.is_match)
    assert any(one.is_match for one in segments) == bool(segments)
    assert "".join(one.text for one in whole(text, wanted)) in (text, "")


def test_a_word_as_long_as_a_query_is_shown() -> None:
    word = "x" * 200
    assert shown(f"{'before ' * 20}{word} behind", word) == f"…«{word}»…"
