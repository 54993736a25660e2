"""Passages: the stretch of a text in which most of the words of a search are, the words told apart.

Invariant: a text is gone through once, whatever words are asked for and however many, and no further than
`LOOKED_THROUGH`. A mention is shown whole or not at all, and is never what was looked for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from db.search_words import SearchWords, is_mark
from domain.mentions import MENTION

LENGTH = 200
"""Characters of a passage: two or three lines on a screen."""
LOOKED_THROUGH = 20_000
"""Characters of a text: some pages, and a few milliseconds where every one of them is a word that was asked for."""
_BEFORE = 40
"""So many characters stand before the first of the words, that one sees what they are about."""
_MENTION_LENGTH = len("@[user_]") + 36


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    is_match: bool


class _Place(NamedTuple):
    start: int
    end: int
    word: str


def whole(text: str, wanted: SearchWords) -> tuple[Segment, ...]:
    """All of a text in segments; none where it has no word."""
    places = _places(text, wanted)
    return tuple(_joined(_segments(text, places, 0, len(text)))) if places else ()


def passage(text: str, wanted: SearchWords) -> tuple[Segment, ...]:
    """The passage in segments, with `…` where text was left out; none where the text has no word."""
    places = _places(text, wanted)
    if not places:
        return ()
    first = _densest(places)
    start = _after_space(text, max(0, first.start - _BEFORE, first.end - LENGTH), first.start)
    if cut := _mention_at(text, start):
        start = cut.end()
    end = min(len(text), start + LENGTH)
    if cut := _mention_at(text, end):
        end = cut.start()
    ends = Segment("…" if start else "", False), Segment("…" if end < len(text) else "", False)
    return tuple(_joined([ends[0], *_segments(text, places, start, end), ends[1]]))


def _places(text: str, wanted: SearchWords) -> list[_Place]:
    """Where words of the text are what is wanted, or begin with it, in their order; the longest where several do."""
    words = sorted({_lower(word) for word in wanted.words}, key=len, reverse=True)
    if not words:
        return []
    lower = _lower(MENTION.sub(lambda found: " " * len(found[0]), text[: LOOKED_THROUGH + _MENTION_LENGTH]))
    begun = re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})")
    places = []
    for found in begun.finditer(lower, 0, LOOKED_THROUGH):
        start, end = found.span()
        while is_mark(lower[end : end + 1]):
            end += 1
        is_whole = end == found.end() and not lower[end : end + 1].isalnum()
        if (is_whole or not wanted.is_exact) and not _is_in_word(lower, start):
            places.append(_Place(start, end, found[0]))
    return places


def _lower(text: str) -> str:
    # The one letter that is two when it is small would move all that follows.
    return text.replace("İ", "I").lower()


def _is_in_word(text: str, at: int) -> bool:
    """Whether what is before a place, marks left out, is a letter."""
    while at > 0 and is_mark(text[at - 1]):
        at -= 1
    return text[at - 1 : at].isalnum()


def _densest(places: Sequence[_Place]) -> _Place:
    """The place that begins the first stretch with most of the words, and of as many with the rarer ones."""
    counts = Counter(one.word for one in places)
    weights = {word: len(places) + len(places) // count for word, count in counts.items()}
    inside: Counter[str] = Counter()
    best, first, left, weight = 0, places[0], 0, 0
    for one in places:
        if not inside[one.word]:
            weight += weights[one.word]
        inside[one.word] += 1
        while one.end - places[left].start > LENGTH - _BEFORE and places[left] is not one:
            inside[places[left].word] -= 1
            if not inside[places[left].word]:
                weight -= weights[places[left].word]
            left += 1
        if weight > best:
            best, first = weight, places[left]
    return first


def _segments(text: str, places: Sequence[_Place], start: int, end: int) -> Iterator[Segment]:
    at = start
    for index in range(bisect_left(places, (start,)), len(places)):
        one = places[index]
        if one.end > end:
            break
        yield Segment(text[at : one.start], False)
        yield Segment(text[one.start : one.end], True)
        at = one.end
    yield Segment(text[at:end], False)


def _after_space(text: str, start: int, before: int) -> int:
    """Where the first whole word begins that does so before a place."""
    if start == 0:
        return 0
    at = next((at for at in range(start, before) if text[at - 1].isspace()), None)
    return start if at is None else at


def _mention_at(text: str, at: int) -> re.Match[str] | None:
    """The mention that a cut there would go through."""
    around = MENTION.finditer(text, max(0, at - _MENTION_LENGTH), at + _MENTION_LENGTH)
    return next((one for one in around if one.start() < at < one.end()), None)


def _joined(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The same, without empty ones, those that no word is between as one."""
    text = ""
    for one in segments:
        if one.is_match:
            if text:
                yield Segment(text, False)
            yield one
            text = ""
        else:
            text += one.text
    if text:
        yield Segment(text, False)
