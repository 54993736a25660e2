"""What to do for each mutation, and what each watcher is told of it.

A case prepares what it needs and returns who asks for what; the test runs the mutation. `told` is what everybody is
told, and a watcher's name overrides it: the events' types in order, with the reason of a removal or the kind and op of
an entity; `resync` where they have to fetch anew, `end` where their stream ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.api.world import World, minted
from tests.people import PASSWORD, Person

Ask = tuple[Person | None, dict[str, Any]]
Prepare = Callable[[World], Awaitable[Ask]]
WATCHERS = ("owner", "member", "viewer", "guest")


@dataclass(frozen=True, slots=True)
class Case:
    """`is_alone`: it needs a new world, and leaves it with people who are not what they were."""

    mutation: str
    prepare: Prepare
    told: dict[str, list[str]]
    is_alone: bool

    @property
    def name(self) -> str:
        return self.prepare.__name__


CASES: dict[str, list[Case]] = defaultdict(list)


def case(mutation: str, told: str = "", *, is_alone: bool = False, **others: str) -> Callable[[Prepare], Prepare]:
    def keep(prepare: Prepare) -> Prepare:
        by_watcher = {
            watcher: [one.strip() for one in others.get(watcher, told).split(",") if one] for watcher in WATCHERS
        }
        CASES[mutation].append(Case(mutation, prepare, by_watcher, is_alone))
        return prepare

    return keep


CREATED, UPDATED = "TaskCreatedEvent", "TaskUpdatedEvent"
END = "end ACCESS_REVOKED"
DELETED, LOST = "TaskRemovedEvent DELETED", "TaskRemovedEvent ACCESS_LOST"

# ---- accounts: nothing of a workspace changes but the names of its people


@case("signUp")
async def to_no_workspace(world: World) -> Ask:
    return None, {"email": f"{minted('x')}@example.com", "password": PASSWORD, "name": "New"}


@case("signUp", "MEMBERSHIP CREATED, INVITE UPDATED", viewer="MEMBERSHIP CREATED", guest="MEMBERSHIP CREATED")
async def by_an_invite(world: World) -> Ask:
    _, token = await world.add_invite()
    form = {"email": f"{minted('x')}@example.com", "password": PASSWORD, "name": "New", "inviteToken": token}
    return None, form


@case("signIn")
async def of_a_member(world: World) -> Ask:
    return None, {"email": world.spare.email, "password": PASSWORD}


@case("refreshSession")
async def of_a_members_session(world: World) -> Ask:
    person = await world.bring_in()
    return None, {"refreshToken": person.refresh_token}


@case("changePassword")
async def of_a_members_password(world: World) -> Ask:
    return await world.bring_in(), {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}


@case("signOut")
async def of_a_member_everywhere(world: World) -> Ask:
    return await world.bring_in(), {"everywhere": True}


@case("requestPasswordReset")
async def of_a_members(world: World) -> Ask:
    return None, {"email": world.spare.email}


@case("resetPassword")
async def of_somebody_who_forgot_it(world: World) -> Ask:
    person = await world.bring_in()
    await world.owner.api.request_password_reset(person.email)
    token = await world.owner.api.mailed_token(person.email, "reset")
    return None, {"token": token, "newPassword": PASSWORD + "!"}


@case("requestEmailChange")
async def to_an_address_that_is_free(world: World) -> Ask:
    return await world.bring_in(), {"email": f"{minted('x')}@example.com", "password": PASSWORD}


@case("verifyEmail")
async def of_the_address_at_sign_up(world: World) -> Ask:
    person = await world.bring_in()
    return None, {"token": await world.owner.api.mailed_token(person.email, "verify")}


@case("verifyEmail", "MEMBERSHIP UPDATED")
async def of_another_address(world: World) -> Ask:
    person, wanted = await world.bring_in(), f"{minted('x')}@example.com"
    await person.ask(
        "mutation ($i: RequestEmailChangeInput!) { requestEmailChange(input: $i) { accepted } }",
        i={"email": wanted, "password": PASSWORD},
    )
    return None, {"token": await world.owner.api.mailed_token(wanted, "verify")}


@case("deleteAccount", f"{UPDATED}, MEMBERSHIP DELETED")
async def of_a_member_with_a_task(world: World) -> Ask:
    person = await world.bring_in()
    await world.owner.create_task(world.id, "Theirs", projectId=world.web, assigneeIds=[person.id])
    return person, {"password": PASSWORD}


@case("updateProfile", "MEMBERSHIP UPDATED")
async def of_a_member_who_did_and_has_tasks(world: World) -> Ask:
    await world.member.create_task(world.id, "Mine", projectId=world.web, assigneeIds=[world.member.id])
    return world.member, {"name": "Mia II", "handle": f"mia-{minted('x')[-12:]}"}


@case("updateProfile", "MEMBERSHIP UPDATED", guest="")
async def of_a_guest_of_another_project(world: World) -> Ask:
    return world.other_guest, {"name": "Gwen II"}


@case("updateProfile", "MEMBERSHIP UPDATED")
async def of_a_guest(world: World) -> Ask:
    return world.guest, {"handle": f"gus-{minted('x')[-12:]}"}


@case("updateProfile")
async def of_the_time_zone_alone(world: World) -> Ask:
    return world.member, {"timeZone": "Europe/Berlin"}


# ---- tasks


@case("createTask", CREATED)
async def with_a_title_alone_in_a_guests_project(world: World) -> Ask:
    return world.owner, {"workspaceId": world.id, "title": "New", "projectId": world.web}


@case("createTask", CREATED, guest="")
async def without_a_project(world: World) -> Ask:
    return world.owner, {"workspaceId": world.id, "title": "New"}


@case("createTask", CREATED)
async def with_everything(world: World) -> Ask:
    return world.member, {
        "workspaceId": world.id,
        "id": minted("task"),
        "title": "  All of it ",
        "description": "Much to *say*",
        "projectId": world.web,
        "parentId": world.web_task,
        "statusId": world.statuses["DONE"],
        "priority": "URGENT",
        "startDate": "2026-01-31",
        "dueDate": "2026-02-28",
        "estimate": 2.5,
        "assigneeIds": [world.viewer.id, world.guest.id, world.owner.id],
        "labelIds": [world.bug, world.label],
        "position": {"edge": "FIRST"},
    }


@case("createTask", CREATED)
async def below_a_task_that_the_guest_does_not_see(world: World) -> Ask:
    asked = {"workspaceId": world.id, "title": "Below", "projectId": world.web, "parentId": world.ops_task}
    return world.owner, asked


@case("createTask", CREATED, guest="")
async def below_a_task_of_the_guest_but_elsewhere(world: World) -> Ask:
    asked = {"workspaceId": world.id, "title": "Below", "projectId": world.ops, "parentId": world.web_task}
    return world.owner, asked


@case("createTask", CREATED)
async def by_a_guest(world: World) -> Ask:
    return world.guest, {"workspaceId": world.id, "title": "Theirs", "projectId": world.web}


@case("updateTask", UPDATED)
async def every_field_is_set(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    parent = await world.task("Above", projectId=world.web)
    return world.member, {
        "id": task,
        "title": "Another title",
        "description": "Another text",
        "statusId": world.statuses["IN_PROGRESS"],
        "priority": "HIGH",
        "startDate": "2026-03-01",
        "dueDate": "2026-03-02",
        "estimate": 0,
        "parentId": parent,
        "addAssigneeIds": [world.guest.id, world.member.id],
        "addLabelIds": [world.label, world.bug],
    }


@case("updateTask", UPDATED)
async def every_field_is_cleared(world: World) -> Ask:
    task = await world.task(
        projectId=world.web,
        parentId=world.web_task,
        description="Text",
        startDate="2026-03-01",
        dueDate="2026-03-02",
        estimate=3,
        assigneeIds=[world.guest.id, world.member.id],
        labelIds=[world.label, world.bug],
    )
    return world.guest, {
        "id": task,
        "description": None,
        "startDate": None,
        "dueDate": None,
        "estimate": None,
        "parentId": None,
        "removeAssigneeIds": [world.guest.id, world.member.id],
        "removeLabelIds": [world.label, world.bug],
    }


@case("updateTask", UPDATED)
async def a_subtask_is_done(world: World) -> Ask:
    task = await world.task(projectId=world.web, parentId=world.web_task)
    return world.owner, {"id": task, "statusId": world.statuses["DONE"]}


@case("updateTask", UPDATED)
async def a_subtask_is_not_done_after_all(world: World) -> Ask:
    task = await world.task(projectId=world.web, parentId=world.web_task, statusId=world.statuses["DONE"])
    return world.owner, {"id": task, "statusId": world.statuses["TODO"]}


@case("updateTask", UPDATED)
async def a_parent_becomes_one_that_the_guest_does_not_see(world: World) -> Ask:
    task = await world.task(projectId=world.web, parentId=world.web_task)
    return world.owner, {"id": task, "parentId": world.ops_task}


@case("updateTask", UPDATED, guest="")
async def a_task_that_the_guest_does_not_see(world: World) -> Ask:
    return world.owner, {"id": world.ops_task, "title": "Operate"}


@case("updateTask", UPDATED)
async def an_archived_task(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("archiveTask", {"id": task})
    return world.owner, {"id": task, "title": "Kept away"}


@case("updateTask", UPDATED)
async def what_somebody_else_changed_elsewhere_is_merged(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("updateTask", {"id": task, "title": "Mine", "addLabelIds": [world.bug]})
    return world.member, {"id": task, "baseVersion": 1, "priority": "LOW", "addLabelIds": [world.label]}


@case("updateTask")
async def nothing_that_differs(world: World) -> Ask:
    task = await world.task("As it is", projectId=world.web, labelIds=[world.bug])
    return world.owner, {"id": task, "title": "As it is", "dueDate": None, "addLabelIds": [world.bug]}


@case("bulkUpdateTasks", f"{UPDATED}, {UPDATED}, {UPDATED}", guest=f"{UPDATED}, {UPDATED}")
async def three_tasks_of_which_a_guest_sees_two(world: World) -> Ask:
    places = (world.web, world.web, world.ops)
    ids = [await world.task(projectId=one, assigneeIds=[world.member.id]) for one in places]
    changes = ({"title": "Other"}, {"priority": "LOW", "parentId": world.web_task}, {"addLabelIds": [world.bug]})
    removed = {"removeAssigneeIds": [world.member.id]}
    return world.owner, {"updates": [{"id": one, **removed, **more} for one, more in zip(ids, changes, strict=True)]}


@case("revertChanges", f"{UPDATED}, {UPDATED}")
async def a_bulk_update(world: World) -> Ask:
    ids = sorted([await world.task(projectId=world.web), await world.task(projectId=world.web)])
    asked = {"updates": [{"id": one, "title": "Other", "addLabelIds": [world.bug]} for one in ids]}
    return world.guest, _undo(await world.owner.do("bulkUpdateTasks", asked))


@case("revertChanges", UPDATED)
async def the_change_of_every_field(world: World) -> Ask:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id], labelIds=[world.label])
    asked = {
        "id": task,
        "title": "Other",
        "description": "Text",
        "statusId": world.statuses["DONE"],
        "priority": "HIGH",
        "startDate": "2026-03-01",
        "dueDate": "2026-03-02",
        "estimate": 2,
        "parentId": world.web_task,
        "addAssigneeIds": [world.member.id],
        "removeAssigneeIds": [world.guest.id],
        "addLabelIds": [world.bug],
        "removeLabelIds": [world.label],
    }
    return world.member, _undo(await world.owner.do("updateTask", asked))


@case("revertChanges", UPDATED, guest=CREATED)
async def a_move_out_of_the_guests_project(world: World) -> Ask:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.member.id])
    return world.member, _undo(await world.owner.do("moveTask", {"id": task, "projectId": world.ops}))


@case("revertChanges", CREATED)
async def the_end_of_a_task(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    return world.member, _undo(await world.owner.do("deleteTask", {"id": task}))


@case("revertChanges", DELETED)
async def the_return_of_a_task(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("deleteTask", {"id": task})
    return world.member, _undo(await world.owner.do("restoreTask", {"id": task}))


@case("revertChanges", UPDATED)
async def that_a_task_was_archived(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    return world.guest, _undo(await world.owner.do("archiveTask", {"id": task}))


@case("revertChanges", "CommentEvent UPDATED")
async def the_text_of_a_comment(world: World) -> Ask:
    comment = await world.comment(world.web_task)
    return world.owner, _undo(await world.owner.do("updateComment", {"id": comment, "body": "Other"}))


@case("revertChanges", "CommentEvent CREATED")
async def the_end_of_a_comment(world: World) -> Ask:
    comment = await world.comment(world.web_task)
    return world.owner, _undo(await world.owner.do("deleteComment", {"id": comment}))


@case("revertChanges", "PROJECT UPDATED")
async def that_a_project_was_archived(world: World) -> Ask:
    return world.member, _undo(await world.owner.do("updateProject", {"id": world.web, "archived": True}))


@case("revertChanges", "WORKSPACE UPDATED")
async def the_name_of_a_workspace(world: World) -> Ask:
    return world.admin, _undo(await world.owner.do("updateWorkspace", {"id": world.id, "name": "Other"}))


@case("revertChanges", f"MEMBERSHIP UPDATED, {UPDATED}", guest=f"MEMBERSHIP CREATED, {UPDATED}")
async def that_somebody_became_a_guest(world: World) -> Ask:
    person = await world.bring_in()
    await world.task(projectId=world.web, assigneeIds=[person.id])
    return world.admin, _undo(
        await world.owner.do("updateMemberRole", {"id": world.membership(person), "role": "GUEST"})
    )


@case("revertChanges")
async def what_is_as_it_was_already(world: World) -> Ask:
    task = await world.task("As it was", projectId=world.web)
    undone = _undo(await world.owner.do("updateTask", {"id": task, "title": "Other"}))
    await world.owner.do("updateTask", {"id": task, "title": "As it was"})
    return world.owner, undone


def _undo(payload: dict[str, Any]) -> dict[str, Any]:
    return {"target": {"changeSetId": payload["changeSetId"]}}


@case("moveTask", UPDATED)
async def to_the_front_of_its_column(world: World) -> Ask:
    await world.task(projectId=world.web)
    task = await world.task(projectId=world.web)
    return world.owner, {"id": task, "position": {"edge": "FIRST"}}


@case("moveTask", UPDATED)
async def to_another_column_after_a_task_there(world: World) -> Ask:
    task, anchor = (
        await world.task(projectId=world.web),
        await world.task(projectId=world.web, statusId=world.statuses["DONE"]),
    )
    return world.guest, {"id": task, "statusId": world.statuses["DONE"], "position": {"after": anchor}}


@case("moveTask", UPDATED, guest=LOST)
async def out_of_the_guests_project(world: World) -> Ask:
    task = await world.task(projectId=world.web, assigneeIds=[world.guest.id, world.member.id])
    return world.owner, {"id": task, "projectId": world.ops}


@case("moveTask", UPDATED, guest=CREATED)
async def into_the_guests_project(world: World) -> Ask:
    task = await world.task(projectId=world.ops, assigneeIds=[world.other_guest.id, world.member.id])
    return world.owner, {"id": task, "projectId": world.web, "position": {"edge": "LAST"}}


@case("moveTask", UPDATED, guest=LOST)
async def out_of_every_project(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    return world.owner, {"id": task, "projectId": None}


@case("moveTask", UPDATED, guest=CREATED)
async def an_archived_task_into_the_guests_project(world: World) -> Ask:
    task = await world.task(assigneeIds=[world.spare.id])
    await world.owner.do("archiveTask", {"id": task})
    return world.owner, {"id": task, "projectId": world.web}


@case("moveTask", UPDATED, guest=f"{CREATED}, {UPDATED}")
async def a_parent_into_sight_of_the_guest(world: World) -> Ask:
    task = await world.task("Parent", projectId=world.ops)
    await world.task("Child", projectId=world.web, parentId=task)
    return world.owner, {"id": task, "projectId": world.web}


@case("moveTask", UPDATED, guest=f"{LOST}, {UPDATED}")
async def a_parent_out_of_sight_of_the_guest(world: World) -> Ask:
    task = await world.task("Parent", projectId=world.web)
    await world.task("Child", projectId=world.web, parentId=task)
    return world.owner, {"id": task, "projectId": world.ops}


@case("moveTask", UPDATED, guest=CREATED)
async def a_child_into_sight_of_the_guest(world: World) -> Ask:
    task = await world.task("Child", projectId=world.ops, parentId=world.web_task)
    return world.owner, {"id": task, "projectId": world.web}


@case("moveTask", UPDATED, guest=LOST)
async def a_child_out_of_sight_of_the_guest(world: World) -> Ask:
    task = await world.task("Child", projectId=world.web, parentId=world.web_task)
    return world.owner, {"id": task, "projectId": world.ops}


@case("moveTask")
async def to_where_it_is(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    return world.owner, {"id": task, "projectId": world.web, "position": {"edge": "LAST"}}


@case("archiveTask", UPDATED)
async def a_task(world: World) -> Ask:
    return world.guest, {"id": await world.task(projectId=world.web)}


@case("archiveTask", UPDATED)
async def a_subtask_which_still_counts(world: World) -> Ask:
    return world.owner, {"id": await world.task(projectId=world.web, parentId=world.web_task)}


@case("archiveTask", UPDATED, guest="")
async def a_task_elsewhere(world: World) -> Ask:
    return world.member, {"id": await world.task()}


@case("archiveTask")
async def an_archived_one_again(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("archiveTask", {"id": task})
    return world.member, {"id": task}


@case("restoreTask", UPDATED)
async def from_the_archive(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("archiveTask", {"id": task})
    return world.member, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task(world: World) -> Ask:
    task = await world.task(projectId=world.web, labelIds=[world.bug], assigneeIds=[world.guest.id])
    await world.owner.do("deleteTask", {"id": task})
    return world.member, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task_that_a_guest_created(world: World) -> Ask:
    task = await world.guest.create_task(world.id, projectId=world.web)
    await world.owner.do("deleteTask", {"id": task})
    return world.guest, {"id": task}


@case("restoreTask", f"{CREATED}, {UPDATED}, {UPDATED}", guest=f"{CREATED}, {UPDATED}")
async def a_deleted_task_with_subtasks(world: World) -> Ask:
    task = await world.task("Parent", projectId=world.web)
    await world.task("Child", projectId=world.web, parentId=task)
    await world.task("Child elsewhere", projectId=world.ops, parentId=task)
    deleted = await world.task("Deleted child", projectId=world.web, parentId=task)
    await world.owner.do("deleteTask", {"id": deleted})
    await world.owner.do("deleteTask", {"id": task})
    return world.owner, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_subtask(world: World) -> Ask:
    task = await world.task(projectId=world.web, parentId=world.web_task, statusId=world.statuses["DONE"])
    await world.owner.do("deleteTask", {"id": task})
    return world.owner, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task_whose_parent_is_deleted_too(world: World) -> Ask:
    parent = await world.task("Parent", projectId=world.web)
    task = await world.task("Child", projectId=world.web, parentId=parent)
    await world.owner.do("deleteTask", {"id": task})
    await world.owner.do("deleteTask", {"id": parent})
    return world.owner, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task_whose_status_project_and_label_went_since(world: World) -> Ask:
    status, label, project = await world.add_status(), await world.add_label(), await world.project()
    task = await world.task(projectId=project, statusId=status, labelIds=[label, world.bug])
    await world.owner.do("deleteTask", {"id": task})
    await world.owner.do("deleteStatus", {"id": status, "moveTasksToStatusId": world.statuses["DONE"]})
    await world.owner.do("deleteLabel", {"id": label})
    await world.owner.do("deleteProject", {"id": project, "moveTasksToProjectId": world.web})
    return world.owner, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task_of_somebody_who_left(world: World) -> Ask:
    person = await world.bring_in()
    task = await world.task(projectId=world.web, assigneeIds=[person.id, world.guest.id])
    await world.owner.do("deleteTask", {"id": task})
    await person.do("leaveWorkspace", {"id": world.id})
    return world.owner, {"id": task}


@case("deleteTask", DELETED)
async def a_task_of_the_guests_project(world: World) -> Ask:
    return world.member, {"id": await world.task(projectId=world.web)}


@case("deleteTask", DELETED, guest="")
async def a_task_of_no_project(world: World) -> Ask:
    return world.member, {"id": await world.task()}


@case("deleteTask", DELETED)
async def a_guests_own_task(world: World) -> Ask:
    return world.guest, {"id": await world.guest.create_task(world.id, projectId=world.web)}


@case("deleteTask", DELETED)
async def a_subtask(world: World) -> Ask:
    return world.owner, {"id": await world.task(projectId=world.web, parentId=world.web_task)}


@case("deleteTask", f"{DELETED}, {UPDATED}, {UPDATED}", guest=f"{DELETED}, {UPDATED}")
async def a_task_with_subtasks(world: World) -> Ask:
    task = await world.task("Parent", projectId=world.web)
    await world.task("Child", projectId=world.web, parentId=task)
    await world.task("Child elsewhere", projectId=world.ops, parentId=task)
    return world.owner, {"id": task}


# ---- comments, reactions, following


def mention(person: Person) -> str:
    return f"@[{person.id}]"


SAID, RESAID, UNSAID = "CommentEvent CREATED", "CommentEvent UPDATED", "CommentEvent DELETED"


@case("createComment", SAID)
async def on_a_task_of_the_guest_with_mentions(world: World) -> Ask:
    text = f"Look, {mention(world.guest)} and {mention(world.viewer)}: **this**"
    return world.member, {"taskId": await world.task(projectId=world.web), "id": minted("comment"), "body": text}


@case("createComment", SAID)
async def a_reply_by_the_guest(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    parent = await world.comment(task, "First")
    return world.guest, {"taskId": task, "parentId": parent, "body": "Second"}


@case("createComment", SAID, guest="")
async def on_a_task_that_the_guest_does_not_see(world: World) -> Ask:
    return world.owner, {"taskId": world.ops_task, "body": "Among us"}


@case("updateComment", RESAID)
async def its_text_and_its_thread(world: World) -> Ask:
    comment = await world.comment(await world.task(projectId=world.web), "First")
    return world.owner, {"id": comment, "body": f"Other, {mention(world.member)}", "resolved": True}


@case("updateComment", RESAID)
async def a_thread_is_open_again(world: World) -> Ask:
    comment = await world.comment(await world.task(projectId=world.web), "First")
    await world.owner.do("updateComment", {"id": comment, "resolved": True})
    return world.guest, {"id": comment, "resolved": False}


@case("updateComment")
async def nothing_of_a_comment_that_differs(world: World) -> Ask:
    comment = await world.comment(await world.task(projectId=world.web), "First")
    return world.owner, {"id": comment, "body": "First", "resolved": False}


@case("deleteComment", UNSAID)
async def the_first_of_a_thread(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    parent = await world.comment(task, "First")
    await world.comment(task, "Second", parentId=parent)
    await world.owner.do("addReaction", {"subjectId": parent, "emoji": "👍"})
    return world.owner, {"id": parent}


@case("deleteComment", UNSAID, guest="")
async def somebody_elses_elsewhere(world: World) -> Ask:
    return world.admin, {"id": await world.comment(world.ops_task, "Among us")}


REACTED = "REACTION UPDATED"


@case("addReaction", REACTED)
async def to_a_task(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("addReaction", {"subjectId": task, "emoji": "👍"})
    return world.guest, {"subjectId": task, "emoji": "👍"}


@case("addReaction", REACTED)
async def to_a_comment(world: World) -> Ask:
    comment = await world.comment(await world.task(projectId=world.web), "First")
    return world.member, {"subjectId": comment, "emoji": "❤️"}


@case("addReaction")
async def to_a_task_again(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.owner.do("addReaction", {"subjectId": task, "emoji": "👍"})
    return world.owner, {"subjectId": task, "emoji": "👍"}


@case("removeReaction", REACTED)
async def from_a_comment(world: World) -> Ask:
    comment = await world.comment(await world.task(projectId=world.web), "First")
    for person in (world.owner, world.member):
        await person.do("addReaction", {"subjectId": comment, "emoji": "👍"})
    return world.member, {"subjectId": comment, "emoji": "👍"}


@case("removeReaction")
async def one_that_is_not_there(world: World) -> Ask:
    return world.owner, {"subjectId": await world.task(projectId=world.web), "emoji": "👍"}


@case("updateTaskSubscription", UPDATED)
async def the_viewer_follows(world: World) -> Ask:
    return world.viewer, {"taskId": await world.task(projectId=world.web), "subscribed": True}


@case("updateTaskSubscription", UPDATED)
async def the_guest_mutes(world: World) -> Ask:
    return world.guest, {"taskId": world.web_task, "muted": True}


@case("updateTaskSubscription")
async def who_does_so_already(world: World) -> Ask:
    return world.owner, {"taskId": await world.task(projectId=world.web), "subscribed": True}


@case("markNotifications")
async def everything_is_read(world: World) -> Ask:
    await world.task(assigneeIds=[world.member.id])
    return world.member, {"target": {"all": True}, "read": True}


@case("updateNotificationRule")
async def of_a_project(world: World) -> Ask:
    return world.guest, {"scopeId": world.web, "kind": "COMMENT", "channels": ["EMAIL"]}


@case("updateNotificationSettings")
async def in_a_workspace(world: World) -> Ask:
    hours = {"from": "20:00", "to": "08:00"}
    return world.guest, {"workspaceId": world.id, "digest": "DAILY", "quietHours": hours, "showPresence": False}


@case("deleteTask", DELETED)
async def a_task_with_comments(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.comment(task, "First", parentId=await world.comment(task, "Zeroth"))
    return world.owner, {"id": task}


@case("restoreTask", CREATED)
async def a_deleted_task_with_comments(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.comment(task, "First")
    await world.owner.do("deleteTask", {"id": task})
    return world.owner, {"id": task}


@case("moveTask", UPDATED, guest=LOST)
async def a_task_with_comments_out_of_sight(world: World) -> Ask:
    task = await world.task(projectId=world.web)
    await world.comment(task, "First")
    return world.owner, {"id": task, "projectId": world.ops}


@case("moveTask", UPDATED, guest=CREATED)
async def a_task_with_comments_into_sight(world: World) -> Ask:
    task = await world.task(projectId=world.ops)
    await world.comment(task, "First")
    return world.owner, {"id": task, "projectId": world.web}


# ---- projects


@case("createProject", "PROJECT CREATED", guest="")
async def a_project(world: World) -> Ask:
    return world.member, {
        "workspaceId": world.id,
        "id": minted("project"),
        "name": "Side",
        "key": "P" + minted("x")[-8:].upper(),
        "description": "On the side",
        "color": "#ABCDEF",
    }


@case("updateProject", "PROJECT UPDATED")
async def every_field_of_the_guests_project(world: World) -> Ask:
    key = "W" + minted("x")[-8:].upper()
    return world.member, {"id": world.web, "name": "Web 2", "key": key, "description": "New", "color": "#123456"}


@case("updateProject", "PROJECT UPDATED")
async def the_guests_project_is_archived(world: World) -> Ask:
    return world.owner, {"id": world.web, "archived": True}


@case("updateProject", "PROJECT UPDATED")
async def the_guests_project_is_back(world: World) -> Ask:
    await world.owner.do("updateProject", {"id": world.web, "archived": True})
    return world.owner, {"id": world.web, "archived": False, "description": None, "color": None}


@case("updateProject", "PROJECT UPDATED", guest="")
async def another_project(world: World) -> Ask:
    return world.owner, {"id": world.ops, "name": "Operations 2"}


@case("deleteProject", f"{UPDATED}, {UPDATED}, PROJECT DELETED", guest="")
async def its_tasks_go_to_none(world: World) -> Ask:
    project = await world.project()
    await world.task(projectId=project)
    await world.task(projectId=project, assigneeIds=[world.member.id])
    await world.owner.do("deleteTask", {"id": await world.task(projectId=project)})
    return world.member, {"id": project}


@case("deleteProject", f"{UPDATED}, {UPDATED}, PROJECT DELETED", guest=f"{CREATED}, {CREATED}")
async def its_tasks_come_to_the_guest(world: World) -> Ask:
    project = await world.project()
    await world.task(projectId=project)
    await world.task(projectId=project)
    return world.member, {"id": project, "moveTasksToProjectId": world.web}


@case("deleteProject", "PROJECT DELETED", guest="")
async def a_project_that_an_invite_leads_to(world: World) -> Ask:
    project = await world.project()
    await world.add_invite(role="GUEST", projectIds=[world.web, project])
    return world.owner, {"id": project}


@case("deleteProject", "MEMBERSHIP UPDATED, PROJECT DELETED", guest="MEMBERSHIP UPDATED")
async def a_project_of_somebody_beside_the_guest(world: World) -> Ask:
    project = await world.project()
    await world.bring_in("GUEST", projectIds=[project, world.web])
    return world.owner, {"id": project}


@case(
    "deleteProject",
    f"{UPDATED}, MEMBERSHIP UPDATED, PROJECT DELETED",
    guest=f"{LOST}, MEMBERSHIP UPDATED, resync ACCESS_CHANGED",
)
async def a_project_of_the_guest(world: World) -> Ask:
    project = await world.project()
    await world.owner.do("addProjectGuest", {"projectId": project, "membershipId": world.membership(world.guest)})
    await world.task(projectId=project, assigneeIds=[world.guest.id])
    return world.member, {"id": project}


# ---- statuses


@case("createStatus", "STATUS CREATED")
async def at_the_front(world: World) -> Ask:
    asked = {"workspaceId": world.id, "name": "Soon", "category": "TODO", "color": "#00ff00"}
    return world.member, {**asked, "id": minted("status"), "position": {"edge": "FIRST"}}


@case("createStatus", "STATUS CREATED")
async def between_others(world: World) -> Ask:
    asked = {"workspaceId": world.id, "name": "Later", "category": "BACKLOG"}
    return world.member, {**asked, "position": {"before": world.statuses["DONE"]}}


@case("updateStatus", "STATUS UPDATED")
async def every_field_and_its_place(world: World) -> Ask:
    status = await world.add_status()
    asked = {"id": status, "name": f"Other {minted('x')}", "category": "CANCELED", "color": "#0000ff"}
    return world.member, {**asked, "position": {"edge": "FIRST"}}


@case("updateStatus", "STATUS UPDATED")
async def the_category_of_subtasks_becomes_done(world: World) -> Ask:
    status = await world.add_status(category="IN_PROGRESS")
    await world.task(projectId=world.web, parentId=world.web_task, statusId=status)
    return world.member, {"id": status, "category": "DONE"}


@case("updateStatus")
async def to_the_place_where_it_is(world: World) -> Ask:
    return world.member, {"id": await world.add_status(), "position": {"edge": "LAST"}, "color": None}


@case("deleteStatus", f"{UPDATED}, {UPDATED}, STATUS DELETED", guest=f"{UPDATED}, STATUS DELETED")
async def its_tasks_are_done(world: World) -> Ask:
    status = await world.add_status()
    await world.task(projectId=world.web, parentId=world.web_task, statusId=status)
    await world.task(statusId=status)
    await world.owner.do("deleteTask", {"id": await world.task(statusId=status)})
    return world.member, {"id": status, "moveTasksToStatusId": world.statuses["DONE"]}


@case("deleteStatus", "STATUS DELETED")
async def one_without_tasks(world: World) -> Ask:
    return world.member, {"id": await world.add_status(), "moveTasksToStatusId": world.statuses["TODO"]}


# ---- labels


@case("createLabel", "LABEL CREATED")
async def a_label(world: World) -> Ask:
    return world.member, {"workspaceId": world.id, "id": minted("label"), "name": "urgent", "color": "#FF0000"}


@case("updateLabel", "LABEL UPDATED")
async def every_field_of_a_label(world: World) -> Ask:
    return world.member, {"id": await world.add_label(color="#ff0000"), "name": f"{minted('x')}", "color": None}


@case("deleteLabel", f"{UPDATED}, {UPDATED}, LABEL DELETED", guest=f"{UPDATED}, LABEL DELETED")
async def it_comes_off_tasks(world: World) -> Ask:
    label = await world.add_label()
    await world.task(projectId=world.web, labelIds=[world.bug, label])
    await world.task(labelIds=[label])
    return world.member, {"id": label}


@case("deleteLabel", "LABEL DELETED")
async def one_that_no_task_has(world: World) -> Ask:
    return world.member, {"id": await world.add_label()}


# ---- workspaces


@case("createWorkspace")
async def another_workspace(world: World) -> Ask:
    return world.owner, {"name": "Other", "id": minted("workspace")}


@case("updateWorkspace", "WORKSPACE UPDATED")
async def every_field_of_it(world: World) -> Ask:
    slug = minted("x")[-12:]
    return world.admin, {"id": world.id, "name": "Acme 2", "slug": slug, "key": "ACM", "description": "All of us"}


@case("updateWorkspace", "WORKSPACE UPDATED")
async def the_description_is_cleared(world: World) -> Ask:
    await world.owner.do("updateWorkspace", {"id": world.id, "description": "Something"})
    return world.owner, {"id": world.id, "description": None}


@case("leaveWorkspace", f"{UPDATED}, {UPDATED}, MEMBERSHIP DELETED", guest=f"{UPDATED}, MEMBERSHIP DELETED")
async def a_member_with_tasks(world: World) -> Ask:
    person = await world.bring_in()
    await world.task(assigneeIds=[person.id])
    await world.task(projectId=world.web, assigneeIds=[world.member.id, person.id])
    return person, {"id": world.id}


@case("leaveWorkspace", f"{UPDATED}, MEMBERSHIP DELETED", guest=END, is_alone=True)
async def the_guest(world: World) -> Ask:
    return world.guest, {"id": world.id}


MINE = "MEMBERSHIP UPDATED, MEMBERSHIP UPDATED, resync ACCESS_CHANGED"


@case("transferWorkspace", "MEMBERSHIP UPDATED, MEMBERSHIP UPDATED", owner=MINE, member=MINE)
async def from_one_to_another(world: World) -> Ask:
    await world.owner.do("transferWorkspace", {"id": world.id, "toMembershipId": world.membership(world.member)})
    await world.member.do("updateMemberRole", {"id": world.membership(world.owner), "role": "MEMBER"})
    return world.member, {"id": world.id, "toMembershipId": world.membership(world.owner)}


@case(
    "transferWorkspace",
    "MEMBERSHIP UPDATED, MEMBERSHIP UPDATED",
    owner=MINE,
    guest="MEMBERSHIP UPDATED, MEMBERSHIP CREATED",
    is_alone=True,
)
async def to_a_guest_of_another_project(world: World) -> Ask:
    return world.owner, {"id": world.id, "toMembershipId": world.membership(world.other_guest)}


@case("deleteWorkspace", END, is_alone=True)
async def the_workspace(world: World) -> Ask:
    return world.owner, {"id": world.id}


# ---- invites


@case("createInvite", "INVITE CREATED", viewer="", guest="")
async def a_link(world: World) -> Ask:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return world.member, {"workspaceId": world.id, "role": "VIEWER", "maxUses": 3, "expiresAt": tomorrow}


@case("createInvite", "INVITE CREATED", viewer="", guest="")
async def for_a_guest_by_mail(world: World) -> Ask:
    asked = {"workspaceId": world.id, "role": "GUEST", "projectIds": [world.web, world.ops], "email": "Gil@Example.com"}
    return world.owner, asked


@case("revokeInvite", "INVITE UPDATED", viewer="", guest="")
async def an_open_one(world: World) -> Ask:
    invite_id, _ = await world.add_invite()
    return world.member, {"id": invite_id}


@case("revokeInvite")
async def one_that_is_revoked_already(world: World) -> Ask:
    invite_id, _ = await world.add_invite()
    await world.owner.do("revokeInvite", {"id": invite_id})
    return world.owner, {"id": invite_id}


@case("acceptInvite", "MEMBERSHIP CREATED, INVITE UPDATED", viewer="MEMBERSHIP CREATED", guest="MEMBERSHIP CREATED")
async def a_member_joins(world: World) -> Ask:
    _, token = await world.add_invite(maxUses=2)
    return await world.owner.api.sign_up("Joe"), {"token": token}


@case("acceptInvite", "MEMBERSHIP CREATED, INVITE UPDATED", viewer="MEMBERSHIP CREATED", guest="MEMBERSHIP CREATED")
async def a_guest_joins_beside_the_guest(world: World) -> Ask:
    _, token = await world.add_invite(role="GUEST", projectIds=[world.web, world.ops])
    return await world.owner.api.sign_up("Joe"), {"token": token}


@case("acceptInvite", "MEMBERSHIP CREATED, INVITE UPDATED", viewer="MEMBERSHIP CREATED", guest="")
async def a_guest_joins_elsewhere(world: World) -> Ask:
    _, token = await world.add_invite(role="GUEST", projectIds=[world.ops])
    return await world.owner.api.sign_up("Joe"), {"token": token}


@case("acceptInvite")
async def a_member_already(world: World) -> Ask:
    _, token = await world.add_invite()
    return world.viewer, {"token": token}


# ---- members

CHANGED = "MEMBERSHIP UPDATED"
MY_ROLE = "MEMBERSHIP UPDATED, resync ACCESS_CHANGED"


@case("updateMemberRole", CHANGED)
async def of_an_admin(world: World) -> Ask:
    person = await world.bring_in("ADMIN")
    return world.owner, {"id": world.membership(person), "role": "MEMBER"}


@case("updateMemberRole", f"{UPDATED}, {UPDATED}, {CHANGED}", guest=f"{UPDATED}, MEMBERSHIP DELETED")
async def a_member_becomes_a_guest_without_projects(world: World) -> Ask:
    person = await world.bring_in()
    await world.task(projectId=world.web, assigneeIds=[person.id])
    await world.task(assigneeIds=[person.id, world.member.id])
    return world.owner, {"id": world.membership(person), "role": "GUEST"}


@case("updateMemberRole", CHANGED, guest="MEMBERSHIP CREATED")
async def a_guest_elsewhere_becomes_a_member(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops])
    return world.owner, {"id": world.membership(person), "role": "MEMBER"}


@case("updateMemberRole", CHANGED)
async def a_guest_beside_becomes_a_viewer(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops, world.web])
    return world.owner, {"id": world.membership(person), "role": "VIEWER"}


@case("updateMemberRole")
async def to_what_they_are(world: World) -> Ask:
    return world.owner, {"id": world.membership(world.member), "role": "MEMBER"}


@case("updateMemberRole", CHANGED, viewer=MY_ROLE)
async def the_viewer_is_an_admin_no_more(world: World) -> Ask:
    await world.owner.do("updateMemberRole", {"id": world.membership(world.viewer), "role": "ADMIN"})
    return world.owner, {"id": world.membership(world.viewer), "role": "VIEWER"}


@case("updateMemberRole", CHANGED, guest=MY_ROLE, is_alone=True)
async def the_guest_becomes_a_member(world: World) -> Ask:
    return world.owner, {"id": world.membership(world.guest), "role": "MEMBER"}


@case(
    "updateMemberRole",
    f"{UPDATED}, {CHANGED}",
    member=f"{UPDATED}, {CHANGED}, resync ACCESS_CHANGED",
    guest=f"{UPDATED}, MEMBERSHIP DELETED",
    is_alone=True,
)
async def the_member_becomes_a_guest(world: World) -> Ask:
    return world.owner, {"id": world.membership(world.member), "role": "GUEST"}


@case("removeMember", f"{UPDATED}, MEMBERSHIP DELETED")
async def somebody_with_a_task(world: World) -> Ask:
    person = await world.bring_in()
    await world.task(projectId=world.web, assigneeIds=[world.member.id, person.id])
    return world.admin, {"id": world.membership(person)}


@case("removeMember", "MEMBERSHIP DELETED", guest="")
async def a_guest_elsewhere(world: World) -> Ask:
    return world.owner, {"id": world.membership(await world.bring_in("GUEST", projectIds=[world.ops]))}


@case("removeMember", f"{UPDATED}, MEMBERSHIP DELETED", member=END, is_alone=True)
async def the_member_is_removed(world: World) -> Ask:
    return world.admin, {"id": world.membership(world.member)}


@case("addProjectGuest", CHANGED, guest="MEMBERSHIP CREATED")
async def somebody_comes_beside_the_guest(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops])
    return world.member, {"projectId": world.web, "membershipId": world.membership(person)}


@case("addProjectGuest", CHANGED, guest="")
async def somebody_gets_a_project_that_the_guest_does_not_see(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops])
    return world.member, {"projectId": await world.project(), "membershipId": world.membership(person)}


@case("addProjectGuest")
async def a_project_that_they_have(world: World) -> Ask:
    return world.member, {"projectId": world.web, "membershipId": world.membership(world.guest)}


@case("addProjectGuest", CHANGED, guest=MY_ROLE)
async def the_guest_gets_another_project(world: World) -> Ask:
    project = await world.project()
    await world.task(projectId=project)
    return world.member, {"projectId": project, "membershipId": world.membership(world.guest)}


@case("removeProjectGuest", f"{UPDATED}, {CHANGED}", guest=f"{UPDATED}, MEMBERSHIP DELETED")
async def somebody_goes_from_beside_the_guest(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops, world.web])
    await world.task(projectId=world.web, assigneeIds=[person.id])
    await world.task(projectId=world.ops, assigneeIds=[person.id])
    return world.member, {"projectId": world.web, "membershipId": world.membership(person)}


@case("removeProjectGuest", CHANGED)
async def somebody_beside_loses_what_the_guest_does_not_see(world: World) -> Ask:
    person = await world.bring_in("GUEST", projectIds=[world.ops, world.web])
    return world.member, {"projectId": world.ops, "membershipId": world.membership(person)}


@case("removeProjectGuest")
async def a_project_that_they_do_not_have(world: World) -> Ask:
    return world.member, {"projectId": world.ops, "membershipId": world.membership(world.guest)}


@case("removeProjectGuest", f"{UPDATED}, {CHANGED}", guest=f"{UPDATED}, {MY_ROLE}")
async def the_guest_loses_a_project(world: World) -> Ask:
    project = await world.project()
    await world.owner.do("addProjectGuest", {"projectId": project, "membershipId": world.membership(world.guest)})
    await world.task(projectId=project, assigneeIds=[world.guest.id])
    return world.member, {"projectId": project, "membershipId": world.membership(world.guest)}


# ---- presence, which is not in the log


@case("updatePresence")
async def a_heartbeat(world: World) -> Ask:
    doing = {"taskId": world.web_task, "mode": "EDITING", "field": "TITLE"}
    return world.member, {"workspaceId": world.id, "clientId": str(uuid4()), "activity": doing}


# ---- API tokens: told in the audit log alone


@case("createApiToken")
async def of_the_owner(world: World) -> Ask:
    return world.owner, {"workspaceId": world.id, "name": "Bot", "scopes": ["TASK_READ"]}


@case("updateApiToken")
async def another_name(world: World) -> Ask:
    token_id, _ = await world.add_token()
    return world.owner, {"id": token_id, "name": "Other"}


@case("revokeApiToken")
async def one_of_the_owners(world: World) -> Ask:
    token_id, _ = await world.add_token()
    return world.owner, {"id": token_id}


# ---- webhooks: they are told of events, and are none


@case("createWebhook")
async def one_for_everything(world: World) -> Ask:
    await world.add_webhook()  # and makes room
    return world.admin, {"workspaceId": world.id, "url": "https://hooks.example.com/", "kinds": ["TASK", "COMMENT"]}


@case("updateWebhook")
async def one_elsewhere_and_of_other_kinds(world: World) -> Ask:
    webhook_id, _ = await world.add_webhook()
    return world.admin, {"id": webhook_id, "url": "https://example.com:8443/?a=b", "kinds": ["LABEL"], "paused": True}


@case("rotateWebhookSecret")
async def of_a_webhook(world: World) -> Ask:
    webhook_id, _ = await world.add_webhook()
    return world.owner, {"id": webhook_id}


@case("replayWebhook")
async def one_from_where_it_began(world: World) -> Ask:
    after = await world.cursor()
    webhook_id, _ = await world.add_webhook()
    return world.owner, {"id": webhook_id, "after": after}


@case("testWebhook")
async def one_that_is_paused(world: World) -> Ask:
    webhook_id, _ = await world.add_webhook()
    await world.owner.do("updateWebhook", {"id": webhook_id, "paused": True})
    return world.owner, {"id": webhook_id}


@case("deleteWebhook")
async def one_that_was_tested(world: World) -> Ask:
    webhook_id, _ = await world.add_webhook()
    await world.owner.do("testWebhook", {"id": webhook_id})
    return world.admin, {"id": webhook_id}
