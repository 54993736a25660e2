"""Differences of texts: exact whatever the words are, and about as long as what changed."""

from __future__ import annotations

import time
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from db.differences import delta, edits, patched
from tests.db.office import bounded

WORDS = st.lists(
    st.sampled_from(
        ["one", "two", "Zwölf", "\n", "\n\n", " ", "  ", "\t", "a-b", "日本語", "🐈", "\r\n", "*", "x" * 50]
    ),
    max_size=30,
).map("".join)


@bounded(300)
@given(before=WORDS | st.text(), after=WORDS | st.text())
def test_a_difference_makes_the_text_after_from_the_text_before(before: str, after: str) -> None:
    assert patched(before, delta(before, after)) == after
    position, parts = 0, []
    for edit in edits(before, after):
        assert edit.start >= position
        assert edit.text != before[edit.start : edit.end]
        parts += [before[position : edit.start], edit.text]
        position = edit.end
    assert "".join([*parts, before[position:]]) == after


def test_a_word_in_a_long_text_costs_a_word() -> None:
    words = [f"word{number}" for number in range(5000)]
    before = " ".join(words)
    words[2500] = "other"
    assert delta(before, " ".join(words)) == [len(" ".join(words[:2500])) + 1, -len("word2500"), "other"]
    assert delta(before, before) == []


def test_words_of_scripts_without_spaces_are_compared_one_by_one() -> None:
    assert delta("私は猫が好きです", "私は犬が好きです") == [2, -1, "犬"]


def test_the_longest_texts_are_compared_in_a_moment() -> None:
    """Every shape in which 100,000 characters can be far from each other."""
    random = Random(1)
    words = [str(random.randrange(10_000)) for _ in range(20_000)]
    shapes = [
        ("a " * 50_000, "b " * 50_000),
        (" ".join(words), " ".join(reversed(words))),
        ("\n".join(words), "\n".join(reversed(words))),
        ("\n" * 100_000, "x\n" * 50_000),
        ("".join(chr(random.randrange(0x4E00, 0x9000)) for _ in range(100_000)), "猫" * 100_000),
    ]
    for before, after in shapes:
        began = time.process_time()
        steps = delta(before[:100_000], after[:100_000])
        assert time.process_time() - began < 0.5
        assert patched(before[:100_000], steps) == after[:100_000]
