"""What one person sees of a workspace: read whole over the API, or kept current by its events as a client would.

A `View` is a normalised cache: objects by id, neighbours as ids. `read` and `apply` use the same fragments, so the two
can be compared. An object that goes takes with it that others point at it. Only `subtaskCount` and
`completedSubtaskCount` are computed here instead of taken from events: the API says that they follow from the subtasks.
A task's comments are objects of their own, which go with it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from tests.people import Person

FRAGMENTS = """
fragment workspace on Workspace {
  id version createdAt updatedAt kind name slug key description viewerRole viewerPermissions
}
fragment membership on Membership {
  id version createdAt updatedAt role email user { id name handle } projects { id }
}
fragment invite on Invite {
  id role email maxUses useCount expiresAt revokedAt createdBy { id name ... on User { handle } } projects { id }
}
fragment project on Project {
  id version createdAt updatedAt name key description color archivedAt viewerPermissions
}
fragment status on Status { id version createdAt updatedAt name category color rank }
fragment label on Label { id version createdAt updatedAt name color }
fragment task on Task {
  id version createdAt updatedAt key title description priority startDate dueDate estimate rank completedAt archivedAt
  deletedAt workspace { id } project { id } status { id } parent { id } labels { id }
  createdBy { id name ... on User { handle } } assignees { id name handle }
  subtaskCount completedSubtaskCount commentCount
  reactions { ...reactions }
  comments(first: 100) { nodes { ...comment } pageInfo { hasNextPage } }
}
fragment comment on Comment {
  id version createdAt updatedAt body resolvedAt editedAt task { id } parent { id }
  author { id name ... on User { handle } } mentions { id name handle }
  reactions { ...reactions }
}
fragment reactions on ReactionGroup { emoji count users { id name handle } }
"""

WHOLE = (
    """query ($id: ID!) { workspace(by: {id: $id}) {
      __typename ...workspace eventCursor
      members(first: 100) { nodes { __typename ...membership } pageInfo { hasNextPage } }
      invites(first: 100) { nodes { __typename ...invite } pageInfo { hasNextPage } }
      projects(includeArchived: true, first: 100) {
        nodes { __typename ...project guests(first: 100) { nodes { id } } } pageInfo { hasNextPage }
      }
      statuses { __typename ...status }
      labels { __typename ...label }
      tasks(first: 500, filter: {archived: null}) { nodes { __typename ...task } pageInfo { hasNextPage } }
    } }"""
    + FRAGMENTS
)

BATCH = """
  cursor caughtUp resync
  events {
    __typename cursor occurredAt clientMutationId actor { id name ... on User { handle } }
    ... on TaskCreatedEvent { task { __typename ...task } }
    ... on TaskUpdatedEvent { taskId version changes { field before after } task { __typename ...task } }
    ... on TaskRemovedEvent { taskId reason }
    ... on CommentEvent { op commentId taskId comment { __typename ...comment } task { __typename ...task } }
    ... on EntityEvent { kind op entityId entity {
      __typename id ...workspace ...membership ...invite ...project ...status ...label ...task ...comment
    } }
  }
