"""The limits every document, frame and socket is held to, over HTTP and WebSocket alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """One server's limits. Zero is not "off": every limit always holds."""

    max_depth: int = 10
    max_aliases: int = 15
    max_tokens: int = 1000
    max_directives: int = 50
    max_document_characters: int = 15_000
    max_body_bytes: int = 1_048_576
    max_frame_bytes: int = 65_536
    max_operations_per_socket: int = 50
    max_sockets_per_person: int = 20
    init_timeout_seconds: float = 5.0
    frames_per_second: float = 50
    frame_burst: int = 100
    resolver_timeout_seconds: float = 10.0
