"""What the query of a search asks for, read once for all who look for it: full text search, and passages of texts.

Invariant: a mark that combines with the letter before it is of the word, as for PostgreSQL: `हिन्दी` is one word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WITHOUT = re.compile(r'(?:^|(?<=\s))-(?:"[^"]*\w[^"]*"?|\w\S*)')
_PHRASE = re.compile(r'"[^"]*\w[^"]*"')


@dataclass(frozen=True, slots=True)
class SearchWords:
    """`words`: what is looked for, each once, as it was typed.

    `is_exact`: they are whole words, as a query with a "phrase" or a -word means exactly what it says; else each may be
    the beginning of one. `has_without`: there is a -word.
    """

    words: tuple[str, ...]
    is_exact: bool
    has_without: bool


def search_words(query: str) -> SearchWords:
    """What a query in the language of `websearch_to_tsquery` asks for."""
    has_without = _WITHOUT.search(query) is not None
    words = dict.fromkeys(_words_in(_WITHOUT.sub(" ", query)))
    if len(words) > 1:
        words = {word: None for word in words if word.lower() != "or"}
    return SearchWords(tuple(words), has_without or _PHRASE.search(query) is not None, has_without)


def is_mark(character: str) -> bool:
    """Whether it combines with what is before it: an accent, a vowel sign."""
    return character > "\x7f" and unicodedata.category(character).startswith("M")


def _words_in(text: str) -> list[str]:
    letters, is_in_word = [], False
    for one in text:
        is_in_word = one.isalnum() or (is_in_word and is_mark(one))
        letters.append(one if is_in_word else " ")
    return "".join(letters).split()
