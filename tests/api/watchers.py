"""People who keep what they see current by the change stream, as a client does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.views import View
from tests.people import Person, Stream


@dataclass(slots=True)
class Watcher:
    """Somebody who keeps a view current by the stream of the second process."""

    name: str
    person: Person
    stream: Stream
    view: View
    _taken: int = 0

    async def catch_up(self, cursor: str) -> list[dict[str, Any]]:
        """Apply everything up to a cursor; -> the events, and batches that say `resync`."""
        await self.stream.reaches(cursor)
        return await self._apply()

    async def come_to_the_end(self) -> str:
        """Apply everything up to the stream's end, with which all is gone; -> why it ended."""
        end = await self.stream.end()
        await self._apply()
        self.view = View(self.view.workspace_id)
        code: str = end["payload"][0]["extensions"]["code"]
        return code

    async def _apply(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        batches = self.stream.batches[self._taken :]
        self._taken = len(self.stream.batches)
        for batch in batches:
            for event in batch["events"]:
                # What was read anew is newer than what was on its way.
                if self.view.cursor is None or event["cursor"] > self.view.cursor:
                    self.view.apply(event)
            told += batch["events"]
            if batch["resync"]:
                told.append(batch)
                self.view = await View.read(self.person, self.view.workspace_id)
        return told
