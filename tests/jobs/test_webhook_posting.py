"""One message to one address: what is private is never contacted, whatever leads there; nobody holds a worker up."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientConnectorError

import jobs.webhook_posting
from db.unit_of_work import now
from domain.webhook_targets import Address, Target, TargetRules
from domain.webhooks import new_secret
from jobs.webhook_posting import MAX_ANSWER_BYTES, Answer, NotAllowed, Poster, Resolver
from tests.jobs.receiver import Receiver, answer, receiving

LOOPBACK = ipaddress.ip_address("127.0.0.1")
PRIVATE = ipaddress.ip_address("10.0.0.1")
HERE = TargetRules(is_http_allowed=True, is_loopback_allowed=True)
HTTP = TargetRules(is_http_allowed=True)
REFUSED = "Its name leads to no address in the public internet."
SECONDS = 20.0
"""What a receiver that answers may take on a busy machine."""
HASTY_SECONDS = 1.0


def leading_to(*rounds: list[Address]) -> Callable[[str, int], object]:
    """A resolver that answers so, one after the other, the last one for ever."""
    left = list(rounds)

    async def resolve(host: str, port: int) -> list[Address]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def post(poster: Poster, url: str, body: bytes = b"{}") -> Answer:
    return await poster.post(url, "delivery_1", (new_secret(),), body, now())


async def post_once(url: str, rules: TargetRules, *, seconds: float = SECONDS, **more: object) -> Answer:
    poster = Poster(rules, seconds=seconds, **more)  # type: ignore[arg-type]
    try:
        return await post(poster, url)
    finally:
        await poster.close()


async def test_a_private_listener_receives_nothing() -> None:
    async with receiving() as private:
        urls = [
            f"http://127.0.0.1:{private.port}/",
            f"http://localhost:{private.port}/",
            f"http://2130706433:{private.port}/",
            f"http://0x7f.1:{private.port}/",
            f"http://[::ffff:127.0.0.1]:{private.port}/",
            f"http://0.0.0.0:{private.port}/",
            f"http://a@127.0.0.1:{private.port}/",
        ]
        answers = [await post_once(url, HTTP) for url in urls]
        assert all(one.error for one in answers)
        # By a name: to it alone, among others, and to addresses that mean it.
        for lead in (
            [LOOPBACK],
            [ipaddress.ip_address("8.8.8.8"), LOOPBACK],
            [ipaddress.ip_address("::ffff:127.0.0.1")],
            [],
        ):
            found = await post_once(f"http://hooks.example.com:{private.port}/", HTTP, resolve=leading_to(lead))
            assert found == Answer(error=REFUSED)
        assert (private.connections, private.received) == (0, [])


async def test_a_name_that_leads_elsewhere_at_the_second_look_is_not_followed() -> None:
    """DNS rebinding: what is checked is what is connected to, at each connection anew."""
    async with receiving(lambda one: answer(200, "", "connection: close")) as receiver:
        poster = Poster(HERE, leading_to([LOOPBACK], [PRIVATE]), seconds=SECONDS)
        first = await post(poster, f"http://rebinding.example.com:{receiver.port}/")
        second = await post(poster, f"http://rebinding.example.com:{receiver.port}/")
        await poster.close()
        assert first.is_delivered
        assert second == Answer(error=REFUSED)
        assert receiver.connections == 1


async def test_the_machines_own_names_are_looked_up_and_refused() -> None:
    resolver = Resolver()
    found = await resolver("localhost", 80)
    resolver.close()
    assert LOOPBACK in found
    poster = Poster(HTTP)
    answers = [await post(poster, f"http://{name}:8000/") for name in ("localhost.localdomain.invalid", "a.invalid")]
    await poster.close()
    assert answers == [Answer(error=REFUSED)] * 2


async def test_a_redirect_is_an_answer_and_not_a_way() -> None:
    async with receiving() as private:
        elsewhere = f"location: {private.url}"
        async with receiving(lambda one: answer(307, "there", elsewhere)) as receiver:
            found = await post_once(receiver.url, HERE)
        assert found == Answer(307, "It answered 307.", "there")
        assert private.connections == 0


@pytest.mark.parametrize("status", [200, 204, 299, 199 + 101, 400, 410, 500, 503])
async def test_only_2xx_counts(status: int) -> None:
    async with receiving(lambda one: answer(status)) as receiver:
        found = await post_once(receiver.url, HERE)
    assert (found.status_code, found.is_delivered) == (status, 200 <= status < 300)


@pytest.mark.parametrize("does", ["hang", "drip", "drop", "endless", "garbage"])
async def test_nobody_holds_a_worker_up(does: str) -> None:
    async with receiving(lambda one: b"SSH-2.0-OpenSSH_9\r\n\r\n" if does == "garbage" else does) as receiver:
        seconds = HASTY_SECONDS if does in ("hang", "drip") else SECONDS
        async with asyncio.timeout(2 * SECONDS):
            found = await post_once(receiver.url, HERE, seconds=seconds)
    if does == "endless":
        assert (found.status_code, found.is_delivered) == (200, True)
        assert found.response == "x" * 1_000
    else:
        assert not found.is_delivered
        assert found.status_code is None


async def test_of_a_long_answer_64_kib_are_read_and_its_beginning_kept() -> None:
    async with receiving(lambda one: answer(500, "é" * MAX_ANSWER_BYTES)) as receiver:
        receiver.behave = lambda one: answer(500, "x\0y" + "z" * 10_000_000)
        found = await post_once(receiver.url, HERE)
    assert found == Answer(500, "It answered 500.", ("xy" + "z" * 10_000)[:1_000])


async def test_with_the_last_of_64_kib_it_is_read_no_further() -> None:
    closed_after: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * (64 * 1024 - 1))
        closing = asyncio.create_task(reader.read())
        is_early = (await asyncio.wait([closing], timeout=0.3))[0]
        writer.write(b"x")
        await closing
        closed_after.set_result(0 if is_early else 64 * 1024)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(SECONDS / 2):
        port = server.sockets[0].getsockname()[1]
        found = await post_once(f"http://127.0.0.1:{port}/", HERE)
        assert (found.is_delivered, found.response) == (True, "x" * 1_000)
        assert await closed_after == 64 * 1024


async def test_the_last_door_holds_where_no_other_was_passed() -> None:
    """Neither a look at the URL nor a resolver comes before it, as aiohttp looks no number up."""
    async with receiving() as private:
        poster, at = Poster(HTTP), asyncio.get_running_loop().time()
        with pytest.raises(ClientConnectorError) as refused:
            await poster._exchange(Target("http", "127.0.0.1", private.port, "/"), {}, b"{}", at + SECONDS)
        await poster.close()
        assert isinstance(refused.value.os_error, NotAllowed)
        assert private.connections == 0


def test_a_receiver_has_ten_seconds() -> None:
    """As docs/webhooks.md says."""
    assert jobs.webhook_posting.SECONDS == 10
    assert inspect.signature(Poster).parameters["seconds"].default == jobs.webhook_posting.SECONDS


async def test_nothing_answers_there() -> None:
    receiver = Receiver()
    await receiver.start()
    await receiver.stop()
    assert await post_once(receiver.url, HERE) == Answer(error="Nothing answers there.")


async def test_certificates_are_verified_by_the_name_and_by_whom_this_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, serving = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example.com").configure_cert(serving)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with receiving(tls=serving) as receiver:
        resolve = leading_to([LOOPBACK])
        good, other = (f"https://{name}.example.com:{receiver.port}/" for name in ("hooks", "other"))
        assert (await post_once(good, HERE, resolve=resolve)).is_delivered
        assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        plain = f"http://hooks.example.com:{receiver.port}/"
        assert not (await post_once(plain, HERE, resolve=resolve)).is_delivered
        error = (await post_once(other, HERE, resolve=resolve)).error
        assert error == (
            "TLS: the certificate is not valid: Hostname mismatch, certificate is not valid for 'other.example.com'."
        )
        monkeypatch.delenv("SSL_CERT_FILE")
        error = (await post_once(good, HERE, resolve=resolve)).error
        assert error == "TLS: the certificate is not valid: unable to get local issuer certificate."
        assert len(receiver.received) == 1


async def test_that_a_receiver_speaks_no_tls_is_said() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await post_once(f"https://hooks.example.com:{port}/", HERE, resolve=leading_to([LOOPBACK]))
    assert found == Answer(error="TLS failed: wrong version number.")
