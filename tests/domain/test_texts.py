"""Texts that two people changed: both are there, word for word, or nothing is written."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.texts import merged
from tests.db.office import bounded

BASE_WORDS = st.lists(st.integers(0, 40), max_size=25, unique=True).map(lambda some: [f"w{one}" for one in some])


@st.composite
def edited(draw: st.DrawFn, words: list[str], mark: str) -> list[str]:
    """Words with some put in, left out and replaced; what is new carries the mark of who wrote it."""
    found: list[str] = []
    number = 0
    for word in [*words, ""]:
        for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2]))):
            number += 1
            found.append(f"{mark}{number}")
        if word and draw(st.sampled_from([True, True, True, True, False])):
            found.append(word)
    return found


@st.composite
def three(draw: st.DrawFn) -> tuple[str, str, str]:
    words = draw(BASE_WORDS)
    gap = draw(st.sampled_from([" ", "\n", ", "]))
    theirs, yours = draw(edited(words, "t")), draw(edited(words, "y"))
    return gap.join(words), gap.join(theirs), gap.join(yours)


def words_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


@bounded(500)
@given(three())
def test_no_word_of_either_is_lost_and_none_comes_back(texts: tuple[str, str, str]) -> None:
    base, theirs, yours = texts
    text = merged(base, theirs, yours)
    assume(text is not None)
    assert text is not None
    before, of_theirs, of_yours, after = map(words_of, (base, theirs, yours, text))
    assert after == (of_theirs - before) + (of_yours - before) + (before & of_theirs & of_yours)
    # What each wrote stands in the order in which they wrote it.
    for written, mark in ((theirs, "t"), (yours, "y")):
        own = [word for word in re.findall(r"\w+", text) if word.startswith(mark)]
        assert own == [word for word in re.findall(r"\w+", written) if word.startswith(mark)]


@bounded(200)
@given(three(), st.text(max_size=30))
def test_a_change_against_none_is_that_change(texts: tuple[str, str, str], any_text: str) -> None:
    base, theirs, yours = texts
    for one, other in ((base, theirs), (theirs, yours), (base, any_text), (any_text, yours)):
        assert merged(one, other, one) == other
        assert merged(one, one, other) == other
        assert merged(one, other, other) == other


@bounded(200)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\0"), min_size=1), min_size=3, max_size=9),
    st.data(),
)
def test_changes_of_lines_with_a_line_between_them_go_together(lines: list[str], data: st.DataObject) -> None:
    lines = [f"{number} {line}" for number, line in enumerate(lines)]
    first = data.draw(st.integers(0, len(lines) - 3))
    second = data.draw(st.integers(first + 2, len(lines) - 1))
    theirs, yours, both = list(lines), list(lines), list(lines)
    theirs[first] = both[first] = "theirs"
    yours[second] = both[second] = "yours"
    assert merged("\n".join(lines), "\n".join(theirs), "\n".join(yours)) == "\n".join(both)
    assert merged("\n".join(lines), "\n".join(yours), "\n".join(theirs)) == "\n".join(both)


SENTENCE = "The quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize(
    ("base", "theirs", "yours", "both"),
    [
        (SENTENCE, SENTENCE.replace("quick", "slow"), SENTENCE.replace("lazy", "tired"), None),
        (SENTENCE, f"Note: {SENTENCE}", f"{SENTENCE}!", f"Note: {SENTENCE}!"),
        ("- milk", "- milk\n- bread", "- milk\n- tea", "- milk\n- bread\n- tea"),
        ("- milk\n", "- milk\n- bread\n", "- milk\n- tea\n", "- milk\n- bread\n- tea\n"),
        ("a\nb", "a\nsame\nb", "a\nsame\nb", "a\nsame\nb"),
        ("a\n\nb", "A\n\nb", "a\n\nB", "A\n\nB"),
    ],
)
def test_words_apart_go_together(base: str, theirs: str, yours: str, both: str | None) -> None:
    assert merged(base, theirs, yours) == (both or SENTENCE.replace("quick", "slow").replace("lazy", "tired"))


@pytest.mark.parametrize(
    ("base", "theirs", "yours"),
    [
        (SENTENCE, SENTENCE.replace("quick", "slow"), SENTENCE.replace("quick", "fast")),
        (SENTENCE, SENTENCE.replace("quick brown", "red"), SENTENCE.replace("brown", "grey")),
        (SENTENCE, SENTENCE.replace(" brown", ""), SENTENCE.replace("brown", "grey")),
        (SENTENCE, "A slow red bird", SENTENCE.replace("quick", "very quick")),
        (SENTENCE, "", SENTENCE + "!"),
        ("", "mine", "yours"),
        ("a b", "a x b", "a y b"),
    ],
)
def test_the_same_words_clash(base: str, theirs: str, yours: str) -> None:
    assert merged(base, theirs, yours) is None
    assert merged(base, yours, theirs) is None
