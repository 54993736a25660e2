"""Sends one message to one address: signed, within 10 seconds, and nowhere but into the public internet.

Invariant: what is connected to is the very address that was checked. Names are looked up here, by whoever is about to
connect, each of their addresses is judged, and the connection is made to the number. No redirect is followed, no proxy
or cookie of the environment is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from aiohttp import (
    AddrInfoType,
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks.webhooks import Webhook as Signer
from yarl import URL

from domain.webhook_targets import Address, Target, TargetRules, is_allowed, target_of

SECONDS = 10.0
"""From looking up the name to the end of the answer."""
LEFT = 0.1
"""Of them, to close the connection of a receiver that has answered but does not come to an end."""
MAX_ANSWER_BYTES = 64 * 1024
KEPT_CHARACTERS = 1_000
LOOKUPS_AT_ONCE = 400
"""Threads: one for each that may be posted to at once, and for names whose servers answer long after the time is up."""
IDLE_SECONDS = 20.0
USER_AGENT = "Tutti-Webhooks/1"

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class NotAllowed(OSError):
    """The name leads to nothing that may be contacted. Whether it leads anywhere else is nobody's business."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt. `response`: how the answer begins."""

    status_code: int | None = None
    error: str | None = None
    response: str | None = None

    @property
    def is_delivered(self) -> bool:
        return self.error is None


class Resolver:
    """Asks the machine's own resolver, on threads of its own: a slow one holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="webhook-lookup")

    async def __call__(self, host: str, port: int) -> list[Address]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        )
        return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Checked(AbstractResolver):
    """Looks up names, and gives their addresses only if all are allowed."""

    def __init__(self, rules: TargetRules, resolve: Resolve) -> None:
        self._rules = rules
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NotAllowed from error
        # All of them: a name that leads to a private address besides is either a mistake or a trick.
        if not addresses or not all(is_allowed(one, self._rules) for one in addresses):
            raise NotAllowed
        return [
            ResolveResult(
                hostname=host,
                host=str(one),
                port=port,
                family=socket.AF_INET if one.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for one in addresses
        ]

    async def close(self) -> None:
        pass


class Poster:
    """Keeps connections open for a while, as the next message often goes to the same place."""

    def __init__(
        self,
        rules: TargetRules,
        resolve: Resolve | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._rules = rules
        self._seconds = seconds
        self._resolver = Resolver()
        connector = TCPConnector(
            resolver=Checked(rules, resolve or self._resolver),
            use_dns_cache=False,
            socket_factory=self._socket,
            ssl=ssl.create_default_context(),
            limit=0,
            keepalive_timeout=IDLE_SECONDS,
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=("Accept",),
        )

    async def close(self) -> None:
        await self._session.close()
        self._resolver.close()

    def _socket(self, found: AddrInfoType) -> socket.socket:
        """The last door before a connection, whichever way its address came about."""
        if not is_allowed(ipaddress.ip_address(found[4][0]), self._rules):
            raise NotAllowed
        return socket.socket(*found[:3])

    async def post(self, url: str, message_id: str, secrets: tuple[str, ...], body: bytes, at: datetime) -> Answer:
        """One attempt. Never raises for what the receiver, or the network, does."""
        try:
            # As it was when somebody set it, or the rules are stricter now.
            target = target_of(url, self._rules)
        except ValueError as error:
            return Answer(error=str(error))
        answer = Answer(error=f"It took longer than {self._seconds:.0f} seconds.")
        deadline = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._exchange(target, signed(message_id, secrets, body, at), body, deadline - LEFT)
        except TimeoutError:
            pass
        except ClientConnectorError as error:
            answer = Answer(error=_why_not_connected(error))
        except (ClientError, OSError, ValueError):
            answer = Answer(error="The connection broke, or what came was not HTTP.")
        return answer

    async def _exchange(self, target: Target, headers: dict[str, str], body: bytes, deadline: float) -> Answer:
        # As it was checked, and not what somebody else would make of it.
        host = f"[{target.host}]" if ":" in target.host else target.host
        url = URL(f"{target.scheme}://{host}:{target.port}{target.path}", encoded=True)
        async with self._session.post(url, headers=headers, data=body, allow_redirects=False) as response:
            begun = await _beginning(response, deadline)
        error = None if 200 <= response.status < 300 else f"It answered {response.status}."
        return Answer(response.status, error, begun)


async def _beginning(response: ClientResponse, deadline: float) -> str:
    """At most 64 KiB of the answer, for people to look at. What it says does not matter, so it may break off."""
    taken = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.content.iter_any():
                taken += chunk
                if len(taken) >= MAX_ANSWER_BYTES:
                    response.close()
                    break
    except (TimeoutError, ClientError, OSError):
        response.close()
    return bytes(taken[: KEPT_CHARACTERS * 4]).decode(errors="replace").replace("\0", "")[:KEPT_CHARACTERS]


def _why_not_connected(error: ClientConnectorError | ClientConnectorCertificateError) -> str:
    reason = error.certificate_error if isinstance(error, ClientConnectorCertificateError) else error.os_error
    if isinstance(reason, NotAllowed):
        return "Its name leads to no address in the public internet."
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not valid: {reason.verify_message.rstrip('.')}."
    if isinstance(reason, ssl.SSLError):
        return f"TLS failed: {(reason.reason or str(reason)).replace('_', ' ').lower()}."[:KEPT_CHARACTERS]
    return "Nothing answers there."


def signed(message_id: str, secrets: tuple[str, ...], body: bytes, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, one signature by each secret."""
    text = body.decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(message_id, at, text) for secret in secrets),
    }
