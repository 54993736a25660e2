"""What the domain raises to those above it."""


class TopLevel(Exception):
    """Ends an operation with a top-level GraphQL error of this code (for example NOT_FOUND, ACCESS_REVOKED)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
