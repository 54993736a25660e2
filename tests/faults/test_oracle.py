"""The oracle is worth something only if it finds bugs: doctored stories, and our own code broken on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db import unit_of_work
from db.ids import new_id
from db.log import numbered
from db.models import ActorKind, ActorRef, Event
from tests.faults.bugs import BUGS
from tests.faults.conftest import Fragile
from tests.faults.oracle import Told, Witness, missing, repeated, violations
from tests.faults.play import Play, two_processes, unreliable
from tests.realtime.world import change

WORKSPACE = new_id()
MEMBERS = frozenset({"members"})


def a_log() -> list[Event]:
    """Nine events in three commits; every third is for somebody else."""
    log: list[Event] = []
    for last in (3, 6, 9):
        new = [change(WORKSPACE, {"members"} if seq % 3 else {"others"}) for seq in range(last - 2, last + 1)]
        log += numbered(
            new,
            last_seq=last,
            occurred_at=unit_of_work.now(),
            actor=ActorRef(ActorKind.SYSTEM, new_id()),
            client_mutation_id=None,
        )
    return log


def told(log: list[Event], seqs: list[int], through: int) -> Told:
    return Told([log[seq - 1] for seq in seqs], through)


def judged(log: list[Event], *story: Told) -> list[str]:
    return violations(Witness("one", WORKSPACE, MEMBERS, 0, story), log)


def test_a_right_story_is_accepted() -> None:
    log = a_log()
    assert judged(log, told(log, [1, 2], 3), told(log, [], 3), told(log, [4, 5, 7, 8], 9)) == []


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([([1, 2], 3), ([5], 6), ([7, 8], 9)], id="lost"),
        pytest.param([([1, 2], 3), ([2, 4, 5], 6), ([7, 8], 9)], id="doubled"),
        pytest.param([([1, 2], 3), ([5, 4], 6), ([7, 8], 9)], id="out_of_order"),
        pytest.param([([1, 2, 3], 3), ([4, 5], 6), ([7, 8], 9)], id="not_theirs"),
        pytest.param([([1, 2], 3), ([4, 5], 6)], id="the_end_is_missing"),
        pytest.param([([1, 2], 3), ([4, 5], 6), ([], 3), ([4, 5, 7, 8], 9)], id="going_back"),
        pytest.param([([1, 2], 3), ([4, 5], 9)], id="the_cursor_skips"),
    ],
)
def test_a_wrong_story_is_found(steps: list[tuple[list[int], int]]) -> None:
    log = a_log()
    assert judged(log, *[told(log, seqs, through) for seqs, through in steps]) != []


def test_a_resync_is_found() -> None:
    log = a_log()
    assert judged(log, told(log, [1, 2], 3), Told([], 3, is_resync=True), told(log, [4, 5, 7, 8], 9)) != []
    assert judged(log, Told([], 9, is_resync=True)) != []


def test_an_event_with_other_contents_than_the_log_is_found() -> None:
    log = a_log()
    other = [replace(event, entity_id=new_id()) for event in log]
    assert judged(log, told(other, [1, 2, 4, 5, 7, 8], 9)) != []


def test_an_acknowledged_write_that_is_not_in_the_log_is_found() -> None:
    log = a_log()
    assert missing([(WORKSPACE, 9)], {WORKSPACE: log}) == []
    assert missing([(WORKSPACE, 10)], {WORKSPACE: log}) != []


def test_a_mutation_that_was_committed_twice_or_elsewhere_is_found() -> None:
    key = new_id()
    once = [replace(event, client_mutation_id=key) if event.seq in (1, 2, 3) else event for event in a_log()]
    assert repeated({key: 3}, once) == []
    assert repeated({key: 2}, once) != []
    assert repeated({new_id(): 3}, once) != []
    twice = [replace(event, client_mutation_id=key) if event.seq > 3 else event for event in once]
    assert repeated({key: 3}, twice) != []


# ---- our own code, broken on purpose


def break_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bug = BUGS[name]
    monkeypatch.setattr(bug.owner, bug.method, bug.broken())


async def _verdict(fragile: Fragile, seed: int, lost: float, seconds: float = 0.5) -> list[str]:
    async def nothing() -> None:
        pass

    async with two_processes(fragile.database_url, fragile.redis_url, unreliable(seed, lost=lost)) as nodes:
        play = Play(nodes, seed)
        await play.perform(nothing, seconds)
        return await play.judge(seconds=2)


@pytest.mark.parametrize("lost", [0.0, 1.0])
async def test_the_play_is_right_before_anything_is_broken(fragile: Fragile, lost: float) -> None:
    assert await _verdict(fragile, seed=11, lost=lost) == []


async def test_a_skipped_refill_is_found(fragile: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, "a skipped refill")
    assert await _verdict(fragile, seed=11, lost=1.0) != []


async def test_an_await_between_register_and_read_is_found(fragile: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, "an await between register and read")
    assert await _verdict(fragile, seed=11, lost=0.0) != []


async def test_a_publish_before_the_commit_is_found(fragile: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, "a publish before the commit")
    assert await _verdict(fragile, seed=11, lost=0.0, seconds=1.5) != []


async def test_a_resume_answered_by_a_resync_is_found(fragile: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, "a resume answered by a resync")
    assert await _verdict(fragile, seed=11, lost=0.0) != []
