"""What the database layer raises to those above it."""


class Unavailable(Exception):
    """The database cannot be reached or did not answer in time; nothing was committed that was not acknowledged."""
