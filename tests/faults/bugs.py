"""Bugs on purpose: our own code with one line changed, as a careless change would. The oracle has to find each."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from db import unit_of_work
from realtime import log, topic
from schema import events


@dataclass(frozen=True, slots=True)
class Bug:
    """The one line `right` of a method or of a module's function, and what stands there instead."""

    owner: type | ModuleType
    method: str
    right: str
    wrong: str

    def broken(self) -> Any:
        """The method with the bug."""
        function: FunctionType = getattr(self.owner, self.method)
        source = textwrap.dedent(inspect.getsource(function))
        lines = [line for line in source.splitlines() if line.strip() == self.right]
        assert len(lines) == 1, f"{self.method} has no such line any more: {self.right}"
        indent = lines[0][: -len(self.right)]
        changed = source.replace(lines[0], textwrap.indent(self.wrong, indent))
        names: dict[str, Any] = {}
        exec("from __future__ import annotations\n" + changed, function.__globals__, names)
        return names[self.method]


BUGS = {
    "a skipped refill": Bug(
        topic.Topic,
        "_refill",
        "page = await self._log.page(self.workspace_id, after=after, through=self._target)",
        "page = []",
    ),
    "an await between register and read": Bug(
        topic.Topic,
        "listen",
        "self._inboxes.add(inbox)",
        # What an await in between comes to: others have their turn before the inbox is there.
        "asyncio.get_running_loop().call_later(0.2, self._inboxes.add, inbox)",
    ),
    "a resume answered by a resync": Bug(
        log.Standing,
        "holds",
        "return cursor.epoch == self.head.epoch and self.floor_seq <= cursor.seq <= self.head.seq",
        "return cursor == self.head",
    ),
    "a version of before": Bug(
        events,
        "_event",
        'version=event.image["version"],',
        'version=event.image["version"] - 1,',
    ),
    "a publish before the commit": Bug(
        unit_of_work.Writer,
        "_once",
        "written = await unit.finish()",
        "written = await unit.finish()\nself._on_commit(written)",
    ),
}
