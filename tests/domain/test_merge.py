"""What two people changed at once: judged by a model that knows every version there was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import tasks as task_rows
from db.history import changes_since
from db.models import Actor, ChangedField, Priority, Role, Task
from domain.errors import Conflict, Invalid
from domain.merge import Base, ConflictPolicy
from domain.task_fields import shown
from domain.tasks import SetPatch, update_task
from tests.db.office import Office, bounded

VALUES: dict[ChangedField, list[Any]] = {
    ChangedField.TITLE: ["One", "Two", "Three"],
    ChangedField.PRIORITY: [Priority.LOW, Priority.HIGH],
    ChangedField.DUE_DATE: [None, date(2026, 3, 1), date(2026, 3, 2)],
    ChangedField.ESTIMATE: [None, 1.0],
}
PATCHES = st.fixed_dictionaries({}, optional={field: st.sampled_from(values) for field, values in VALUES.items()})
LABEL_STEPS = st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 1)) | st.none()
STEPS = st.tuples(PATCHES, LABEL_STEPS)


@dataclass(frozen=True)
class Desk:
    office: Office
    ann: Actor
    bob: Actor
    workspace_id: UUID
    labels: tuple[UUID, UUID]

    def sets(self, step: tuple[str, int] | None) -> SetPatch:
        if step is None:
            return SetPatch()
        one = [self.labels[step[1]]]
        return SetPatch(add_labels=one) if step[0] == "add" else SetPatch(remove_labels=one)

    async def update(self, actor: Actor, task_id: UUID, patch: Any, sets: SetPatch, base: Base) -> Any:
        return await self.office.do(actor, lambda uow: update_task(uow, task_id, patch, sets, base))

    async def read(self, task_id: UUID) -> Task:
        found = await self.office.read(task_rows.tasks_by_ids, await self.office.scope(self.ann), [task_id])
        return found[task_id]


@pytest.fixture(scope="module")
async def desk(office: Office) -> Desk:
    ann = await office.person()
    workspace_id = await office.workspace(ann)
    bob = await office.member(ann, workspace_id, Role.MEMBER)
    labels = [await office.label(ann, workspace_id, name) for name in ("bug", "help")]
    return Desk(office, ann, bob, workspace_id, (labels[0], labels[1]))


def value(task: Task, field: ChangedField) -> Any:
    return getattr(task, field.value.lower()) if field is not ChangedField.LABELS else task.label_ids


@bounded(25)
@given(
    theirs=st.lists(STEPS, max_size=4),
    back=st.integers(0, 4),
    mine=STEPS,
    policy=st.sampled_from(ConflictPolicy),
)
async def test_fields_go_together_unless_both_changed_the_same(
    desk: Desk, theirs: list[Any], back: int, mine: Any, policy: ConflictPolicy
) -> None:
    task_id = await desk.office.task(desk.ann, desk.workspace_id, "One")
    versions = [await desk.read(task_id)]
    for patch, step in theirs:
        await desk.update(desk.bob, task_id, patch, desk.sets(step), Base())
        now = await desk.read(task_id)
        if now.version != versions[-1].version:
            versions.append(now)
    now, base = versions[-1], versions[max(0, len(versions) - 1 - back)]
    patch, step = mine
    told = len(desk.office.committed)

    since = versions[base.version - 1 :]
    touched = {
        field
        for field in (*VALUES, ChangedField.LABELS)
        if any(value(one, field) != value(next_, field) for one, next_ in pairwise(since))
    }
    # What is asked as it was in the base is not a change, so where they changed it theirs stays.
    kept = {field for field in touched & set(patch) if patch[field] == value(base, field)}
    wanted = {field: asked for field, asked in patch.items() if asked != value(now, field) and field not in kept}
    if policy is ConflictPolicy.REJECT:
        clashing = touched if base.version != now.version else set()
    else:
        clashing = touched & set(wanted)

    updating = desk.update(desk.ann, task_id, patch, desk.sets(step), Base(base.version, policy))
    if clashing:
        with pytest.raises(Conflict) as refused:
            await updating
        assert refused.value.current_version == now.version
        assert {one.field for one in refused.value.conflicts} == clashing
        for one in refused.value.conflicts:
            assert one.base == shown(one.field, value(base, one.field))
            assert one.theirs == shown(one.field, value(now, one.field))
            assert one.changed_by == desk.bob.ref
            assert one.changed_at in {version.updated_at for version in since[1:]}
            if one.field in patch:
                assert one.yours == shown(one.field, patch[one.field])
        assert await desk.read(task_id) == now
        assert len(desk.office.committed) == told
        return
    outcome = await updating
    after = await desk.read(task_id)
    for field in VALUES:
        assert value(after, field) == (value(now, field) if field in kept else patch.get(field, value(now, field)))
    expected = set(now.label_ids)
    if step is not None:
        expected = expected | {desk.labels[step[1]]} if step[0] == "add" else expected - {desk.labels[step[1]]}
    assert set(after.label_ids) == expected
    has_changed = bool(wanted) or expected != set(now.label_ids)
    assert after.version == now.version + has_changed
    merged_fields = {field for field in touched if value(after, field) != value(now, field)}
    merged_fields |= {field for field in kept if patch[field] != value(now, field)}
    assert set(outcome.merged) == {field.value for field in merged_fields if base.version != now.version}


@pytest.mark.parametrize("version", [0, -1, 3, 2**31 - 1])
async def test_a_base_that_never_was_is_refused(desk: Desk, version: int) -> None:
    task_id = await desk.office.task(desk.ann, desk.workspace_id, "One")
    await desk.update(desk.ann, task_id, {ChangedField.TITLE: "Two"}, SetPatch(), Base())
    for policy in ConflictPolicy:
        with pytest.raises(Invalid) as refused:
            await desk.update(desk.ann, task_id, {ChangedField.TITLE: "Three"}, SetPatch(), Base(version, policy))
        assert refused.value.path == ("baseVersion",)
    assert (await desk.read(task_id)).title == "Two"


async def test_without_a_base_the_later_write_wins_and_history_keeps_the_other(desk: Desk) -> None:
    task_id = await desk.office.task(desk.ann, desk.workspace_id, "One")
    await desk.update(desk.bob, task_id, {ChangedField.TITLE: "Two"}, SetPatch(), Base())
    await desk.update(desk.ann, task_id, {ChangedField.TITLE: "Three"}, SetPatch(), Base())
    history = await desk.office.read(changes_since, desk.workspace_id, task_id, 0)
    steps = [(one.before, one.after) for change in history for one in change.fields]
    assert steps == [("One", "Two"), ("Two", "Three")]
    assert [change.actor for change in history] == [desk.bob.ref, desk.ann.ref]
    assert [change.version for change in history] == [2, 3]
