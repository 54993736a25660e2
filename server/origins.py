"""Which web pages may talk to us: our own, and those of TUTTI_ALLOWED_ORIGINS.

An origin is compared whole and as text, never parsed: tricks with suffixes, user parts or `null` find nothing to trick.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Origins:
    """The allowed origins. Requests without an Origin header come from no web page and are not its concern."""

    def __init__(self, public_url: str, allowed_origins: Iterable[str] = ()) -> None:
        own = _origin(public_url)
        self._allowed = {own, *(_origin(url) for url in allowed_origins)}
        scheme, _, host = own.partition("://")
        name, colon, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
        if name in LOOPBACK_HOSTS:  # three names of one machine; people type any of them
            self._allowed |= {f"{scheme}://{other}{colon}{port}" for other in LOOPBACK_HOSTS}

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may talk to us."""
        return origin in self._allowed


def _origin(url: str) -> str:
    """The origin of a configured URL as browsers write it: lower case, without the default port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
