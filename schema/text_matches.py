"""Where the words of a search were found: passages of texts, in segments that are either what was looked for or not.

Invariant: a server goes on with all else between two texts, however many a page has and however often it is asked.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import strawberry

from db import models
from db.search_words import search_words
from domain.passages import Segment, passage, whole
from schema.comments import Comment
from schema.context import Info
from schema.enums import TextMatchField


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
    """What the tasks of a page were found by. Where that is in them is worked out once for each, one after another."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._words = search_words(query)
        self._turn = asyncio.Lock()
        self._known: dict[UUID, list[TextMatch]] = {}

    async def matches(self, info: Info, row: models.Task) -> list[TextMatch]:
        """Where a task has the words: in its title, its description, and the comment that has them best."""
        said = await info.context.loaders.best_comments.load(self._query, row.id)
        async with self._turn:
            if row.id not in self._known:
                self._known[row.id] = await self._worked_out(row, said)
        return self._known[row.id]

    async def _worked_out(self, row: models.Task, said: models.Comment | None) -> list[TextMatch]:
        found: list[tuple[TextMatchField, Comment | None, tuple[Segment, ...]]] = [
            (TextMatchField.TITLE, None, whole(row.title, self._words)),
            (TextMatchField.DESCRIPTION, None, passage(row.description, self._words)),
        ]
        await asyncio.sleep(0)
        if said is not None:
            found.append((TextMatchField.COMMENT, Comment.from_row(said), passage(said.body, self._words)))
            await asyncio.sleep(0)
        return [
            TextMatch(
                field=field,
                comment=comment,
                segments=[TextSegment(text=one.text, is_match=one.is_match) for one in segments],
            )
            for field, comment, segments in found
            if segments
        ]
