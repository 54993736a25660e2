"""Root fields of tasks."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain import archiving, bulk, ids, tasks
from domain.errors import Invalid, Refusal, Refusals
from domain.ids import of_kind
from domain.merge import Base
from domain.ordering import LAST
from domain.ordering import Position as Place
from domain.outcomes import ChangedField
from resolvers.mutate import Work, listed, mutate, patch
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given


def place_of(kind: str, position: inputs.Position | None) -> Place | None:
    """A place by intent; None where none was given. Raises NotFound for an anchor that is no id."""
    asked = given(position)
    if asked is None:
        return None
    before, after, edge = given(asked.before), given(asked.after), given(asked.edge)
    if before is not None:
        return Place("before", ids.parse(kind, before, "position", "before"))
    if after is not None:
        return Place("after", ids.parse(kind, after, "position", "after"))
    return Place("first" if edge is not None and edge.name == "FIRST" else "last")


def optional_id(kind: str, global_id: strawberry.ID | None, path: str) -> UUID | None:
    """The UUID of an optional id; None where it was left out. Raises NotFound."""
    found = given(global_id)
    return None if found is None else ids.parse(kind, found, path)


def _task_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("task", global_id, "id")


def _edit(input: inputs.UpdateTaskInput) -> tuple[dict[ChangedField, Any], tasks.SetPatch, Base]:
    """What an update says of a task. Raises NotFound for what is no id."""
    fields = patch(
        {
            ChangedField.TITLE: input.title,
            ChangedField.DESCRIPTION: input.description,
            ChangedField.PRIORITY: input.priority,
            ChangedField.START_DATE: input.start_date,
            ChangedField.DUE_DATE: input.due_date,
            ChangedField.ESTIMATE: input.estimate,
        }
    )
    if input.status_id is not None:
        fields[ChangedField.STATUS] = optional_id("status", input.status_id.value, "statusId")
    if input.parent_id is not None:
        fields[ChangedField.PARENT] = optional_id("task", input.parent_id.value, "parentId")
    sets = tasks.SetPatch(
        add_assignees=ids.parse_all("user", listed(input.add_assignee_ids), "addAssigneeIds"),
        remove_assignees=ids.parse_all("user", listed(input.remove_assignee_ids), "removeAssigneeIds"),
        add_labels=ids.parse_all("label", listed(input.add_label_ids), "addLabelIds"),
        remove_labels=ids.parse_all("label", listed(input.remove_label_ids), "removeLabelIds"),
    )
    base = Base(given(input.base_version), input.on_conflict)
    return fields, sets, base


def _bulk_edit(place: int, input: inputs.UpdateTaskInput) -> bulk.Edit:
    if given(input.client_mutation_id) is not None:
        raise Invalid("The key is that of the whole mutation.", "clientMutationId")
    return bulk.Edit(place, _task_id(input.id), *_edit(input))


def _bulk_edits(updates: list[inputs.UpdateTaskInput]) -> list[bulk.Edit]:
    """Raises Refusals, each with the place of its item."""
    bulk.within_limit(len(updates))
    problems = bulk.Problems()
    edits = []
    for place, update in enumerate(updates):
        try:
            edits.append(_bulk_edit(place, update))
        except Refusal as refused:
            problems.at(place, refused)
    problems.done()
    return edits


@strawberry.type
class TaskMutation:
    @strawberry.mutation(description="Create a task.")
    async def create_task(
        self, info: Info, input: Annotated[inputs.CreateTaskInput, strawberry.argument(description="The new task.")]
    ) -> payloads.CreateTaskPayload:
        def work() -> Work:
            new = tasks.NewTask(
                id=ids.minted("task", given(input.id), "id"),
                workspace_id=ids.parse("workspace", input.workspace_id, "workspaceId"),
                title=input.title,
                description=given(input.description),
                project_id=optional_id("project", input.project_id, "projectId"),
                parent_id=optional_id("task", input.parent_id, "parentId"),
                status_id=optional_id("status", input.status_id, "statusId"),
                priority=given(input.priority),
                start_date=given(input.start_date),
                due_date=given(input.due_date),
                estimate=given(input.estimate),
                assignee_ids=ids.parse_all("user", listed(input.assignee_ids), "assigneeIds"),
                label_ids=ids.parse_all("label", listed(input.label_ids), "labelIds"),
                position=place_of("task", input.position) or LAST,
            )
            return lambda uow: tasks.create_task(uow, new)

        return await mutate(info, payloads.CreateTaskPayload, input, work)

    @strawberry.mutation(description="Change fields of a task; what is left out stays.")
    async def update_task(
        self, info: Info, input: Annotated[inputs.UpdateTaskInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateTaskPayload:
        def work() -> Work:
            task_id = _task_id(input.id)
            fields, sets, base = _edit(input)
            return lambda uow: tasks.update_task(uow, task_id, fields, sets, base)

        shows = {"task": lambda: _task_id(input.id)}
        return await mutate(info, payloads.UpdateTaskPayload, input, work, shows=shows)

    @strawberry.mutation(
        description="Change fields of up to 100 tasks of a workspace: all or nothing, in one batch of events."
    )
    async def bulk_update_tasks(
        self,
        info: Info,
        input: Annotated[inputs.BulkUpdateTasksInput, strawberry.argument(description="What changes.")],
    ) -> payloads.BulkUpdateTasksPayload:
        def work() -> Work:
            edits = _bulk_edits(input.updates)
            return lambda uow: bulk.update_tasks(uow, edits)

        def shown(_: Refusal | Refusals) -> dict[str, Any]:
            found = [of_kind("task", one.id) for one in input.updates[: bulk.MAX_UPDATES]]
            return {"tasks": [str(one) for one in found if one is not None]}

        return await mutate(info, payloads.BulkUpdateTasksPayload, input, work, shows_refused=shown)

    @strawberry.mutation(description="Move a task: project, column and place in one step.")
    async def move_task(
        self, info: Info, input: Annotated[inputs.MoveTaskInput, strawberry.argument(description="Where it goes.")]
    ) -> payloads.MoveTaskPayload:
        def work() -> Work:
            task_id = _task_id(input.id)
            fields: dict[ChangedField, UUID | None] = {}
            if input.project_id is not None:
                fields[ChangedField.PROJECT] = optional_id("project", input.project_id.value, "projectId")
            if input.status_id is not None:
                fields[ChangedField.STATUS] = optional_id("status", input.status_id.value, "statusId")
            place = place_of("task", input.position)
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: tasks.move_task(uow, task_id, fields, place, base)

        shows = {"task": lambda: _task_id(input.id)}
        return await mutate(info, payloads.MoveTaskPayload, input, work, shows=shows)

    @strawberry.mutation(description="Take a task out of the lists.")
    async def archive_task(
        self, info: Info, input: Annotated[inputs.ArchiveTaskInput, strawberry.argument(description="Which task.")]
    ) -> payloads.ArchiveTaskPayload:
        def work() -> Work:
            task_id = _task_id(input.id)
            return lambda uow: archiving.archive_task(uow, task_id, given(input.base_version))

        shows = {"task": lambda: _task_id(input.id)}
        return await mutate(info, payloads.ArchiveTaskPayload, input, work, shows=shows)

    @strawberry.mutation(description="Bring back a deleted task, or take one out of the archive.")
    async def restore_task(
        self, info: Info, input: Annotated[inputs.RestoreTaskInput, strawberry.argument(description="Which task.")]
    ) -> payloads.RestoreTaskPayload:
        def work() -> Work:
            task_id = _task_id(input.id)
            return lambda uow: archiving.restore_task(uow, task_id)

        shows = {"task": lambda: _task_id(input.id)}
        return await mutate(info, payloads.RestoreTaskPayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a task. Soft; restorable for 30 days.")
    async def delete_task(
        self, info: Info, input: Annotated[inputs.DeleteTaskInput, strawberry.argument(description="Which task.")]
    ) -> payloads.DeleteTaskPayload:
        def work() -> Work:
            task_id = _task_id(input.id)
            return lambda uow: archiving.delete_task(uow, task_id, given(input.base_version))

        return await mutate(info, payloads.DeleteTaskPayload, input, work)
