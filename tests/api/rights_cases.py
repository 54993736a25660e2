"""Who may ask what: for each root field, with real ids, the outcome for everybody.

Outcomes: `ok`; `hidden`: null, or NOT_FOUND, and in every letter what an id that leads to nothing gets; `forbidden`:
seen, but not allowed; `anonymous`: UNAUTHENTICATED; any other word is the code of the one refusal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.api.world import World, minted
from tests.people import PASSWORD

PEOPLE = (
    "anonymous",
    "outsider",
    "stranger",
    "removed",
    "viewer",
    "other_guest",
    "guest",
    "member",
    "admin",
    "owner",
    "token",
    "reader",
)
"""`token` is an API token of the owner with all scopes, `reader` one that may only read."""
Asked = tuple[dict[str, Any], str | None]
"""(variables, the id in them that hides)"""
Make = Callable[[World], Awaitable[Asked]]


@dataclass(frozen=True, slots=True)
class Row:
    """`is_alone`: where it is allowed, the world is not the same afterwards."""

    field: str
    make: Make
    outcomes: dict[str, str]
    is_alone: bool


ROWS: dict[str, list[Row]] = defaultdict(list)

CLIENT = "6b1b36cb-0c1f-4b9e-9f0e-55f8bf2b5a11"
"""A tab, as clients name them."""

FOR_PEOPLE = {
    "Query.viewer",
    "Subscription.presence",
    "Subscription.notificationEvents",
    "Mutation.changePassword",
    "Mutation.requestEmailChange",
    "Mutation.deleteAccount",
    "Mutation.signOut",
    "Mutation.updateProfile",
    "Mutation.createWorkspace",
    "Mutation.transferWorkspace",
    "Mutation.leaveWorkspace",
    "Mutation.acceptInvite",
    "Mutation.updatePresence",
    "Mutation.updateTaskSubscription",
    "Mutation.markNotifications",
    "Mutation.updateNotificationRule",
    "Mutation.updateNotificationSettings",
}
"""What no API token can do, whatever its scopes; of `viewer` it is the address and the sessions that it may not see."""
NO_TOKENS = {"token": "anonymous", "reader": "anonymous"}


def with_tokens(field: str, outcomes: dict[str, str]) -> dict[str, str]:
    """Where a row says nothing of tokens: one with all scopes may what its creator may, one that reads what a viewer
    may.
    """
    if field in FOR_PEOPLE:
        return {**outcomes, **NO_TOKENS}
    return {**outcomes, **{name: outcomes[of] for name, of in TOKENS.items() if outcomes[name] == "like its creator"}}


TOKENS = {"token": "owner", "reader": "viewer"}


OUTSIDE = {"anonymous": "anonymous", "outsider": "hidden", "stranger": "hidden", "removed": "hidden"}
EVERYBODY = {**dict.fromkeys(PEOPLE, "ok"), **dict.fromkeys(("token", "reader"), "like its creator")}
SIGNED_IN = {**EVERYBODY, "anonymous": "anonymous"}
MEMBERS = {**EVERYBODY, **OUTSIDE}
"""All who are in the workspace."""
IN_WEB = {**MEMBERS, "other_guest": "hidden"}
WHOLE = {**IN_WEB, "guest": "hidden"}
"""All who see the whole of it."""
WRITERS_IN_WEB = {**IN_WEB, "viewer": "forbidden"}
ARRANGERS = {**MEMBERS, "viewer": "forbidden", "guest": "forbidden", "other_guest": "forbidden"}
ARRANGERS_IN_WEB = {**ARRANGERS, "other_guest": "hidden"}
ADMINS = {**ARRANGERS, "member": "forbidden"}
ADMINS_ELSE_HIDDEN = {**WHOLE, "viewer": "hidden", "member": "hidden"}
OWNER = {**ADMINS, "admin": "forbidden"}


def row(field: str, outcomes: dict[str, str], *, is_alone: bool = False) -> Callable[[Make], Make]:
    def keep(make: Make) -> Make:
        assert set(outcomes) == set(PEOPLE)
        ROWS[field].append(Row(field, make, with_tokens(field, outcomes), is_alone))
        return make

    return keep


def query(field: str, outcomes: dict[str, str]) -> Callable[[Make], Make]:
    return row(f"Query.{field}", outcomes)


def mutation(field: str, outcomes: dict[str, str], **more: bool) -> Callable[[Make], Make]:
    return row(f"Mutation.{field}", outcomes, **more)


def asked(hides: str | None, **fields: Any) -> Asked:
    """The input of a mutation."""
    return {"input": fields}, hides


# ---- reading


def node_row(attribute: str, outcomes: dict[str, str]) -> None:
    @query("node", outcomes)
    async def a_node(world: World) -> Asked:
        global_id = getattr(world, attribute)
        return {"id": global_id}, global_id

    @query("nodes", outcomes)
    async def among_nodes(world: World) -> Asked:
        global_id = getattr(world, attribute)
        return {"ids": [global_id]}, global_id


node_row("id", MEMBERS)
node_row("web", IN_WEB)
node_row("web_task", IN_WEB)
node_row("loose_task", WHOLE)
node_row("label", MEMBERS)


@query("node", MEMBERS)
async def a_status(world: World) -> Asked:
    return {"id": world.statuses["TODO"]}, world.statuses["TODO"]


@query("node", MEMBERS)
async def a_membership(world: World) -> Asked:
    return {"id": world.membership(world.owner)}, world.membership(world.owner)


@query("node", IN_WEB)
async def the_membership_of_a_guest(world: World) -> Asked:
    return {"id": world.membership(world.guest)}, world.membership(world.guest)


@query("node", {**WHOLE, "viewer": "hidden"})
async def an_invite(world: World) -> Asked:
    invite_id, _ = await world.add_invite()
    return {"id": invite_id}, invite_id


@query("node", ADMINS_ELSE_HIDDEN)
async def a_webhook(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    return {"id": webhook_id}, webhook_id


@query("node", ADMINS_ELSE_HIDDEN)
async def a_message_to_a_webhook(world: World) -> Asked:
    delivery_id = await world.add_delivery()
    return {"id": delivery_id}, delivery_id


@query("node", MEMBERS)
async def a_person(world: World) -> Asked:
    return {"id": world.owner.id}, world.owner.id


@query("node", IN_WEB)
async def a_guest_as_a_person(world: World) -> Asked:
    return {"id": world.guest.id}, world.guest.id


@query("node", {**dict.fromkeys(PEOPLE, "hidden"), **NO_TOKENS, "anonymous": "anonymous", "owner": "ok"})
async def a_session(world: World) -> Asked:
    session_id = world.owner.session_id
    return {"id": session_id}, session_id


@query("rateLimit", EVERYBODY)
async def what_it_costs(world: World) -> Asked:
    return {}, None


@query("viewer", {**EVERYBODY, "anonymous": "hidden"})
async def oneself(world: World) -> Asked:
    return {}, None


@query("workspace", MEMBERS)
async def a_workspace_by_id(world: World) -> Asked:
    return {"by": {"id": world.id}}, world.id


@query("workspace", MEMBERS)
async def a_workspace_by_slug(world: World) -> Asked:
    slug = await world.slug()
    return {"by": {"slug": slug}}, slug


@query("invite", EVERYBODY)
async def an_open_invite(world: World) -> Asked:
    _, token = await world.add_invite()
    return {"token": token}, None


@query("isPasswordResetTokenValid", EVERYBODY)
async def any_token(world: World) -> Asked:
    return {"token": "not a token"}, None


@query("task", IN_WEB)
async def a_task_by_id(world: World) -> Asked:
    return {"by": {"id": world.web_task}}, world.web_task


@query("task", IN_WEB)
async def a_task_by_key(world: World) -> Asked:
    task = (await world.owner.ask("query ($id: ID!) { task(by: {id: $id}) { key } }", id=world.web_task))["task"]
    return {"by": {"key": {"workspaceSlug": await world.slug(), "key": task["key"]}}}, task["key"]


@query("searchTasks", MEMBERS)
async def a_search(world: World) -> Asked:
    return {"workspaceId": world.id, "query": "task"}, world.id


@query("workspaceEvents", MEMBERS)
async def the_events_so_far(world: World) -> Asked:
    return {"workspaceId": world.id, "after": await world.owner.cursor(world.id)}, world.id


@row("Subscription.workspaceEvents", MEMBERS)
async def the_events_from_now_on(world: World) -> Asked:
    return {"workspaceId": world.id}, world.id


@row("Subscription.presence", MEMBERS)
async def who_is_here(world: World) -> Asked:
    return {"workspaceId": world.id}, world.id


@row("Subscription.presence", IN_WEB)
async def who_is_at_a_task(world: World) -> Asked:
    return {"workspaceId": world.id, "taskId": world.web_task}, world.web_task


@query("node", MEMBERS)
async def the_presence_of_a_member(world: World) -> Asked:
    presence_id = world.membership(world.spare).replace("membership", "presence")
    return {"id": presence_id}, presence_id


@query("node", IN_WEB)
async def the_presence_of_a_guest(world: World) -> Asked:
    presence_id = world.membership(world.guest).replace("membership", "presence")
    return {"id": presence_id}, presence_id


@mutation("updatePresence", MEMBERS)
async def being_here(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, clientId=CLIENT)


@mutation("updatePresence", IN_WEB)
async def looking_at_a_task(world: World) -> Asked:
    doing = {"taskId": world.web_task, "mode": "VIEWING"}
    return asked(world.web_task, workspaceId=world.id, clientId=CLIENT, activity=doing)


@mutation("updatePresence", WRITERS_IN_WEB)
async def editing_a_task(world: World) -> Asked:
    doing = {"taskId": world.web_task, "mode": "EDITING", "field": "TITLE"}
    return asked(world.web_task, workspaceId=world.id, clientId=CLIENT, activity=doing)


# ---- accounts


@mutation("signUp", EVERYBODY)
async def a_new_account(world: World) -> Asked:
    return asked(None, email=f"{minted('x')}@example.com", password=PASSWORD, name="New")


@mutation("signIn", EVERYBODY)
async def to_an_account(world: World) -> Asked:
    return asked(None, email=world.spare.email, password=PASSWORD)


@mutation("refreshSession", EVERYBODY)
async def with_its_token(world: World) -> Asked:
    person = await world.owner.api.sign_up()
    return asked(None, refreshToken=person.refresh_token)


@mutation("changePassword", {**dict.fromkeys(PEOPLE, "INVALID_CREDENTIALS"), "anonymous": "anonymous"})
async def without_knowing_it(world: World) -> Asked:
    return asked(None, currentPassword="not the password", newPassword="another password")


@mutation("requestPasswordReset", EVERYBODY)
async def of_any_address(world: World) -> Asked:
    return asked(None, email=world.spare.email)


@mutation("resetPassword", {**dict.fromkeys((*PEOPLE, "anonymous"), "INVALID_CREDENTIALS")})
async def without_the_link(world: World) -> Asked:
    return asked(None, token="not a token", newPassword="another password")


@mutation("requestEmailChange", {**dict.fromkeys(PEOPLE, "INVALID_CREDENTIALS"), "anonymous": "anonymous"})
async def without_knowing_the_password(world: World) -> Asked:
    return asked(None, email="new@example.com", password="not the password")


@mutation("verifyEmail", {**dict.fromkeys((*PEOPLE, "anonymous"), "INVALID_CREDENTIALS")})
async def without_a_link(world: World) -> Asked:
    return asked(None, token="not a token")


@mutation("deleteAccount", {**dict.fromkeys(PEOPLE, "INVALID_CREDENTIALS"), "anonymous": "anonymous"})
async def without_the_password(world: World) -> Asked:
    return asked(None, password="not the password")


@mutation("signOut", {**dict.fromkeys(PEOPLE, "hidden"), **NO_TOKENS, "anonymous": "anonymous"})
async def of_somebody_elses_session(world: World) -> Asked:
    return asked(world.spare.session_id, sessionId=world.spare.session_id)


@mutation("updateProfile", SIGNED_IN)
async def ones_own(world: World) -> Asked:
    return asked(None)


# ---- workspaces


@mutation("createWorkspace", SIGNED_IN)
async def a_workspace(world: World) -> Asked:
    return asked(None, name="Mine")


@mutation("updateWorkspace", {**ADMINS, "admin": "ok"})
async def its_description(world: World) -> Asked:
    return asked(world.id, id=world.id, description=minted("x"))


@mutation("deleteWorkspace", OWNER, is_alone=True)
async def the_workspace(world: World) -> Asked:
    return asked(world.id, id=world.id)


# ---- API tokens


@query("node", ADMINS_ELSE_HIDDEN)
async def an_api_token(world: World) -> Asked:
    token_id, _ = await world.add_token()
    return {"id": token_id}, token_id


@query("node", MEMBERS)
async def an_integration(world: World) -> Asked:
    token_id, _ = await world.add_token()
    integration = token_id.replace("token", "integration")
    return {"id": integration}, integration


@mutation("createApiToken", ADMINS)
async def one_that_reads(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, name="Bot", scopes=["TASK_READ"])


@mutation("createApiToken", {**ADMINS, "admin": "forbidden"})
async def one_with_the_owners_rights(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, name="Bot", scopes=["TASK_READ", "WORKSPACE_ADMIN"])


@mutation("updateApiToken", ADMINS_ELSE_HIDDEN)
async def its_name(world: World) -> Asked:
    token_id, _ = await world.add_token()
    return asked(token_id, id=token_id, name="Other")


@mutation("revokeApiToken", ADMINS_ELSE_HIDDEN)
async def somebodys(world: World) -> Asked:
    token_id, _ = await world.add_token()
    return asked(token_id, id=token_id)


@mutation("leaveWorkspace", {**MEMBERS, "owner": "INVALID"}, is_alone=True)
async def as_a_member(world: World) -> Asked:
    return asked(world.id, id=world.id)


@mutation("transferWorkspace", OWNER, is_alone=True)
async def to_a_member(world: World) -> Asked:
    return asked(world.id, id=world.id, toMembershipId=world.membership(world.spare))


# ---- invites and members


@mutation("createInvite", ARRANGERS)
async def for_a_viewer(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, role="VIEWER")


@mutation("revokeInvite", {**WHOLE, "viewer": "hidden"})
async def an_invite_that_is_open(world: World) -> Asked:
    invite_id, _ = await world.add_invite()
    return asked(invite_id, id=invite_id)


@mutation("acceptInvite", SIGNED_IN)
async def elsewhere(world: World) -> Asked:
    there = await world.stranger.create_workspace("Elsewhere")
    return asked(None, token=await world.stranger.invite(there))


@mutation("updateMemberRole", ADMINS)
async def of_a_member(world: World) -> Asked:
    found = world.membership(await world.bring_in())
    return asked(found, id=found, role="VIEWER")


@mutation("updateMemberRole", {**ADMINS, "other_guest": "hidden"})
async def of_a_guest(world: World) -> Asked:
    found = world.membership(await world.bring_in("GUEST", projectIds=[world.web]))
    return asked(found, id=found, role="VIEWER")


@mutation("removeMember", ADMINS)
async def a_member(world: World) -> Asked:
    found = world.membership(await world.bring_in())
    return asked(found, id=found)


@mutation("removeMember", {**ADMINS, "other_guest": "hidden"})
async def a_guest(world: World) -> Asked:
    found = world.membership(await world.bring_in("GUEST", projectIds=[world.web]))
    return asked(found, id=found)


@mutation("addProjectGuest", ARRANGERS_IN_WEB)
async def to_web(world: World) -> Asked:
    found = world.membership(await world.bring_in("GUEST", projectIds=[world.ops]))
    return asked(world.web, projectId=world.web, membershipId=found)


@mutation("removeProjectGuest", ARRANGERS_IN_WEB)
async def from_web(world: World) -> Asked:
    found = world.membership(await world.bring_in("GUEST", projectIds=[world.web]))
    return asked(world.web, projectId=world.web, membershipId=found)


# ---- projects, statuses, labels


@mutation("createProject", ARRANGERS)
async def a_project(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, name="P", key="P" + minted("x")[-8:].upper())


@mutation("updateProject", ARRANGERS_IN_WEB)
async def the_guests_project(world: World) -> Asked:
    return asked(world.web, id=world.web, name=minted("x"))


@mutation("deleteProject", ARRANGERS_IN_WEB)
async def a_project_of_the_guest(world: World) -> Asked:
    project = await world.project()
    await world.owner.do("addProjectGuest", {"projectId": project, "membershipId": world.membership(world.guest)})
    return asked(project, id=project)


@mutation("createStatus", ARRANGERS)
async def a_new_status(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, name=minted("x"), category="TODO")


@mutation("updateStatus", ARRANGERS)
async def a_statuss_color(world: World) -> Asked:
    status = await world.add_status()
    return asked(status, id=status, color="#ff0000")


@mutation("deleteStatus", ARRANGERS)
async def a_status_without_tasks(world: World) -> Asked:
    status = await world.add_status()
    return asked(status, id=status, moveTasksToStatusId=world.statuses["TODO"])


@mutation("createLabel", ARRANGERS)
async def a_new_label(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, name=minted("x"))


@mutation("updateLabel", ARRANGERS)
async def a_labels_color(world: World) -> Asked:
    label = await world.add_label()
    return asked(label, id=label, color="#ff0000")


@mutation("deleteLabel", ARRANGERS)
async def a_label(world: World) -> Asked:
    label = await world.add_label()
    return asked(label, id=label)


# ---- tasks


@mutation("createTask", ARRANGERS)
async def in_no_project(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, title="New")


@mutation("createTask", {**WRITERS_IN_WEB, "outsider": "hidden"})
async def in_web(world: World) -> Asked:
    return asked(world.web, workspaceId=world.id, title="New", projectId=world.web)


@mutation("updateTask", WRITERS_IN_WEB)
async def a_task_in_web(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, id=task, title="Other", addLabelIds=[world.label])


@mutation("updateTask", {**WHOLE, "viewer": "forbidden"})
async def a_task_in_no_project(world: World) -> Asked:
    task = await world.task()
    return asked(task, id=task, title="Other")


@mutation("bulkUpdateTasks", WRITERS_IN_WEB)
async def one_task_of_web(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, updates=[{"id": task, "title": "Other"}])


@mutation("moveTask", WRITERS_IN_WEB)
async def a_task_of_web(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, id=task, statusId=world.statuses["DONE"])


@mutation("archiveTask", WRITERS_IN_WEB)
async def a_task_away(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, id=task)


@mutation("restoreTask", WRITERS_IN_WEB)
async def an_archived_task(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    await world.owner.do("archiveTask", {"id": task})
    return asked(task, id=task)


@mutation("restoreTask", {**WRITERS_IN_WEB, "guest": "forbidden"})
async def a_deleted_task(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    await world.owner.do("deleteTask", {"id": task})
    return asked(task, id=task)


@mutation("deleteTask", {**WRITERS_IN_WEB, "guest": "forbidden"})
async def a_task_of_the_owner(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, id=task)


@mutation("deleteTask", WRITERS_IN_WEB)
async def a_guests_own_task(world: World) -> Asked:
    task = await world.guest.create_task(world.id, projectId=world.web)
    return asked(task, id=task)


# ---- undo


@mutation("revertChanges", WRITERS_IN_WEB)
async def a_change_of_a_task_of_web(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    await world.owner.do("updateTask", {"id": task, "title": "Other"})
    change = await world.change(task)
    return asked(change, target={"changeId": change})


@mutation("revertChanges", {**WHOLE, "viewer": "hidden", "member": "hidden", "admin": "INVALID", "owner": "INVALID"})
async def the_end_of_a_membership(world: World) -> Asked:
    person = await world.bring_in()
    for project in (world.web, world.ops):
        await world.task(projectId=project, assigneeIds=[person.id])
    change_set = (await world.owner.do("removeMember", {"id": world.membership(person)}))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


@mutation("revertChanges", {**WRITERS_IN_WEB, "guest": "forbidden"})
async def the_end_of_a_task_of_the_owner(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    change_set = (await world.owner.do("deleteTask", {"id": task}))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


@mutation(
    "revertChanges",
    {**WRITERS_IN_WEB, **dict.fromkeys(("guest", "member", "admin", "token"), "forbidden")},
)
async def the_text_of_the_owners_comment(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    change_set = (await world.owner.do("updateComment", {"id": comment, "body": "Better"}))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


@mutation("revertChanges", {**ARRANGERS_IN_WEB})
async def the_name_of_the_web(world: World) -> Asked:
    project = world.web
    change_set = (await world.owner.do("updateProject", {"id": project, "color": "#123456"}))["changeSetId"]
    await world.owner.do("updateProject", {"id": project, "color": "#123457"})
    await world.owner.do("updateProject", {"id": project, "color": "#123456"})
    return asked(change_set, target={"changeSetId": change_set})


@mutation("revertChanges", {**ADMINS, "member": "forbidden"})
async def the_name_of_the_workspace(world: World) -> Asked:
    change_set = (await world.owner.do("updateWorkspace", {"id": world.id, "description": minted("x")}))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


@mutation("revertChanges", {**WHOLE, "viewer": "hidden", "member": "hidden"})
async def the_role_of_somebody(world: World) -> Asked:
    person = await world.bring_in()
    role = {"id": world.membership(person), "role": "VIEWER"}
    change_set = (await world.owner.do("updateMemberRole", role))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


@mutation("revertChanges", {**WHOLE, "viewer": "hidden"})
async def the_projects_of_a_guest(world: World) -> Asked:
    person = await world.bring_in("GUEST", projectIds=[world.ops])
    added = {"projectId": world.web, "membershipId": world.membership(person)}
    change_set = (await world.owner.do("addProjectGuest", added))["changeSetId"]
    return asked(change_set, target={"changeSetId": change_set})


# ---- notifications


@query("node", {**dict.fromkeys(PEOPLE, "hidden"), **NO_TOKENS, "anonymous": "anonymous", "guest": "ok"})
async def a_notification(world: World) -> Asked:
    await world.task(projectId=world.web, assigneeIds=[world.guest.id])
    found = await world.guest.notification_ids()
    return {"id": found[0]}, found[0]


@query("node", {**dict.fromkeys(PEOPLE, "hidden"), **NO_TOKENS, "anonymous": "anonymous", "guest": "ok"})
async def settings_of_a_guest(world: World) -> Asked:
    global_id = world.membership(world.guest).replace("membership", "settings")
    return {"id": global_id}, global_id


@row("Subscription.notificationEvents", SIGNED_IN)
async def what_one_is_told(world: World) -> Asked:
    return {}, None


@mutation("markNotifications", MEMBERS)
async def of_a_workspace(world: World) -> Asked:
    return asked(world.id, target={"workspaceId": world.id}, read=True)


@mutation("markNotifications", IN_WEB)
async def of_a_task_of_web(world: World) -> Asked:
    return asked(world.web_task, target={"taskId": world.web_task}, read=True)


@mutation("updateNotificationRule", MEMBERS)
async def for_the_workspace(world: World) -> Asked:
    return asked(world.id, scopeId=world.id, kind="COMMENT", channels=["IN_APP"])


@mutation("updateNotificationRule", IN_WEB)
async def for_web(world: World) -> Asked:
    return asked(world.web, scopeId=world.web, kind="COMMENT", channels=["IN_APP"])


@mutation("updateNotificationSettings", MEMBERS)
async def in_the_workspace(world: World) -> Asked:
    return asked(world.id, workspaceId=world.id, digest="NONE")


# ---- comments, reactions, following


@query("node", IN_WEB)
async def a_comment(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return {"id": comment}, comment


@mutation("createComment", WRITERS_IN_WEB)
async def on_a_task_of_web(world: World) -> Asked:
    return asked(world.web_task, taskId=world.web_task, body="Well")


@mutation("createComment", {**WHOLE, "viewer": "forbidden"})
async def on_a_task_of_no_project(world: World) -> Asked:
    return asked(world.loose_task, taskId=world.loose_task, body="Well")


@mutation(
    "updateComment",
    {**WRITERS_IN_WEB, **dict.fromkeys(("guest", "member", "admin", "token"), "forbidden")},
)
async def the_owners_words(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return asked(comment, id=comment, body="Other")


@mutation("updateComment", WRITERS_IN_WEB)
async def a_thread(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return asked(comment, id=comment, resolved=True)


@mutation("deleteComment", {**WRITERS_IN_WEB, "guest": "forbidden", "member": "forbidden"})
async def the_owners_comment(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return asked(comment, id=comment)


@mutation("deleteComment", {**WRITERS_IN_WEB, "member": "forbidden"})
async def a_guests_comment(world: World) -> Asked:
    comment = await world.guest.comment(world.web_task)
    return asked(comment, id=comment)


@mutation("addReaction", WRITERS_IN_WEB)
async def to_a_task(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, subjectId=task, emoji="\U0001f44d")


@mutation("addReaction", WRITERS_IN_WEB)
async def to_a_comment(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return asked(comment, subjectId=comment, emoji="\U0001f44d")


@mutation("removeReaction", WRITERS_IN_WEB)
async def from_a_comment(world: World) -> Asked:
    comment = await world.comment(world.web_task)
    return asked(comment, subjectId=comment, emoji="\U0001f44d")


@mutation("updateTaskSubscription", IN_WEB)
async def to_a_task_of_web(world: World) -> Asked:
    task = await world.task(projectId=world.web)
    return asked(task, taskId=task, subscribed=True)


# ---- webhooks


@mutation("createWebhook", ADMINS)
async def for_all_of_it(world: World) -> Asked:
    await world.add_webhook()  # and makes room
    return asked(world.id, workspaceId=world.id, url="https://hooks.example.com/", kinds=["TASK", "INVITE"])


@mutation("updateWebhook", ADMINS_ELSE_HIDDEN)
async def a_webhook_that_is_to_pause(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    return asked(webhook_id, id=webhook_id, paused=True)


@mutation("rotateWebhookSecret", ADMINS_ELSE_HIDDEN)
async def a_webhooks_secret(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    return asked(webhook_id, id=webhook_id)


@mutation("replayWebhook", ADMINS_ELSE_HIDDEN)
async def a_webhook_from_where_it_began(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    query = "query ($id: ID!) { node(id: $id) { ... on Webhook { deliveredThrough } } }"
    after = (await world.owner.ask(query, id=webhook_id))["node"]["deliveredThrough"]
    return asked(webhook_id, id=webhook_id, after=after)


@mutation("testWebhook", ADMINS_ELSE_HIDDEN)
async def a_webhook_to_try(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    return asked(webhook_id, id=webhook_id)


@mutation("deleteWebhook", ADMINS_ELSE_HIDDEN)
async def a_webhook_that_is_to_go(world: World) -> Asked:
    webhook_id, _ = await world.add_webhook()
    return asked(webhook_id, id=webhook_id)
