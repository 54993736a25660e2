"""Root fields of workspaces, members and invites."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import strawberry

from domain import accounts, ids, invites, members, workspaces
from domain.merge import Base
from domain.outcomes import ChangedField, Outcome, UnitOfWork
from resolvers.mutate import Work, listed, mutate, patch
from schema import inputs, payloads
from schema.context import Info
from schema.nodes import given
from schema.scalars import Url


def _workspace_id(global_id: strawberry.ID) -> UUID:
    return ids.parse("workspace", global_id, "id")


def _membership_id(global_id: strawberry.ID, path: str = "id") -> UUID:
    return ids.parse("membership", global_id, path)


@strawberry.type
class WorkspaceMutation:
    @strawberry.mutation(description="Create a team workspace.")
    async def create_workspace(
        self,
        info: Info,
        input: Annotated[inputs.CreateWorkspaceInput, strawberry.argument(description="The new workspace.")],
    ) -> payloads.CreateWorkspacePayload:
        def work() -> Work:
            workspace_id = ids.minted("workspace", given(input.id), "id")
            values = {
                ChangedField.NAME: input.name,
                ChangedField.SLUG: given(input.slug),
                ChangedField.KEY: given(input.key),
                ChangedField.DESCRIPTION: given(input.description),
            }
            return lambda uow: workspaces.create_workspace(uow, workspace_id, values)

        return await mutate(info, payloads.CreateWorkspacePayload, input, work)

    @strawberry.mutation(description="Change fields of a workspace; what is left out stays.")
    async def update_workspace(
        self,
        info: Info,
        input: Annotated[inputs.UpdateWorkspaceInput, strawberry.argument(description="What changes.")],
    ) -> payloads.UpdateWorkspacePayload:
        def work() -> Work:
            workspace_id = _workspace_id(input.id)
            fields = patch(
                {
                    ChangedField.NAME: input.name,
                    ChangedField.SLUG: input.slug,
                    ChangedField.KEY: input.key,
                    ChangedField.DESCRIPTION: input.description,
                }
            )
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: workspaces.update_workspace(uow, workspace_id, fields, base)

        shows = {"workspace": lambda: _workspace_id(input.id)}
        return await mutate(info, payloads.UpdateWorkspacePayload, input, work, shows=shows)

    @strawberry.mutation(description="Delete a team workspace, for good and for everybody.")
    async def delete_workspace(
        self,
        info: Info,
        input: Annotated[inputs.DeleteWorkspaceInput, strawberry.argument(description="Which workspace.")],
    ) -> payloads.DeleteWorkspacePayload:
        def work() -> Work:
            workspace_id = _workspace_id(input.id)
            return lambda uow: workspaces.delete_workspace(uow, workspace_id, given(input.base_version))

        return await mutate(info, payloads.DeleteWorkspacePayload, input, work)

    @strawberry.mutation(description="Leave a workspace.")
    async def leave_workspace(
        self,
        info: Info,
        input: Annotated[inputs.LeaveWorkspaceInput, strawberry.argument(description="Which workspace.")],
    ) -> payloads.LeaveWorkspacePayload:
        def work() -> Work:
            workspace_id = _workspace_id(input.id)
            return lambda uow: members.leave_workspace(uow, workspace_id)

        return await mutate(info, payloads.LeaveWorkspacePayload, input, work)

    @strawberry.mutation(description="Make another member the OWNER.")
    async def transfer_workspace(
        self,
        info: Info,
        input: Annotated[inputs.TransferWorkspaceInput, strawberry.argument(description="Which, and to whom.")],
    ) -> payloads.TransferWorkspacePayload:
        def work() -> Work:
            workspace_id = _workspace_id(input.id)
            heir_id = _membership_id(input.to_membership_id, "toMembershipId")
            return lambda uow: workspaces.transfer_workspace(uow, workspace_id, heir_id)

        shows = {"workspace": lambda: _workspace_id(input.id)}
        return await mutate(info, payloads.TransferWorkspacePayload, input, work, shows=shows)


@strawberry.type
class InviteMutation:
    @strawberry.mutation(description="Make a link that lets people in.")
    async def create_invite(
        self, info: Info, input: Annotated[inputs.CreateInviteInput, strawberry.argument(description="For whom.")]
    ) -> payloads.CreateInvitePayload:
        token = invites.new_token()
        email = given(input.email)
        if email is not None:
            await invites.count_invitation(info.context.desk, info.context.caller(), email)

        def work() -> Work:
            new = invites.NewInvite(
                workspace_id=ids.parse("workspace", input.workspace_id, "workspaceId"),
                role=input.role,
                project_ids=ids.parse_all("project", listed(input.project_ids), "projectIds"),
                email=email,
                max_uses=given(input.max_uses),
                expires_at=given(input.expires_at),
            )
            return lambda uow: invites.create_invite(uow, new, token)

        payload = await mutate(info, payloads.CreateInvitePayload, input, work)
        if not payload.user_errors and not payload.replayed:
            payload.url = Url(f"{info.context.public_url}/join#{token}")
        return payload

    @strawberry.mutation(description="Revoke an invite.")
    async def revoke_invite(
        self, info: Info, input: Annotated[inputs.RevokeInviteInput, strawberry.argument(description="Which invite.")]
    ) -> payloads.RevokeInvitePayload:
        def work() -> Work:
            invite_id = ids.parse("invite", input.id, "id")
            return lambda uow: invites.revoke_invite(uow, invite_id)

        shows = {"invite": lambda: ids.parse("invite", input.id, "id")}
        return await mutate(info, payloads.RevokeInvitePayload, input, work, shows=shows)

    @strawberry.mutation(description="Join a workspace by an invite.")
    async def accept_invite(
        self, info: Info, input: Annotated[inputs.AcceptInviteInput, strawberry.argument(description="The invite.")]
    ) -> payloads.AcceptInvitePayload:
        def work() -> Work:
            async def accept(uow: UnitOfWork) -> Outcome:
                return await invites.accept_invite(
                    uow, input.token, await accounts.locked_person(uow, uow.actor.user_id)
                )

            return accept

        return await mutate(info, payloads.AcceptInvitePayload, input, work)


@strawberry.type
class MemberMutation:
    @strawberry.mutation(description="Give a member another role.")
    async def update_member_role(
        self,
        info: Info,
        input: Annotated[inputs.UpdateMemberRoleInput, strawberry.argument(description="Who, and which role.")],
    ) -> payloads.UpdateMemberRolePayload:
        def work() -> Work:
            membership_id = _membership_id(input.id)
            base = Base(given(input.base_version), input.on_conflict)
            return lambda uow: members.update_member_role(uow, membership_id, input.role, base)

        shows = {"membership": lambda: _membership_id(input.id)}
        return await mutate(info, payloads.UpdateMemberRolePayload, input, work, shows=shows)

    @strawberry.mutation(description="Remove a member from a workspace.")
    async def remove_member(
        self, info: Info, input: Annotated[inputs.RemoveMemberInput, strawberry.argument(description="Who.")]
    ) -> payloads.RemoveMemberPayload:
        def work() -> Work:
            membership_id = _membership_id(input.id)
            return lambda uow: members.remove_member(uow, membership_id)

        return await mutate(info, payloads.RemoveMemberPayload, input, work)

    @strawberry.mutation(description="Add a guest to a project.")
    async def add_project_guest(
        self,
        info: Info,
        input: Annotated[inputs.AddProjectGuestInput, strawberry.argument(description="Who, and which project.")],
    ) -> payloads.AddProjectGuestPayload:
        def work() -> Work:
            project_id = ids.parse("project", input.project_id, "projectId")
            membership_id = _membership_id(input.membership_id, "membershipId")
            return lambda uow: members.add_project_guest(uow, project_id, membership_id)

        shows = {"membership": lambda: _membership_id(input.membership_id)}
        return await mutate(info, payloads.AddProjectGuestPayload, input, work, shows=shows)

    @strawberry.mutation(description="Take a project from a guest.")
    async def remove_project_guest(
        self,
        info: Info,
        input: Annotated[inputs.RemoveProjectGuestInput, strawberry.argument(description="Who, and which project.")],
    ) -> payloads.RemoveProjectGuestPayload:
        def work() -> Work:
            project_id = ids.parse("project", input.project_id, "projectId")
            membership_id = _membership_id(input.membership_id, "membershipId")
            return lambda uow: members.remove_project_guest(uow, project_id, membership_id)

        shows = {"membership": lambda: _membership_id(input.membership_id)}
        return await mutate(info, payloads.RemoveProjectGuestPayload, input, work, shows=shows)
