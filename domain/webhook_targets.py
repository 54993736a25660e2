"""Where a webhook may lead: which addresses of the web are accepted, and which addresses of the network are contacted.

The form of a URL is checked when somebody sets it. What its name leads to can change at any moment, so that is checked
whenever something is sent, by `is_allowed`, on the very address that is about to be connected to.

Invariant: a URL is read by `target_of` and nowhere else, so no second reader can understand another host.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2_000
MIN_FREE_PORT = 1024
"""Below it only the web's own ports: no webhook talks to a mail server."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$-\[\]-~]*)?(?P<query>\?[!$-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
"""Printable ASCII without `"`, `#`, a backslash or a user: nothing that two readers may split in two ways."""
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class TargetRules:
    """`is_http_allowed`, `is_loopback_allowed`: for development, where a receiver runs on the same machine."""

    is_http_allowed: bool = False
    is_loopback_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts. `host` is a name or an address, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The host, where it is no name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def target_of(url: str, rules: TargetRules) -> Target:
    """Read a URL. Raises ValueError with words for who wrote it."""
    if len(url) > MAX_URL:
        raise ValueError(f"At most {MAX_URL} characters fit.")
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(
            "This is not an address like https://example.com/hooks: plain characters, without a user or a fragment."
        )
    scheme, host = found["scheme"].lower(), found["host"].lower()
    if scheme == "http" and not rules.is_http_allowed:
        raise ValueError("Use https.")
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if port not in {80, 443} and not MIN_FREE_PORT <= port <= 65535:
        raise ValueError(f"Use port 443, 80, or one from {MIN_FREE_PORT} on.")
    target = Target(scheme, _host(host, rules), port, (found["path"] or "/") + (found["query"] or ""))
    address = target.address
    if address is not None and not is_allowed(address, rules):
        raise ValueError("This address is not in the public internet.")
    return target


def _host(host: str, rules: TargetRules) -> str:
    """A name or an address, written in the one way that every program understands alike."""
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise ValueError("Between the brackets there is no IPv6 address.") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are numbers to some and names to others.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError("Write an IPv4 address as four plain numbers.") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("This is not the name of a host.")
    if len(labels) == 1 and not (host == "localhost" and rules.is_loopback_allowed):
        raise ValueError("Use a full name, like example.com.")
    return host


# IANA's registries of special addresses, as of 2025; what is not here is somebody's on the internet.
_V4_REFUSED = tuple(
    ipaddress.IPv4Network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # what Azure's machines ask about themselves; public by its looks alone
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_V6_ALLOWED = ipaddress.IPv6Network("2000::/3")
"""All that was ever given to anybody. Outside lie loopback, link-local, unique local, site-local and multicast."""
_V6_REFUSED = tuple(
    ipaddress.IPv6Network(one)
    for one in (
        "2001::/23",  # Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address, a private one as well
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def is_allowed(address: Address, rules: TargetRules) -> bool:
    """Whether something may be sent to this address: it is in the public internet, or a loopback one that is wanted."""
    plain = _plain(address)
    if isinstance(plain, ipaddress.IPv4Address):
        if plain in _LOOPBACK:
            return rules.is_loopback_allowed
        return not any(plain in network for network in _V4_REFUSED)
    if plain == ipaddress.IPv6Address("::1"):
        return rules.is_loopback_allowed
    return plain in _V6_ALLOWED and not any(plain in network for network in _V6_REFUSED)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where a packet would end up there."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
