"""What the database can say that is nobody's mistake in the request.

Everything above `db` sees these, never a driver's exception.
"""


class Unavailable(Exception):
    """PostgreSQL cannot be reached or did not answer in time; the request may be sent again."""


class Busy(Unavailable):
    """A lock was not had in time or a deadlock was broken, again and again."""


class Duplicate(Exception):
    """A value that must be unique is taken; `constraint` is the name of the rule that says so."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Unstorable(Exception):
    """Text that PostgreSQL cannot hold: it has a zero character."""
