"""What a single value must be like, whatever object it belongs to.

The limits are those of trust.md and part of the contract: TOO_LONG names them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from domain.errors import ErrorCode, Invalid, Refusal, Refusals

MAX_TITLE = 500
MAX_DESCRIPTION = 100_000
MAX_COMMENT = 20_000
MAX_NAME = 100
MAX_SLUG = 48
MAX_KEY = 10
MAX_ESTIMATE = 1_000_000

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_KEY = re.compile(r"[A-Z][A-Z0-9]*\Z")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")

DEFAULT_COLOR = "#6b7280"


class Checks:
    """Collects refusals, so that all wrong fields are told at once."""

    def __init__(self) -> None:
        self._refusals: list[Refusal] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """What is refused inside is kept for `done`."""
        try:
            yield
        except Refusal as refusal:
            self._refusals.append(refusal)

    def done(self) -> None:
        """Raises Refusals if anything was refused."""
        if self._refusals:
            raise Refusals(self._refusals)


def checked(rules: dict[str, tuple[Callable[[Any, str], Any], Any]]) -> dict[str, Any]:
    """Run every rule on its value; -> path -> the value to store. Raises Refusals with all that is wrong."""
    checks = Checks()
    good: dict[str, Any] = {}
    for path, (rule, value) in rules.items():
        with checks.one():
            good[path] = rule(value, path)
    checks.done()
    return good


def _is_blank(value: str) -> bool:
    """Whether nothing can be seen of it: spaces, and signs that only say how others are shown."""
    return all(one.isspace() or unicodedata.category(one) == "Cf" for one in value)


def line(limit: int) -> Callable[[str | None, str], str]:
    """A rule for one line of text that says something: trimmed, not empty, at most `limit` characters."""

    def rule(value: str | None, path: str) -> str:
        if value is None or _is_blank(value):
            raise Invalid("This cannot be empty.", path, code=ErrorCode.REQUIRED)
        trimmed = value.strip()
        if any(ord(character) < 32 or ord(character) == 127 for character in trimmed):
            raise Invalid("This is one line: it cannot hold line breaks or control characters.", path)
        return _within(trimmed, limit, path)

    return rule


def text(limit: int) -> Callable[[str | None, str], str]:
    """A rule for text of many lines; null is the empty text."""

    def rule(value: str | None, path: str) -> str:
        if value is None:
            return ""
        if "\0" in value:
            raise Invalid("This cannot hold a zero character.", path)
        return _within(value, limit, path)

    return rule


def _within(value: str, limit: int, path: str) -> str:
    if len(value) > limit:
        raise Invalid(f"This has {len(value)} characters; at most {limit} fit.", path, code=ErrorCode.TOO_LONG)
    return value


title = line(MAX_TITLE)
name = line(MAX_NAME)
description = text(MAX_DESCRIPTION)


def body(value: str | None, path: str) -> str:
    """A rule for a comment: text of many lines that says something."""
    if value is None or _is_blank(value):
        raise Invalid("This cannot be empty.", path, code=ErrorCode.REQUIRED)
    return text(MAX_COMMENT)(value, path)


_MAX_EMOJI = 16
"""Code points: a family of four has 11."""
_JOINER = "\u200d"
"""Makes one emoji of two pictures."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
"""A country by its two letters."""
_EMOJI_CATEGORIES = frozenset({"So", "Sk", "Sm", "Po", "Mn", "Me", "Cf", "Nd"})


def emoji(value: str | None, path: str) -> str:
    """A rule for what people react with: one emoji, whatever it is made of."""
    found = required(value, path)
    categories = {unicodedata.category(character) for character in found}
    is_keycap = "Me" in categories
    is_picture = "So" in categories or is_keycap or found in _PUNCTUATION_EMOJI
    pictures = sum(unicodedata.category(character) == "So" for character in found)
    is_single = pictures <= 1 + found.count(_JOINER) or bool(_FLAG.fullmatch(found))
    if len(found) > _MAX_EMOJI or not is_picture or not is_single or not categories <= _EMOJI_CATEGORIES:
        raise Invalid("React with a single emoji.", path)
    return str(found)


_PUNCTUATION_EMOJI = frozenset({"\u203c", "\u2049", "\u203c\ufe0f", "\u2049\ufe0f"})


def slug(value: str | None, path: str) -> str:
    """The part of an address: lower-case letters, digits and single hyphens."""
    found = line(MAX_SLUG)(value, path)
    if not _SLUG.match(found):
        raise Invalid("Use lower-case letters and digits, with single hyphens between them.", path)
    return found


def key(value: str | None, path: str) -> str:
    """The prefix of task keys: capital letters and digits, a letter first."""
    found = line(MAX_KEY)(value, path)
    if not _KEY.match(found):
        raise Invalid("Use capital letters and digits, a letter first.", path)
    return found


def key_from(name: str) -> str:
    """A prefix of at most four letters and digits that reads like the name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper()
    found = re.sub(r"[^A-Z0-9]+", "", plain).lstrip("0123456789")[:4]
    return found or "TASK"


def color(value: str | None, path: str) -> str:
    """`#rrggbb`; null is the default."""
    if value is None:
        return DEFAULT_COLOR
    if not _COLOR.match(value):
        raise Invalid("A color is # and six hexadecimal digits, like #4f46e5.", path)
    return value.lower()


def estimate(value: float | None, path: str) -> float | None:
    if value is not None and not 0 <= value <= MAX_ESTIMATE:
        raise Invalid(f"An estimate is between 0 and {MAX_ESTIMATE}.", path)
    return value


def required(value: Any, path: str) -> Any:
    """Anything but null."""
    if value is None:
        raise Invalid("This cannot be null.", path, code=ErrorCode.REQUIRED)
    return value


def any_value(value: Any, path: str) -> Any:
    """Anything, null too."""
    return value


def ids_up_to(limit: int, what: str) -> Callable[[list[UUID], str], list[UUID]]:
    """A rule for a list of at most `limit` ids."""

    def rule(value: list[UUID], path: str) -> list[UUID]:
        if len(value) > limit:
            raise Invalid(f"At most {limit} {what} fit.", path, code=ErrorCode.TOO_LONG)
        return value

    return rule
