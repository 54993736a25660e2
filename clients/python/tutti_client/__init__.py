"""A typed, asynchronous client of Tutti."""

from . import api
from .api import *  # noqa: F403 - what it says in its __all__
from .client import Tutti
from .errors import (
    AccessRevoked,
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    RateLimited,
    Refused,
    TuttiError,
    Unauthenticated,
    Unavailable,
)
from .session import Session

__all__ = [
    "AccessRevoked",
    "Conflict",
    "Forbidden",
    "Invalid",
    "LimitReached",
    "NotFound",
    "RateLimited",
    "Refused",
    "Session",
    "Tutti",
    "TuttiError",
    "Unauthenticated",
    "Unavailable",
]
__all__ += api.__all__
