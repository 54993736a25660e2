"""Searching for tasks by words."""

from __future__ import annotations

from uuid import UUID

from db.pages import PageRequest
from db.task_filters import TaskFilter
from db.task_lists import count_found, search_page
from domain.errors import TopLevel
from schema.context import Info
from schema.nodes import page_of
from schema.tasks import TaskConnection, as_connection

MAX_QUERY = 200


async def search(
    info: Info, workspace_id: UUID, query: str, wanted: TaskFilter, request: PageRequest
) -> TaskConnection:
    """A page of what matches the words, best first. Raises TopLevel(BAD_REQUEST)."""
    words = query.strip()
    if not 1 <= len(words) <= MAX_QUERY:
        raise TopLevel("BAD_REQUEST", f"`query` is between 1 and {MAX_QUERY} characters.")
    session, scope = info.context.reading, await info.context.scope()
    page = await page_of(search_page(session, scope, workspace_id, words, wanted, request))
    return as_connection(page, lambda: count_found(session, scope, workspace_id, words, wanted), words)
