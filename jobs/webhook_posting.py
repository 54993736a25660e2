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
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpcore
from standardwebhooks.webhooks import Webhook as Signer

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


class NotAllowed(Exception):
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


class Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that are allowed, looked up at that moment."""

    def __init__(self, rules: TargetRules, resolve: Resolve) -> None:
        self._rules = rules
        self._resolve = resolve
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NotAllowed from error
        # All of them: a name that leads to a private address besides is either a mistake or a trick.
        if not addresses or not all(is_allowed(one, self._rules) for one in addresses):
            raise NotAllowed
        for address in addresses[:-1]:
            try:
                return await self._plain.connect_tcp(str(address), port, timeout, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(str(addresses[-1]), port, timeout, None, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise NotAllowed

    async def sleep(self, seconds: float) -> None:
        await self._plain.sleep(seconds)


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
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=Checked(rules, resolve or self._resolver),
        )

    async def close(self) -> None:
        await self._pool.aclose()
        self._resolver.close()

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
        except NotAllowed:
            answer = Answer(error="Its name leads to no address in the public internet.")
        except httpcore.TimeoutException:
            pass
        except httpcore.ConnectError as error:
            answer = Answer(error=_why_not_connected(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            answer = Answer(error="The connection broke, or what came was not HTTP.")
        return answer

    async def _exchange(
        self, target: Target, headers: list[tuple[bytes, bytes]], body: bytes, deadline: float
    ) -> Answer:
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        named = [(b"host", _host_header(target)), *headers]
        async with self._pool.stream(
            "POST", url, headers=named, content=body, extensions={"timeout": timeouts}
        ) as response:
            status, begun = response.status, await _beginning(response, deadline)
        error = None if 200 <= status < 300 else f"It answered {status}."
        return Answer(status, error, begun)


async def _beginning(response: httpcore.Response, deadline: float) -> str:
    """At most 64 KiB of the answer, for people to look at. What it says does not matter, so it may break off."""
    taken = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_stream():
                taken += chunk
                if len(taken) >= MAX_ANSWER_BYTES:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        pass
    return bytes(taken[: KEPT_CHARACTERS * 4]).decode(errors="replace").replace("\0", "")[:KEPT_CHARACTERS]


def _why_not_connected(error: httpcore.ConnectError) -> str:
    # httpcore keeps what happened as the only argument of its own error.
    reason = error.args[0] if error.args else None
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not valid: {reason.verify_message.rstrip('.')}."
    if isinstance(reason, ssl.SSLError):
        return f"TLS failed: {(reason.reason or str(reason)).replace('_', ' ').lower()}."[:KEPT_CHARACTERS]
    return "Nothing answers there."


def _host_header(target: Target) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = {"http": 80, "https": 443}[target.scheme]
    return (host if target.port == usual else f"{host}:{target.port}").encode()


def signed(message_id: str, secrets: tuple[str, ...], body: bytes, at: datetime) -> list[tuple[bytes, bytes]]:
    """The headers of Standard Webhooks, one signature by each secret."""
    text = body.decode()
    signatures = " ".join(Signer(secret).sign(message_id, at, text) for secret in secrets)
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"user-agent", USER_AGENT.encode()),
        (b"accept-encoding", b"identity"),
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", str(int(at.timestamp())).encode()),
        (b"webhook-signature", signatures.encode()),
    ]
