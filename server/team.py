"""The place of a process among the workers of one server, told by the parent through the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TEAM = "TUTTI_TEAM"
"""Number, number of workers, folder."""


@dataclass(frozen=True, slots=True)
class Team:
    """The place of this process among the workers of one server. Without a folder it is alone."""

    number: int = 0
    size: int = 1
    folder: Path | None = None

    @classmethod
    def from_environment(cls) -> Team:
        """As its parent said."""
        told = os.environ.get(TEAM)
        if told is None:
            return cls()
        number, size, folder = told.split(" ", 2)
        return cls(int(number), int(size), Path(folder))

    def tell(self) -> None:
        """Put it where `from_environment` finds it."""
        os.environ[TEAM] = f"{self.number} {self.size} {self.folder}"

    def address(self, number: int) -> Path:
        """Where a worker tells its numbers."""
        assert self.folder is not None
        return self.folder / f"{number}.sock"
