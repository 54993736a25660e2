"""Root fields of projects, statuses and labels."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import strawberry

from domain import arrangement, ids
from domain.merge import Base
from domain.ordering import LAST
from domain.outcomes import ChangedField
from resolvers.mutate import Work, mutate, patch
from resolvers.tasks import optional_id, place_of
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given


def _project_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("project", global_id, "id")


def _status_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("status", global_id, "id")


def _label_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("label", global_id, "id")


@strawberry.type
class ProjectMutation:
    @strawberry.mutation(description="Create a project.")
    async def create_project(
        self,
        info: Info,
        input: Annotated[inputs.CreateProjectInput, strawberry.argument(description="The new project.")],
    ) -> payloads.CreateProjectPayload:
        def work() -> Work:
            workspace_id = ids.parse("workspace", input.workspace_id, "workspaceId")
            project_id = ids.minted("project", given(input.id), "id")
            values = {
                ChangedField.NAME: input.name,
                ChangedField.KEY: given(input.key),
                ChangedField.DESCRIPTION: given(input.description),
                ChangedField.COLOR: given(input.color),
            }
            return lambda uow: arrangement.create_project(uow, workspace_id, project_id, values)

        return await mutate(info, payloads.CreateProjectPayload, input, work)

    @strawberry.mutation(description="Change fields of a project; what is left out stays.")
    async def update_project(
        self, info: Info, input: Annotated[inputs.UpdateProjectInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateProjectPayload:
        def work() -> Work:
            project_id = _project_id(input.id)
            fields = patch(
                {
                    ChangedField.NAME: input.name,
                    ChangedField.KEY: input.key,
                    ChangedField.DESCRIPTION: input.description,
                    ChangedField.COLOR: input.color,
                    ChangedField.ARCHIVED: input.archived,
                }
            )
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: arrangement.update_project(uow, project_id, fields, base)

        shows = {"project": lambda: _project_id(input.id)}
        return await mutate(info, payloads.UpdateProjectPayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a project; its tasks go elsewhere.")
    async def delete_project(
        self, info: Info, input: Annotated[inputs.DeleteProjectInput, strawberry.argument(description="Which project.")]
    ) -> payloads.DeleteProjectPayload:
        def work() -> Work:
            project_id = _project_id(input.id)
            target = optional_id("project", input.move_tasks_to_project_id, "moveTasksToProjectId")
            return lambda uow: arrangement.delete_project(uow, project_id, target)

        return await mutate(info, payloads.DeleteProjectPayload, input, work)


@strawberry.type
class StatusMutation:
    @strawberry.mutation(description="Create a status.")
    async def create_status(
        self, info: Info, input: Annotated[inputs.CreateStatusInput, strawberry.argument(description="The new status.")]
    ) -> payloads.CreateStatusPayload:
        def work() -> Work:
            workspace_id = ids.parse("workspace", input.workspace_id, "workspaceId")
            status_id = ids.minted("status", given(input.id), "id")
            values = {
                ChangedField.NAME: input.name,
                ChangedField.CATEGORY: input.category,
                ChangedField.COLOR: given(input.color),
            }
            place = place_of("status", input.position) or LAST
            return lambda uow: arrangement.create_status(uow, workspace_id, status_id, values, place)

        return await mutate(info, payloads.CreateStatusPayload, input, work)

    @strawberry.mutation(description="Change fields of a status; what is left out stays.")
    async def update_status(
        self, info: Info, input: Annotated[inputs.UpdateStatusInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateStatusPayload:
        def work() -> Work:
            status_id = _status_id(input.id)
            fields = patch(
                {
                    ChangedField.NAME: input.name,
                    ChangedField.CATEGORY: input.category,
                    ChangedField.COLOR: input.color,
                }
            )
            place = place_of("status", input.position)
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: arrangement.update_status(uow, status_id, fields, place, base)

        shows = {"status": lambda: _status_id(input.id)}
        return await mutate(info, payloads.UpdateStatusPayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a status; its tasks go to another.")
    async def delete_status(
        self, info: Info, input: Annotated[inputs.DeleteStatusInput, strawberry.argument(description="Which status.")]
    ) -> payloads.DeleteStatusPayload:
        def work() -> Work:
            status_id = _status_id(input.id)
            target = ids.parse("status", input.move_tasks_to_status_id, "moveTasksToStatusId")
            return lambda uow: arrangement.delete_status(uow, status_id, target)

        return await mutate(info, payloads.DeleteStatusPayload, input, work)


@strawberry.type
class LabelMutation:
    @strawberry.mutation(description="Create a label.")
    async def create_label(
        self, info: Info, input: Annotated[inputs.CreateLabelInput, strawberry.argument(description="The new label.")]
    ) -> payloads.CreateLabelPayload:
        def work() -> Work:
            workspace_id = ids.parse("workspace", input.workspace_id, "workspaceId")
            label_id = ids.minted("label", given(input.id), "id")
            values = {ChangedField.NAME: input.name, ChangedField.COLOR: given(input.color)}
            return lambda uow: arrangement.create_label(uow, workspace_id, label_id, values)

        return await mutate(info, payloads.CreateLabelPayload, input, work)

    @strawberry.mutation(description="Change fields of a label; what is left out stays.")
    async def update_label(
        self, info: Info, input: Annotated[inputs.UpdateLabelInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateLabelPayload:
        def work() -> Work:
            label_id = _label_id(input.id)
            fields = patch({ChangedField.NAME: input.name, ChangedField.COLOR: input.color})
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: arrangement.update_label(uow, label_id, fields, base)

        shows = {"label": lambda: _label_id(input.id)}
        return await mutate(info, payloads.UpdateLabelPayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a label; it comes off every task.")
    async def delete_label(
        self, info: Info, input: Annotated[inputs.DeleteLabelInput, strawberry.argument(description="Which label.")]
    ) -> payloads.DeleteLabelPayload:
        def work() -> Work:
            label_id = _label_id(input.id)
            return lambda uow: arrangement.delete_label(uow, label_id)

        return await mutate(info, payloads.DeleteLabelPayload, input, work)
