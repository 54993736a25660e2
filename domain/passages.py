"""Passages: the stretch of a text in which most of the words of a search are, the words told apart.

Invariant: the work grows with the length of the text alone, whatever words are asked for, and a passage has at most
`LENGTH` characters of it. A mention is shown whole or not at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from domain.mentions import MENTION

LENGTH = 200
MENTION_LENGTH = len("@[user_]") + 36
BEFORE = 40
"""So many characters stand before the first of the words, that one sees what they are about."""
MAX_WORDS = 20
MAX_PLACES = 50
MAX_TRIES = 1_000
"""So many places of a word count, of so many where its letters are: a text that has it oftener says it soon enough."""

_EXCLUDED = re.compile(r'(?:^|(?<=\s))-(?:"[^"]*"?|\w\S*)')


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    is_match: bool


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    word: str

    @property
    def end(self) -> int:
        return self.start + len(self.word)


def words_of(query: str) -> tuple[str, ...]:
    """The words that a search looks for, in small letters: without signs, and without those that must not be there."""
    wanted = _lower(_EXCLUDED.sub(" ", query))
    found = dict.fromkeys("".join(one if one.isalnum() else " " for one in wanted).split())
    if len(found) > 1:
        found.pop("or", None)
    return tuple(found)[:MAX_WORDS]


def passage(text: str, words: Sequence[str]) -> tuple[Segment, ...]:
    """The passage in segments, with `…` where text was left out; none where no word of the text begins with any."""
    lower = _lower(MENTION.sub(lambda found: " " * len(found[0]), text))
    places = [one for word in words for one in islice(_places(lower, word), MAX_PLACES)]
    if not places:
        return ()
    places.sort(key=lambda one: (one.start, -len(one.word)))
    first = _densest(places)
    start = _after_space(text, max(0, first.start - BEFORE, first.end - LENGTH), first.start)
    if cut := _mention_at(text, start):
        start = cut.end()
    end = min(len(text), start + LENGTH)
    if cut := _mention_at(text, end):
        end = cut.start()
    segments, at = [], start
    for one in places:
        if at <= one.start and one.end <= end:
            segments += [Segment(text[at : one.start], False), Segment(text[one.start : one.end], True)]
            at = one.end
    segments.append(Segment(text[at:end], False))
    ends = Segment("…" if start else "", False), Segment("…" if end < len(text) else "", False)
    return tuple(_joined([ends[0], *segments, ends[1]]))


def _lower(text: str) -> str:
    # The one letter that is two when it is small would move all that follows.
    return text.replace("İ", "I").lower()


def _places(lower: str, word: str) -> Iterator[_Place]:
    """Where words of the text begin with a word."""
    at = -1
    for _ in range(MAX_TRIES):
        at = lower.find(word, at + 1)
        if at < 0:
            return
        if at == 0 or not lower[at - 1].isalnum():
            yield _Place(at, word)


def _densest(places: Sequence[_Place]) -> _Place:
    """The place that begins the first stretch with most of the words."""
    counts: Counter[str] = Counter()
    best, first, left = 0, places[0], 0
    for one in places:
        counts[one.word] += 1
        while one.end - places[left].start > LENGTH - BEFORE and places[left] is not one:
            counts[places[left].word] -= 1
            left += 1
        found = len(+counts)
        if found > best:
            best, first = found, places[left]
    return first


def _after_space(text: str, start: int, before: int) -> int:
    """Where the first whole word begins that does so before a place."""
    if start == 0:
        return 0
    at = next((at for at in range(start, before) if text[at - 1].isspace()), None)
    return start if at is None else at


def _mention_at(text: str, at: int) -> re.Match[str] | None:
    """The mention that a cut there would go through."""
    around = MENTION.finditer(text, max(0, at - MENTION_LENGTH), at + MENTION_LENGTH)
    return next((one for one in around if one.start() < at < one.end()), None)


def _joined(segments: Sequence[Segment]) -> Iterator[Segment]:
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
