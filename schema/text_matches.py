"""Where the words of a search were found: passages of texts, in segments that are either what was looked for or not.

Invariant: a process looks through one task at a time, whoever asks, and goes on with all else meanwhile.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import strawberry

from db import models
from db.search_words import SearchWords, search_words
from domain.passages import Segment, passage, whole
from schema.comments import Comment
from schema.context import Info
from schema.enums import TextMatchField

_READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passages")


@strawberry.type(description="A part of a passage that is either what was looked for or not.")
class TextSegment:
    text: str = strawberry.field(
        description="As people wrote it, never markup of the server's but the `…` where text was left out."
    )
    is_match: bool = strawberry.field(description="Whether it is what was looked for.")


@strawberry.type(description="A passage in which the words of a search were found.")
class TextMatch:
    field: TextMatchField = strawberry.field(description="In which text.")
    comment: Comment | None = strawberry.field(description="For COMMENT: which one.")
    segments: list[TextSegment] = strawberry.field(
        description=(
            "The whole title; else a passage, at most 200 characters of the text, with `…` at an end where it goes"
            " on. The segments follow each other. A mention in it is whole."
        )
    )


class Search:
    """What the tasks of a page were found by. Where that is in them is worked out once for each."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._words = search_words(query)
        self._known: dict[UUID, asyncio.Future[list[TextMatch]]] = {}

    async def matches(self, info: Info, row: models.Task) -> list[TextMatch]:
        """Where a task has the words: in its title, its description, and the comment that has them best."""
        said = await info.context.loaders.best_comments.load(self._query, row.id)
        if row.id not in self._known:
            work = partial(_matches, row, said, self._words)
            self._known[row.id] = asyncio.get_running_loop().run_in_executor(_READER, work)
        return await self._known[row.id]


def _matches(row: models.Task, said: models.Comment | None, words: SearchWords) -> list[TextMatch]:
    found: list[tuple[TextMatchField, Comment | None, tuple[Segment, ...]]] = [
        (TextMatchField.TITLE, None, whole(row.title, words)),
        (TextMatchField.DESCRIPTION, None, passage(row.description, words)),
    ]
    if said is not None:
        found.append((TextMatchField.COMMENT, Comment.from_row(said), passage(said.body, words)))
    return [
        TextMatch(
            field=field,
            comment=comment,
            segments=[TextSegment(text=one.text, is_match=one.is_match) for one in segments],
        )
        for field, comment, segments in found
        if segments
    ]
