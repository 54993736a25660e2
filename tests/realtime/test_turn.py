"""What comes in one go is rendered and then written in one go, before anything else has its turn."""

from __future__ import annotations

import asyncio
from typing import Any

from realtime.link import _Listening
from realtime.turn import Turn, turn

MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$%d\r\n%b\r\n"


def message(body: bytes) -> bytes:
    return MESSAGE % (len(body), body)


async def test_all_is_rendered_before_anything_is_written_and_once() -> None:
    told: list[str] = []
    own = Turn()
    for name in ("first", "second"):
        own.write(lambda name=name: told.append(f"write {name}"))  # type: ignore[misc]
        own.render(lambda name=name: told.append(f"render {name}"))  # type: ignore[misc]
    assert told == []
    own.end()
    await asyncio.sleep(0)
    assert told == ["render first", "render second", "write first", "write second"]


async def test_a_turn_that_nobody_ends_ends_with_that_of_the_loop() -> None:
    told: list[str] = []
    own = Turn()
    own.render(lambda: own.write(lambda: told.append("written")))
    await asyncio.sleep(0)
    assert told == ["written"]


async def test_what_is_put_off_at_the_end_waits_for_the_next_turn() -> None:
    told: list[str] = []
    own = Turn()
    own.render(lambda: own.render(lambda: told.append("again")))
    own.end()
    assert told == []
    await asyncio.sleep(0)
    assert told == ["again"]


async def test_what_redis_brings_in_one_go_is_written_when_it_has_been_read() -> None:
    told: list[bytes] = []

    def hear(reply: Any) -> None:
        told.append(reply[2])
        turn.render(lambda: turn.write(lambda: told.append(b"written " + reply[2])))

    _Listening(hear).data_received(message(b"a") + message(b"b"))
    assert told == [b"a", b"b", b"written a", b"written b"]


def test_a_loop_that_ended_in_between_keeps_nobody_waiting() -> None:
    told: list[str] = []
    own = Turn()

    async def leave() -> None:
        own.render(lambda: told.append("first"))
        asyncio.get_running_loop().stop()

    async def go_on() -> None:
        own.render(lambda: told.append("second"))
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.call_soon(lambda: None)
    task = loop.create_task(leave())
    loop.run_forever()
    task.cancel()
    loop.close()
    asyncio.run(go_on())
    assert told[-1] == "second"
