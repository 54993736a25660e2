"""Tells people of the due dates of their tasks: finds what is to be told now, and has the domain tell it, task by task.

May be cut off anywhere and run by any number at once: each task is a unit of
work of its own, and what was told is not found again.
"""

from __future__ import annotations

import logging
import zoneinfo
from datetime import datetime
from functools import partial

from db.errors import Busy
from db.reminders import due_tasks
from db.session import Database
from db.unit_of_work import Writer
from domain import reminders

AT_ONCE = 500
"""Tasks that are looked for at a time."""

log = logging.getLogger("tutti.jobs")


async def remind(writer: Writer, database: Database, at: datetime) -> None:
    """Everybody who is to hear of a due date by then has heard of it."""
    windows = [reminders.window(one, at) for one in sorted(zoneinfo.available_timezones())]
    while True:
        found = await database.alone(lambda session: due_tasks(session, windows, AT_ONCE))
        busy = 0
        for due in found:
            try:
                await writer.run(reminders.SYSTEM, partial(reminders.remind, due=due))
            except Busy:
                busy += 1
        if busy:
            log.warning("%d tasks were locked; their reminders wait", busy)
        # Those that could not be told are found again: a round that told nobody ends it.
        if len(found) < AT_ONCE or busy == len(found):
            return
