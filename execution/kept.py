"""What is kept of documents, so that it need not be made again: bounded by bytes, whoever sends what.

Invariant: a value is kept no longer than its key, and nothing larger than all that may be kept is kept at all.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from graphql import DocumentNode

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

BYTES_A_TOKEN = 450
"""As measured; comments are tokens, too. Texts in a document are there once more."""


class Kept(Generic[Key, Value]):
    """Values by their keys: at most `max_bytes` of both, the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value, used again; None if it is not kept."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def keep(self, key: Key, value: Value, size: int) -> None:
        """Keep a value that takes so many bytes with its key."""
        if (before := self._values.pop(key, None)) is not None:
            self._bytes -= before[1]
        if size > self._max_bytes:
            return
        self._values[key] = (value, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= self._values.popitem(last=False)[1][1]


def size_of_document(text: str, document: DocumentNode) -> int:
    """About how many bytes a parsed document takes with its text."""
    return 2 * sys.getsizeof(text) + BYTES_A_TOKEN * document.token_count
