"""Who does what must run once across processes: rows with an expiry, so a holder that died lets go by itself.

A row and not an advisory lock, which does not survive a connection pooler.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert as upsert

from db.session import Session
from db.tables import leases


async def take_lease(session: Session, name: str, holder: UUID, at: datetime, lasts: timedelta) -> bool:
    """Take or prolong a lease; -> whether it is ours until `at` + `lasts`."""
    mine = upsert(leases).values(name=name, holder=holder, expires_at=at + lasts)
    taken = await session.execute(
        mine.on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": mine.excluded.holder, "expires_at": mine.excluded.expires_at},
            where=or_(leases.c.holder == holder, leases.c.expires_at < at),
        ).returning(leases.c.name)
    )
    return taken.first() is not None
