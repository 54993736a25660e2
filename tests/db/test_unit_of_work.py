"""The write path: one transaction for rows, history, events and the idempotency key; retried, rechecked, told after."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import func, select, text

from db import tables, tasks
from db.errors import Busy, Duplicate
from db.history import changes_since
from db.ids import new_id
from db.log import heads_by_workspace_ids, read_events
from db.models import Actor, ChangedField, Event, FieldChange, Permission, Role
from db.unit_of_work import MAX_ATTEMPTS, Key, KeyReused, Outcome, UnitOfWork, Writer, now
from domain import access, arrangement, members
from domain.errors import NotFound
from domain.merge import Base
from domain.tasks import SetPatch, update_task
from tests.db.office import Office
from tests.stack_fixture import TestStack, apart


async def seq_of(office: Office, workspace_id: UUID) -> int:
    heads = await office.read(heads_by_workspace_ids, [workspace_id])
    return heads[workspace_id].seq


async def title_of(office: Office, actor: Actor, task_id: UUID) -> str:
    found = await office.read(tasks.tasks_by_ids, await office.scope(actor), [task_id])
    return found[task_id].title


async def rename(uow: UnitOfWork, task_id: UUID, title: str) -> Outcome:
    return await update_task(uow, task_id, {ChangedField.TITLE: title}, SetPatch(), Base())


async def lock(uow: UnitOfWork, task_id: UUID) -> None:
    await uow.execute(select(tables.tasks.c.id).where(tables.tasks.c.id == task_id).with_for_update())


# ---- locks


async def test_of_two_units_that_lock_in_opposite_order_both_are_done(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    one, two = [await office.task(ann, workspace_id, title) for title in ("One", "Two")]
    both_hold = asyncio.Barrier(2)
    attempts: list[str] = []

    async def unit(name: str, first: UUID, second: UUID, uow: UnitOfWork) -> Outcome:
        attempts.append(name)
        await lock(uow, first)
        if attempts.count(name) == 1:
            await both_hold.wait()
        await lock(uow, second)
        await rename(uow, first, f"{name} was here")
        return await rename(uow, second, f"{name} was here")

    await asyncio.gather(
        office.do(ann, lambda uow: unit("ann", one, two, uow)), office.do(ann, lambda uow: unit("bob", two, one, uow))
    )
    assert len(attempts) == 3, "PostgreSQL broke the deadlock by ending one of them, which was tried again"
    titles = {await title_of(office, ann, one), await title_of(office, ann, two)}
    assert titles == {f"{attempts[-1]} was here"}


async def test_a_lock_not_had_in_time_is_tried_for_again(office: Office) -> None:
    ann = await office.person()
    task_id = await office.task(ann, await office.workspace(ann))
    attempts = 0
    let_go = asyncio.Event()
    is_held = asyncio.Event()

    async def hold() -> None:
        async with office.database.transaction() as connection:
            await connection.execute(select(tables.tasks.c.id).where(tables.tasks.c.id == task_id).with_for_update())
            is_held.set()
            await let_go.wait()

    async def unit(uow: UnitOfWork) -> Outcome:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            let_go.set()
            await holding
        await uow.execute(text("SET LOCAL lock_timeout = '100ms'"))
        return await rename(uow, task_id, "Done")

    holding = asyncio.create_task(hold())
    await is_held.wait()
    await office.do(ann, unit)
    assert attempts == 2
    assert await title_of(office, ann, task_id) == "Done"


async def test_after_some_attempts_a_unit_gives_up_and_nothing_was_written(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    task_id = await office.task(ann, workspace_id, "Before")
    before, told, attempts = await seq_of(office, workspace_id), len(office.committed), 0
    key = Key(uuid4(), b"same")

    async def unit(uow: UnitOfWork) -> Outcome:
        nonlocal attempts
        attempts += 1
        await rename(uow, task_id, "After")
        raise Busy("The rows are locked by somebody else.")

    with pytest.raises(Busy):
        await office.do(ann, unit, key)
    assert attempts == MAX_ATTEMPTS
    assert await title_of(office, ann, task_id) == "Before"
    assert (await seq_of(office, workspace_id), len(office.committed)) == (before, told)
    # The key is free again.
    assert not (await office.do(ann, lambda uow: rename(uow, task_id, "After"), key)).is_replay


# ---- the right, judged once more under the lock


async def test_a_write_waiting_for_the_log_while_its_author_is_removed_is_refused(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    bob = await office.member(ann, workspace_id, Role.MEMBER)
    membership_id = (await office.grant(bob, workspace_id)).membership_id
    task_id = await office.task(ann, workspace_id, "Before")
    passed_the_door, has_the_head = asyncio.Event(), asyncio.Event()

    async def write(uow: UnitOfWork) -> Outcome:
        outcome = await rename(uow, task_id, "After")
        passed_the_door.set()
        await has_the_head.wait()
        return outcome

    async def remove(uow: UnitOfWork) -> Outcome:
        await passed_the_door.wait()

        async def now_the_head_is_ours() -> None:
            has_the_head.set()
            # Bob's unit stands before the head now, and must still be there when the removal commits.
            await waiting_for_a_lock(office)

        uow.recheck("test", now_the_head_is_ours)
        return await members.remove_member(uow, membership_id)

    results = await asyncio.gather(office.do(bob, write), office.do(ann, remove), return_exceptions=True)
    assert isinstance(results[0], NotFound), results
    assert isinstance(results[1], Outcome), results
    assert await title_of(office, ann, task_id) == "Before"


async def waiting_for_a_lock(office: Office) -> None:
    """Return once some transaction of this database waits for another's."""
    async with asyncio.timeout(30), office.database.transaction() as connection:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND wait_event = 'transactionid'"
        )
        while (await connection.execute(query)).scalar_one() == 0:
            await connection.execute(text("SELECT pg_stat_clear_snapshot()"))


