"""The event log: dense, in commit order, read without cutting a commit."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import pytest

from db.ids import new_id
from db.log import has_revocations, heads_by_workspace_ids, read_epoch, read_events
from db.models import Actor, ChangedField, Event, Role
from db.session import Session
from db.unit_of_work import Outcome, UnitOfWork
from domain import arrangement, members
from tests.db.office import Office


async def log_of(
    office: Office, workspace_id: UUID, *, after: int = 0, through: int = 10**6, limit: int = 500
) -> list[Event]:
    return await office.read(
        lambda session: read_events(session, workspace_id, after=after, through=through, limit=limit)
    )


async def labels(uow: UnitOfWork, workspace_id: UUID, how_many: int) -> Outcome:
    """So many events in one commit."""
    for _ in range(how_many):
        label_id = new_id()
        await arrangement.create_label(uow, workspace_id, label_id, {ChangedField.NAME: str(label_id)})
    return Outcome()


async def test_numbers_are_dense_under_twelve_writers_at_once(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    before = len(await log_of(office, workspace_id))
    sizes = [1, 3, 2, 1, 5, 1, 2, 2, 1, 4, 1, 1]

    async def write(size: int) -> list[Outcome]:
        return [await office.do(ann, lambda uow: labels(uow, workspace_id, size)) for _ in range(3)]

    outcomes = [one for many in await asyncio.gather(*(write(size) for size in sizes)) for one in many]
    log = await log_of(office, workspace_id)
    assert [event.seq for event in log] == list(range(1, before + 3 * sum(sizes) + 1))
    heads = await office.read(heads_by_workspace_ids, [workspace_id, UUID(int=0)])
    assert {one: (head.seq, head.floor_seq) for one, head in heads.items()} == {workspace_id: (log[-1].seq, 0)}
    # Each commit is one run of numbers, and answers with its last.
    commits = {event.commit_seq for event in log}
    assert {one.cursor for one in outcomes} <= {(workspace_id, seq) for seq in commits}
    for event in log:
        assert event.commit_seq in commits
        assert event.seq <= event.commit_seq
    by_commit = [event.commit_seq for event in log]
    assert by_commit == sorted(by_commit)


async def test_each_workspace_counts_for_itself(office: Office) -> None:
    ann = await office.person()
    one, two = await office.workspace(ann), await office.workspace(ann)
    assert [event.seq for event in await log_of(office, one)] == [event.seq for event in await log_of(office, two)]
    await office.do(ann, lambda uow: labels(uow, one, 1))
    assert len(await log_of(office, one)) == len(await log_of(office, two)) + 1


async def test_units_over_two_workspaces_meet_without_a_deadlock(office: Office) -> None:
    """Heads are locked in one order, whatever the order of what happened."""
    ann = await office.person()
    one, two = await office.workspace(ann), await office.workspace(ann)
    attempts = 0

    async def both(first: UUID, second: UUID, uow: UnitOfWork) -> Outcome:
        nonlocal attempts
        attempts += 1
        await labels(uow, first, 1)
        return await labels(uow, second, 1)

    pairs = [(one, two), (two, one)] * 6
    await asyncio.gather(*(office.do(ann, lambda uow, pair=pair: both(*pair, uow)) for pair in pairs))  # type: ignore[misc]
    assert attempts == len(pairs)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_a_commit_is_never_cut_by_the_limit(office: Office, limit: int, long_log: tuple[Actor, UUID]) -> None:
    _, workspace_id = long_log
    whole = await log_of(office, workspace_id)
    read: list[Event] = []
    while page := await log_of(office, workspace_id, after=read[-1].seq if read else 0, limit=limit):
        assert page[-1].seq == page[-1].commit_seq
        read += page
    assert read == whole


async def test_events_are_read_from_after_one_place_through_another(
    office: Office, long_log: tuple[Actor, UUID]
) -> None:
    _, workspace_id = long_log
    assert [event.seq for event in await log_of(office, workspace_id, after=3, through=6)] == [4, 5, 6]
    assert await log_of(office, workspace_id, after=6, through=6) == []
    assert await log_of(office, UUID(int=0)) == []


@pytest.fixture(scope="module")
async def long_log(office: Office) -> tuple[Actor, UUID]:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    for size in (1, 4, 2):
        await office.do(ann, lambda uow, size=size: labels(uow, workspace_id, size))  # type: ignore[misc]
    return ann, workspace_id


async def test_the_epoch_is_the_same_for_everybody_who_asks(office: Office) -> None:
    epochs = {await office.read(read_epoch) for _ in range(3)}
    assert len(epochs) == 1
    assert re.fullmatch("[0-9a-f]{8}", epochs.pop())


async def test_only_what_takes_rights_away_is_a_revocation(office: Office) -> None:
    owner = await office.person()
    workspace_id = await office.workspace(owner)
    member = await office.member(owner, workspace_id, Role.MEMBER)
    membership_id = (await office.grant(member, workspace_id)).membership_id
    await office.task(owner, workspace_id, "Stays as it is")
    after = office.committed[-1].seq - 1

    async def is_there(session: Session, after: int) -> bool:
        return await has_revocations(session, workspace_id, after=after)

    assert not await office.read(is_there, after)
    await office.do(owner, lambda uow: members.remove_member(uow, membership_id))
    assert await office.read(is_there, after)
    assert not await office.read(is_there, office.committed[-1].seq)
