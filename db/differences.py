"""What changed in a text: word by word, as short as a keystroke's worth of storage needs it.

Invariant: a difference is exact, whatever the words are: `patched(before, delta(before, after)) == after`. How finely
two texts are compared is bounded, so a change of much may count as a change of all; then it is longer, never wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Indel

Delta = list[int | str]
"""How to make a text from another, from its beginning: n keeps n characters, -n leaves out n, a string is put in."""

MAX_COMPARED = 100_000_000
"""Pairs of words that are compared with each other: some 15 ms and 15 MB at the most."""

# Words of scripts that put no space between them would be sentences: each of their characters stands alone.
_ALONE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"\n|[^\S\n]+|[{_ALONE}]|[^\W{_ALONE}]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Edit:
    """These characters of the text before, `before[start:end]`, became `text`."""

    start: int
    end: int
    text: str


def edits(before: str, after: str) -> list[Edit]:
    """What was changed, in order; unchanged characters lie between any two."""
    begin, end = _lines_apart(before, after)
    old = _TOKEN.findall(before[begin : len(before) - end])
    new = _TOKEN.findall(after[begin : len(after) - end])
    starts = [*accumulate(map(len, old), initial=begin)]
    found: list[Edit] = []
    for i1, i2, j1, j2 in _replaced(old, new):
        one = Edit(starts[i1], starts[i2], "".join(new[j1:j2]))
        if found and found[-1].end == one.start:
            one = Edit(found[-1].start, one.end, found.pop().text + one.text)
        found.append(one)
    return found


def _lines_apart(before: str, after: str) -> tuple[int, int]:
    """How many characters of whole lines are the same at the beginning, and at the end of the rest.

    No word goes over the end of a line, so these need not be taken apart into words.
    """
    same = _same(min(len(before), len(after)), lambda size: before[:size] == after[:size])
    left = min(len(before), len(after)) - same
    tail = _same(left, lambda size: before[len(before) - size :] == after[len(after) - size :])
    line = before.find("\n", len(before) - tail)
    return before.rfind("\n", 0, same) + 1, 0 if line < 0 else len(before) - line


def _same(most: int, is_same: Callable[[int], bool]) -> int:
    """The largest size up to `most` at which they are the same, as they are at any smaller one."""
    return bisect_left(range(1, most + 1), True, key=lambda size: not is_same(size))


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches old[i1:i2] that became new[j1:j2], in order. What is too much to compare word by word is compared line
    by line, and what then is still too much counts as one stretch."""
    head, tail = _common(old, new)
    old_end, new_end = len(old) - tail, len(new) - tail
    if head == old_end and head == new_end:
        return
    if (old_end - head) * (new_end - head) <= MAX_COMPARED:
        yield from _steps(old[head:old_end], new[head:new_end], head, head)
        return
    old_lines, new_lines = _lines(old[head:old_end]), _lines(new[head:new_end])
    old_starts = [*accumulate(map(len, old_lines), initial=head)]
    new_starts = [*accumulate(map(len, new_lines), initial=head)]
    if len(old_lines) * len(new_lines) > MAX_COMPARED:
        yield head, old_end, head, new_end
        return
    for i1, i2, j1, j2 in _steps(old_lines, new_lines, 0, 0):
        a, b, c, d = old_starts[i1], old_starts[i2], new_starts[j1], new_starts[j2]
        if (b - a) * (d - c) <= MAX_COMPARED:
            yield from _steps(old[a:b], new[c:d], a, c)
        else:
            yield a, b, c, d


def _common(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many words are the same at the beginning, and at the end of the rest."""
    most = min(len(old), len(new))
    head = 0
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _steps(
    old: Sequence[object], new: Sequence[object], old_start: int, new_start: int
) -> Iterator[tuple[int, int, int, int]]:
    for step in Indel.opcodes(old, new):
        if step.tag != "equal":
            yield (
                old_start + step.src_start,
                old_start + step.src_end,
                new_start + step.dest_start,
                new_start + step.dest_end,
            )


def _lines(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """Words as lines, each with its break at the end."""
    lines: list[tuple[str, ...]] = []
    begin = 0
    for index, word in enumerate(tokens):
        if word == "\n":
            lines.append(tuple(tokens[begin : index + 1]))
            begin = index + 1
    if begin < len(tokens):
        lines.append(tuple(tokens[begin:]))
    return lines


def delta(before: str, after: str) -> Delta:
    """How to make the text after from the one before."""
    steps: Delta = []
    position = 0
    for edit in edits(before, after):
        if edit.start > position:
            steps.append(edit.start - position)
        if edit.end > edit.start:
            steps.append(edit.start - edit.end)
        if edit.text:
            steps.append(edit.text)
        position = edit.end
    return steps


def patched(before: str, steps: Delta) -> str:
    """The text after. What follows the last step is kept."""
    parts: list[str] = []
    position = 0
    for step in steps:
        if isinstance(step, str):
            parts.append(step)
        elif step < 0:
            position -= step
        else:
            parts.append(before[position : position + step])
            position += step
    return "".join(parts) + before[position:]
