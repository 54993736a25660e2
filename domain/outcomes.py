"""What a unit of work brings back, for those who run units and answer for them."""

from __future__ import annotations

from db.ids import typed
from db.models import ChangedField
from db.unit_of_work import KeyReused, Outcome, UnitOfWork

__all__ = ["ChangedField", "KeyReused", "Outcome", "UnitOfWork", "typed"]
