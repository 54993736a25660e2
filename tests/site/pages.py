"""The pages people read, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.processes import ROOT

PAGES = sorted(
    str(one.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md", "clients/*/README.md")
    for one in ROOT.glob(pattern)
)
"""Without the API reference, which is made when the site is built."""
FENCE = re.compile(r"^( *)```(\S+).*\n((?:.*\n)*?)^ *```$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code. `number` counts those of its language on its page."""

    page: str
    language: str
    number: int
    text: str
    follows: str
    """The language of the block before it, or nothing."""

    def __str__(self) -> str:
        return f"{self.page}:{self.language}:{self.number}"


def blocks(page: str) -> Iterator[Block]:
    """All of a page, in their order."""
    counts: dict[str, int] = {}
    before = ""
    for indent, language, text in FENCE.findall((ROOT / page).read_text()):
        number = counts.setdefault(language, 0)
        counts[language] += 1
        yield Block(page, language, number, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE), before)
        before = language


def block(page: str, language: str, number: int = 0) -> str:
    """The text of one. Raises StopIteration if there is none."""
    return next(one.text for one in blocks(page) if (one.language, one.number) == (language, number))
