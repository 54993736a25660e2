"""What the probes say of servers that are well, too old, silent, or of another kind."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from db.migrations import head
from db.probe import DatabaseProblem, ask_database, driver_url
from realtime.probe import RedisProblem, ask_redis
from tests.stack_fixture import TestStack


@contextmanager
def listener(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """Accept one connection and answer each thing it says until it hangs up or the answer is empty; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while (said := connection.recv(4096)) and (answered := answer(said)):
                    connection.sendall(answered)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


async def test_a_database_tells_its_version_its_clock_and_its_migration(stack: TestStack) -> None:
    facts = await ask_database(stack.database_url)
    assert re.fullmatch(r"\d+\.\d+", facts.version)
    assert abs(facts.clock_skew.total_seconds()) < 1
    assert facts.revision == head()
    with stack.new_database("template0") as empty:
        assert (await ask_database(empty)).revision is None


async def test_a_database_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+asyncpg://u:canary@127.0.0.1:{silent.getsockname()[1]}/d"
        with pytest.raises(DatabaseProblem, match="does not answer within") as caught:
            await ask_database(url, timeout_seconds=0.2)
    assert "canary" not in str(caught.value)


async def test_something_that_is_no_database_is_told_apart() -> None:
    with listener(lambda said: b"") as port, pytest.raises(DatabaseProblem, match=r"cannot be reached at \S+:\d+ "):
        await ask_database(f"postgresql+asyncpg://127.0.0.1:{port}/d")


def test_the_driver_gets_its_own_spelling_of_an_address() -> None:
    assert driver_url("postgresql+asyncpg://u:p%40@h:1/d?ssl=require") == "postgresql://u:p%40@h:1/d?sslmode=require"


def test_a_redis_tells_what_it_is(stack: TestStack) -> None:
    facts = ask_redis(stack.redis_url)
    assert facts.name in {"Redis", "Valkey"}
    assert re.match(r"\d+\.\d+", facts.version)


def test_an_old_redis_is_refused() -> None:
    with listener(redis_of_version("6.2.14")) as port, pytest.raises(RedisProblem, match=r"6\.2\.14; Tutti needs 7"):
        ask_redis(f"redis://127.0.0.1:{port}/0?protocol=2")


def test_the_oldest_redis_that_will_do_is_accepted() -> None:
    with listener(redis_of_version("7.0.15")) as port:
        assert ask_redis(f"redis://127.0.0.1:{port}/0?protocol=2").version == "7.0.15"


def redis_of_version(version: str) -> Callable[[bytes], bytes]:
    """Answer as a Redis does, as far as the probe asks."""
    information = f"# Server\r\nredis_version:{version}\r\n"

    def answer(said: bytes) -> bytes:
        if b"INFO\r\n" in said:
            return f"${len(information)}\r\n{information}\r\n".encode()
        return b"+OK\r\n"

    return answer


def test_a_wrong_password_is_told_without_repeating_it(stack: TestStack) -> None:
    wrong = re.sub(r"://.*@|://", "://:canary@", stack.redis_url, count=1)
    with pytest.raises(RedisProblem, match="refuses the password") as caught:
        ask_redis(wrong)
    assert "canary" not in str(caught.value)