"""

FOLLOW = (
    f"""subscription ($workspaceId: ID!, $after: EventCursor, $filter: EventFilter) {{
      workspaceEvents(workspaceId: $workspaceId, after: $after, filter: $filter) {{ {BATCH} }} }}"""
    + FRAGMENTS
)

POLL = (
    f"""query ($workspaceId: ID!, $after: EventCursor!, $filter: EventFilter, $first: Int) {{
      workspaceEvents(workspaceId: $workspaceId, after: $after, filter: $filter, first: $first) {{ {BATCH} }} }}"""
    + FRAGMENTS
)

LISTS = ("members", "invites", "projects", "statuses", "labels", "tasks")
PERSON_FIELDS = ("user", "createdBy", "assignees", "author", "mentions")


@dataclass(slots=True)
class View:
    """One person's cache of one workspace. `objects` is empty when they see nothing of it."""

    workspace_id: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    cursor: str | None = None

    @staticmethod
    async def read(person: Person, workspace_id: str) -> View:
        """A fresh snapshot. Checks what it says twice: guests of projects and numbers of subtasks."""
        whole = (await person.ask(WHOLE, id=workspace_id))["workspace"]
        view = View(workspace_id)
        if whole is None:
            return view
        view.cursor = whole.pop("eventCursor")
        guests = {}
        for name in LISTS:
            found = whole.pop(name)
            if isinstance(found, dict):
                assert not found["pageInfo"]["hasNextPage"]
                found = found["nodes"]
            for one in found or []:
                if name == "projects":
                    guests[one["id"]] = sorted(guest["id"] for guest in one.pop("guests")["nodes"])
                view.put(one)
        view.put(whole)
        for project_id, listed in guests.items():
            members = view.of_kind("Membership")
            added = [one["id"] for one in members if {"id": project_id} in (one["projects"] or [])]
            assert listed == sorted(added)
        shown = view.shown()
        for task in view.of_kind("Task"):
            for name in ("subtaskCount", "completedSubtaskCount"):
                assert task[name] == shown[task["id"]][name], task
        return view

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.objects.values() if one["__typename"] == kind]

    def put(self, found: dict[str, Any]) -> None:
        """Keep an object, unless a newer version of it is here; keep the people that it names."""
        found = dict(found)
        comments = found.pop("comments", None)
        if comments is not None:
            assert not comments["pageInfo"]["hasNextPage"]
            for one in self._comments_of(found["id"]) - {one["id"] for one in comments["nodes"]}:
                self._drop(one)
            for one in comments["nodes"]:
                self.put({"__typename": "Comment", **one})
        known = self.objects.get(found["id"])
        if known is None or found.get("version", 0) >= known.get("version", 0):
            self.objects[found["id"]] = copy.deepcopy(found)
        for name in PERSON_FIELDS:
            people = found.get(name) or []
            for person in people if isinstance(people, list) else [people]:
                self._put_person(person)
        for group in found.get("reactions", ()):
            for person in group["users"]:
                self._put_person(person)

    def _comments_of(self, task_id: str) -> set[str]:
        return {one["id"] for one in self.of_kind("Comment") if one["task"]["id"] == task_id}

    def _put_person(self, person: dict[str, Any]) -> None:
        known = self.objects.setdefault(person["id"], {"__typename": "Person"})
        known.update(person)

    def apply(self, event: dict[str, Any]) -> None:
        """What a client does with an event."""
        self._put_person(event["actor"])
        match event:
            case {"commentId": gone, "comment": None, "task": dict(task)}:
                self.put(task)
                self._drop(gone)
            case {"comment": dict(comment), "task": dict(task)}:
                self.put(task)
                self.put(comment)
            case {"commentId": gone}:
                self._drop(gone)
            case {"task": dict(task)}:
                self.put(task)
            case {"entity": dict(entity)}:
                self.put(entity)
            case {"taskId": gone} | {"entityId": gone}:
                self._drop(gone)
        self.cursor = event["cursor"]

    def _drop(self, gone: str) -> None:
        """Forget an object, and that others point at it."""
        self.objects.pop(gone, None)
        for one in self._comments_of(gone):
            self._drop(one)
        for one in self.objects.values():
            for name, value in one.items():
                if isinstance(value, list):
                    one[name] = [ref for ref in value if not (isinstance(ref, dict) and ref.get("id") == gone)]
                elif isinstance(value, dict) and value["id"] == gone:
                    one[name] = None

    def shown(self) -> dict[str, dict[str, Any]]:
        """id -> object as somebody who looks at the cache sees it."""
        done = {one["id"] for one in self.of_kind("Status") if one["category"] == "DONE"}
        shown: dict[str, dict[str, Any]] = {}
        for one in self.objects.values():
            if one["__typename"] != "Person":
                shown[one["id"]] = {name: self._named(value) for name, value in one.items()}
        for task in self.of_kind("Task"):
            below = [one for one in self.of_kind("Task") if (one["parent"] or {}).get("id") == task["id"]]
            shown[task["id"]]["subtaskCount"] = len(below)
            shown[task["id"]]["completedSubtaskCount"] = sum(one["status"]["id"] in done for one in below)
        return shown

    def _named(self, value: Any) -> Any:
        """Neighbours by their ids, people with their names as they are known now."""
        if isinstance(value, list):
            return [self._named(one) for one in value]
        if isinstance(value, dict) and "emoji" in value:
            return {name: self._named(one) for name, one in value.items()}
        if isinstance(value, dict):
            known = self.objects.get(value["id"], {})
            return dict(known) if known.get("__typename") == "Person" else value["id"]
        return value

    def differences(self, other: View) -> list[str]:
        """What is here, but not so there, and the other way round."""
        ours, theirs = self.shown(), other.shown()
        found = []
        for one in sorted(ours.keys() | theirs.keys()):
            here, there = ours.get(one, {}), theirs.get(one, {})
            found += [
                f"{one} {name}: {here.get(name, '-')!r} != {there.get(name, '-')!r}"
                for name in sorted(here.keys() | there.keys())
                if here.get(name, "-") != there.get(name, "-")
            ]
        return found
