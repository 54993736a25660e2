"""A process that has lost PostgreSQL for good does not keep those who could be served elsewhere."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import Fragile, theatre_of
from tests.people import Api
from tests.processes import assert_untroubled, server_processes

pytestmark = pytest.mark.serial

STAY_SECONDS, GONE_SECONDS = 9.0, 18.0
"""Ten seconds from the last answer, which was up to one before the cut; and what it takes to notice that none comes."""


async def test_a_process_cut_off_from_postgresql_sends_its_sockets_away_after_ten_seconds(
    fragile: Fragile, tmp_path: Path, http: httpx.AsyncClient, record_property: Callable[[str, object], None]
) -> None:
    with (
        theatre_of(fragile.stack, tmp_path, ("cut",)) as theatre,
        server_processes(tmp_path, fragile.database_url, fragile.redis_url, ("whole",)) as (whole,),
    ):
        cut = theatre.servers[0]
        ann = await Api(cut.url, http).sign_up("Ann")
        workspace_id = await ann.create_workspace()
        elsewhere = ann.on(Api(whole.url, http))
        async with ann.listening(workspace_id) as stream, elsewhere.listening(workspace_id) as other:
            theatre.postgres.is_closed = True
            theatre.postgres.cut()
            began = time.monotonic()
            end = await stream.end(seconds=GONE_SECONDS + 5)
            took = time.monotonic() - began
            assert (end["type"], end["code"]) == ("closed", 1013)
            record_property("sent away after, s", round(took, 1))
            assert STAY_SECONDS < took < GONE_SECONDS
            assert (await http.get(f"{cut.url}/readyz")).status_code == 503
            # Who was sent away goes on elsewhere; nobody else noticed anything.
            await elsewhere.create_task(workspace_id, "Meanwhile")
            async with elsewhere.listening(workspace_id, after=stream.cursor) as resumed:
                for told in (resumed, other):
                    await told.event(lambda event: event.get("task", {}).get("title") == "Meanwhile")
            assert other.ended is None
        theatre.postgres.is_closed = False
        async with asyncio.timeout(10):
            while (await http.get(f"{cut.url}/readyz")).status_code != 200:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.1)
        async with (
            ann.listening(workspace_id, after=stream.cursor) as back,
            elsewhere.listening(workspace_id) as other,
        ):
            await back.event(lambda event: event.get("task", {}).get("title") == "Meanwhile")
            # What comes while it cannot be read waits for PostgreSQL; it is neither lost nor told with nulls.
            theatre.postgres.is_closed = True
            theatre.postgres.cut()
            await elsewhere.create_task(workspace_id, "In the dark")
            await other.event(lambda event: event.get("task", {}).get("title") == "In the dark")
            answer = await ann.answer("{ viewer { email } }")  # by then it was tried
            assert answer["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
            assert re.search(r"Unavailable at .*: PostgreSQL .+Error", theatre.logged), theatre.logged[-4000:]
            theatre.postgres.is_closed = False
            event = await back.event(lambda event: event.get("task", {}).get("title") == "In the dark")
            assert (event["actor"]["id"], back.ended) == (ann.id, None)
        assert_untroubled(theatre.logged)
