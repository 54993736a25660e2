"""What the real-time core has done so far, as plain numbers for metrics and tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Totals of one process since it started."""

    published: int = 0
    """Messages that Redis has taken."""
    publish_failures: int = 0
    """Messages that Redis did not take in time."""
    publish_skipped: int = 0
    """Messages not even tried: the breaker was open or too many waited."""
    connects: int = 0
    """Times the listening link was made, the first one too."""
    received: int = 0
    malformed: int = 0
    stale_hints: int = 0
    """Messages about what had already been delivered."""
    deliveries: int = 0
    """Commits put into a listener's inbox."""
    overflows: int = 0
    """Inboxes that were full and fell back on the log."""
    refills: int = 0
    """Pages the hub read from the log because messages were missing."""
    replays: int = 0
    """Pages read from the log for one listener."""
    ring_replays: int = 0
    """Times a listener caught up from memory."""
    poll_failures: int = 0
    group_batches: int = 0
    """Batches rendered once for a whole group."""
    group_deliveries: int = 0
    """Batches given to followers in groups."""
    groups_ended: int = 0
    """Groups whose followers had to go on alone."""