async def test_rights_change_last_so_that_they_are_judged_by_what_they_were(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    bob = await office.member(ann, workspace_id, Role.ADMIN)
    grant = await office.grant(bob, workspace_id)
    steps: list[str] = []

    async def leave(uow: UnitOfWork) -> Outcome:
        await access.permitted(uow, workspace_id, Permission.TASK_WRITE)

        async def judge() -> None:
            steps.append("judged")

        async def change() -> None:
            steps.append("changed")

        uow.recheck("steps", judge)
        uow.recheck("steps", judge)  # one judgement per key
        uow.change_rights(change)
        return await members.leave_workspace(uow, workspace_id)

    await office.do(bob, leave)
    assert steps == ["judged", "changed"]
    assert grant.workspace_id not in (await office.scope(bob)).workspace_ids


async def test_where_nothing_happened_nothing_is_judged_again(office: Office) -> None:
    ann = await office.person()

    async def read_only(uow: UnitOfWork) -> Outcome:
        async def judge() -> None:
            raise AssertionError("There is no head to judge under.")

        uow.recheck("never", judge)
        return Outcome()

    assert (await office.do(ann, read_only)).cursor is None


# ---- telling


async def test_a_unit_that_has_ended_leaves_nothing_that_must_be_searched_for(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    task_id = await office.task(ann, workspace_id, "One")
    units: list[weakref.ref[UnitOfWork]] = []

    async def unit(uow: UnitOfWork) -> Outcome:
        units.append(weakref.ref(uow))
        return await rename(uow, task_id, "Two")

    gc.disable()
    try:
        await office.do(ann, unit)
        assert units[0]() is None
    finally:
        gc.enable()


async def test_what_was_told_is_in_the_log_already(stack: TestStack, office: Office) -> None:
    seen: list[tuple[int, int]] = []

    def on_commit(events: Sequence[Event]) -> None:
        """Looks into the database at once, on a connection of its own."""

        async def look() -> None:
            connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", "", 1))
            try:
                query = "SELECT count(*) FROM events WHERE workspace_id = $1"
                seen.append((len(events), await connection.fetchval(query, events[0].workspace_id)))
            finally:
                await connection.close()

        apart(look())

    ann = await office.person()
    workspace_id = await office.workspace(ann)
    before = await seq_of(office, workspace_id)
    writer = Writer(office.database, on_commit)
    values = {ChangedField.NAME: "Bug"}
    await writer.run(ann, lambda uow: arrangement.create_label(uow, workspace_id, new_id(), values))
    assert seen == [(1, before + 1)]


async def test_nothing_is_told_of_what_was_refused_or_changed_nothing(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    task_id = await office.task(ann, workspace_id, "Same")
    before = len(office.committed)
    assert (await office.do(ann, lambda uow: rename(uow, task_id, "Same"))).cursor is None

    async def refused(uow: UnitOfWork) -> Outcome:
        await rename(uow, task_id, "Other")
        raise NotFound("task_0", "id")

    with pytest.raises(NotFound):
        await office.do(ann, refused)
    assert len(office.committed) == before
    assert await title_of(office, ann, task_id) == "Same"


async def test_rows_history_and_events_say_the_same(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    task_id = await office.task(ann, workspace_id, "Before")
    before = await seq_of(office, workspace_id)
    outcome = await office.do(ann, lambda uow: rename(uow, task_id, "After"))
    (event,) = await office.read(lambda session: read_events(session, workspace_id, after=before, through=before + 9))
    (change,) = await office.read(changes_since, workspace_id, task_id, 1)
    expected = (FieldChange(ChangedField.TITLE, "Before", "After"),)
    assert event.changes == change.fields == expected
    assert event.image is not None
    assert (event.image["title"], event.image["version"]) == ("After", change.version)
    assert outcome.cursor == (workspace_id, event.seq)
    assert outcome.change_set_id == change.change_set_id
    assert change.actor == event.actor == ann.ref
    assert change.at == event.occurred_at


def test_the_present_instant_is_what_the_api_shows_of_it() -> None:
    assert all(now().microsecond % 1000 == 0 for _ in range(50))


# ---- idempotency


async def test_a_key_used_again_answers_the_first_outcome_and_does_nothing(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    task_id = await office.task(ann, workspace_id, "0")
    key = Key(uuid4(), b"input")
    runs = 0

    async def unit(uow: UnitOfWork) -> Outcome:
        nonlocal runs
        runs += 1
        await rename(uow, task_id, str(runs))
        return Outcome({"task": str(task_id), "many": [str(task_id)]}, ("TITLE",))

    first = await office.do(ann, unit, key)
    told = len(office.committed)
    again = await office.do(ann, unit, key)
    assert runs == 1
    assert len(office.committed) == told
    assert again == Outcome(first.ids, first.merged, first.cursor, first.change_set_id, is_replay=True)
    assert not first.is_replay
    assert office.committed[-1].client_mutation_id == key.client_mutation_id


async def test_a_key_with_another_input_is_refused_also_while_the_first_runs(office: Office) -> None:
    ann = await office.person()
    one = uuid4()
    await office.do(ann, nothing, Key(one, b"input"))
    with pytest.raises(KeyReused):
        await office.do(ann, nothing, Key(one, b"other"))
    two, is_running = uuid4(), asyncio.Event()

    async def slow(uow: UnitOfWork) -> Outcome:
        is_running.set()
        await waiting_for_a_lock(office)
        return Outcome()

    running = asyncio.create_task(office.do(ann, slow, Key(two, b"input")))
    await is_running.wait()
    with pytest.raises(KeyReused):
        await office.do(ann, nothing, Key(two, b"other"))
    assert not (await running).is_replay


async def nothing(uow: UnitOfWork) -> Outcome:
    return Outcome({"task": "x"})


async def test_of_ten_at_once_with_one_key_one_does_it_and_nine_answer_the_same(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    key = Key(uuid4(), b"input")

    async def unit(uow: UnitOfWork) -> Outcome:
        return await arrangement.create_label(uow, workspace_id, new_id(), {ChangedField.NAME: "Bug"})

    outcomes = await asyncio.gather(*(office.do(ann, unit, key) for _ in range(10)))
    assert sorted(one.is_replay for one in outcomes) == [False, *[True] * 9]
    assert len({(one.ids["label"], one.cursor, one.change_set_id) for one in outcomes}) == 1


async def test_a_key_of_what_failed_is_free_and_another_person_s_is_another(office: Office) -> None:
    ann, bob = await office.person(), await office.person("Bob")
    key = Key(uuid4(), b"input")

    async def fails(uow: UnitOfWork) -> Outcome:
        raise NotFound("task_0", "id")

    with pytest.raises(NotFound):
        await office.do(ann, fails, key)
    for person in (ann, bob):
        assert not (await office.do(person, nothing, key)).is_replay
        assert (await office.do(person, nothing, key)).is_replay


async def test_of_two_at_once_the_second_does_it_when_the_first_is_refused(office: Office) -> None:
    ann = await office.person()
    key, is_running = Key(uuid4(), b"input"), asyncio.Event()

    async def fails(uow: UnitOfWork) -> Outcome:
        is_running.set()
        await waiting_for_a_lock(office)
        raise NotFound("task_0", "id")

    first = asyncio.create_task(office.do(ann, fails, key))
    await is_running.wait()
    second = await office.do(ann, nothing, key)
    assert not second.is_replay
    with pytest.raises(NotFound):
        await first


# ---- what is kept


async def test_no_secret_can_be_in_what_a_key_keeps(office: Office) -> None:
    """Ids, the cursor, the fields: there is no place for more."""
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    key = Key(uuid4(), b"input")
    await office.do(
        ann, lambda uow: arrangement.create_label(uow, workspace_id, new_id(), {ChangedField.NAME: "Bug"}), key
    )

    async def read(session: Any) -> Any:
        query = select(tables.idempotency.c.outcome).where(
            tables.idempotency.c.client_mutation_id == key.client_mutation_id
        )
        return (await session.execute(query)).scalar_one()

    assert set(await office.read(read)) == {"ids", "merged", "cursor", "change_set_id"}


async def test_a_taken_name_is_a_duplicate_that_names_the_rule(office: Office) -> None:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    label_id = await office.label(ann, workspace_id, "Bug")

    async def insert_again(uow: UnitOfWork) -> Outcome:
        row = {"id": new_id(), "workspace_id": workspace_id, "name": "BUG", "color": "#000000"}
        stamps = {"created_at": uow.now, "updated_at": uow.now}
        await uow.execute(tables.labels.insert().values(**row, **stamps))
        return Outcome()

    with pytest.raises(Duplicate) as refused:
        await office.do(ann, insert_again)
    assert refused.value.constraint == "uq_labels_name"

    async def count(session: Any) -> int:
        query = select(func.count()).select_from(tables.labels).where(tables.labels.c.workspace_id == workspace_id)
        return int((await session.execute(query)).scalar_one())

    assert await office.read(count) == 1
    assert label_id
