"""What operations cost, and what whoever asks has left."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.errors import TopLevel
from schema.context import Info


@strawberry.type(
    description=(
        "What operations cost and what you have left. A person, an API token, and (without credentials) an address have"
        " so many points in each minute; what is over is refused as RATE_LIMITED with `retryAfterSeconds`. Every answer"
        " tells the same in `extensions.cost`."
    )
)
class RateLimit:
    cost: int = strawberry.field(description="What this operation costs, told from its document and page sizes.")
    limit: int = strawberry.field(description="Points in each minute.")
    remaining: int = strawberry.field(description="Points that are left of this minute.")
    reset_at: datetime = strawberry.field(description="When the next minute of points begins.")
    max_query_cost: int = strawberry.field(
        description="What one operation may cost at the most; a dearer one is QUERY_TOO_COMPLEX, whatever is left."
    )


def rate_limit(info: Info) -> RateLimit:
    """Of the operation that asks."""
    charge = info.context.charge
    if charge is None:
        raise TopLevel("BAD_REQUEST", "Operations cost nothing here.")
    return RateLimit(
        cost=charge.cost,
        limit=charge.limit,
        remaining=charge.remaining,
        reset_at=charge.reset_at,
        max_query_cost=info.context.max_query_cost,
    )
