"""Where the words of a search were found: passages of texts, in segments that are either what was looked for or not."""

from __future__ import annotations

import strawberry

from db import models
from domain.passages import passage, words_of
from schema.comments import Comment
from schema.context import Info
from schema.enums import TextMatchField


@strawberry.type(description="A part of a passage that is either what was looked for or not.")
class TextSegment:
    text: str = strawberry.field(description="As it stands in the text, never markup of the server's.")
    is_match: bool = strawberry.field(description="Whether it is what was looked for.")


@strawberry.type(description="A passage in which the words of a search were found.")
class TextMatch:
    field: TextMatchField = strawberry.field(description="In which text.")
    comment: Comment | None = strawberry.field(description="For COMMENT: which one.")
    segments: list[TextSegment] = strawberry.field(
        description=(
            "The passage, at most 200 characters of the text, in segments that follow each other; `…` at an end where"
            " the text goes on. A mention in it is whole."
        )
    )


async def text_matches(info: Info, row: models.Task, query: str) -> list[TextMatch]:
    """Where a task has the words: in its title, its description, and the comment that has them best."""
    said, words = await info.context.loaders.said.load(query, row.id), words_of(query)
    texts: list[tuple[TextMatchField, str, Comment | None]] = [
        (TextMatchField.TITLE, row.title, None),
        (TextMatchField.DESCRIPTION, row.description, None),
    ]
    if said is not None:
        texts.append((TextMatchField.COMMENT, said.body, Comment.from_row(said)))
    return [
        TextMatch(
            field=field, comment=comment, segments=[TextSegment(text=one.text, is_match=one.is_match) for one in found]
        )
        for field, text, comment in texts
        if (found := passage(text, words))
    ]
