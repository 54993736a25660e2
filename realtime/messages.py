"""What goes through Redis: one message per commit and workspace, `<first> <last>\\n` and then the events.

A message may be lost, doubled or late; it says only "the log reaches to `last`"
and, where it is small enough, spares the reader the query.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from db.log import decode_events, encode_events
from db.models import Event
from realtime.commits import Commit

CHANNEL = b"tutti:ws:"
PERSONAL = b"tutti:user:"
"""How far somebody's own things have come: a number, and nothing else."""
MAX_BYTES = 256 * 1024
"""Above this the events stay in the log and the message is only a hint."""
MAX_EVENTS = 1_000
"""As many never fit; so that they are not encoded in vain."""


def channel(workspace_id: UUID, prefix: bytes = CHANNEL) -> bytes:
    return prefix + str(workspace_id).encode()


def workspace_of(name: bytes, prefix: bytes = CHANNEL) -> UUID:
    """The workspace of a channel. Raises ValueError if it is no channel of ours."""
    return UUID(name.removeprefix(prefix).decode())


def encode(events: Sequence[Event]) -> bytes:
    """One commit's events of one workspace -> the message about them."""
    head = b"%d %d\n" % (events[0].seq, events[-1].seq)
    body = encode_events(events) if len(events) <= MAX_EVENTS else b""
    return head + body if len(head) + len(body) <= MAX_BYTES else head


def decode_range(message: bytes) -> tuple[int, int, bytes]:
    """A message -> (first seq, last seq, its events still encoded, perhaps empty). Raises ValueError."""
    head, _, body = message.partition(b"\n")
    first, last = (int(number) for number in head.split(b" "))
    if not 0 < first <= last:
        raise ValueError("A message without a range.")
    return first, last, body


def decode_commit(first: int, last: int, body: bytes) -> Commit:
    """The events of a message. Raises ValueError if they are not first..last."""
    try:
        events = tuple(decode_events(body))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("A message that is no list of events.") from error
    if [event.seq for event in events] != list(range(first, last + 1)):
        raise ValueError("A message whose events are not the ones it names.")
    return Commit(events, len(body))
