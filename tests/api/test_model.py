"""Random people do random things to tasks, servers die and answers get lost: all stays as a simple model says.

After it: model == API == the log replayed from the beginning, for everybody by their own rights. MODEL_RUNS and
MODEL_STEPS say how much; `make model` makes 500 runs of 50. A failure prints the steps that led to it, and the seed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.api.views import POLL, View
from tests.api.world import minted
from tests.people import Api, Person
from tests.processes import ServerProcess, server_processes
from tests.stack_fixture import TestStack

RUNS = int(os.environ.get("MODEL_RUNS", "15"))
STEPS = int(os.environ.get("MODEL_STEPS", "20"))
Answer = TypeVar("Answer")


@dataclass
class Ground:
    """Two servers of our own, which may die, and the loop on which we ask them."""

    servers: list[ServerProcess]
    runner: asyncio.Runner
    http: httpx.AsyncClient
    finished: int = 0
    deaths: int = 0

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(work)

    def api(self, number: int) -> Api:
        return Api(self.servers[number].url, self.http)


@dataclass
class Card:
    """A task as the model has it. `past`: for each version after the first, field -> what it was before."""

    id: str
    author: str
    project: str | None
    status: str
    values: dict[str, Any]
    labels: set[str] = field(default_factory=set)
    assignees: set[str] = field(default_factory=set)
    parent: Card | None = None
    is_archived: bool = False
    is_deleted: bool = False
    past: list[dict[str, Any]] = field(default_factory=list)

    @property
    def version(self) -> int:
        return len(self.past) + 1

    @property
    def column(self) -> tuple[str | None, str]:
        return self.project, self.status

    def above(self) -> list[Card]:
        found, at = [], self.parent
        while at is not None:
            found.append(at)
            at = at.parent
        return found


ACTORS = st.sampled_from(["owner", "owner", "member", "member", "guest", "viewer"])
HOW = st.sampled_from(["once"] * 6 + ["twice", "at once", "cut off", "dies"])
NUMBERS = st.integers(0, 1000)
PLACES = st.sampled_from(["FIRST", "LAST", "before", "after"])
VALUES = {
    "title": st.sampled_from(["One", "Two", "Three"]),
    "priority": st.sampled_from(["NONE", "LOW", "HIGH"]),
    "estimate": st.sampled_from([None, 1.0, 2.5]),
    "dueDate": st.sampled_from([None, "2026-03-01", "2026-04-01"]),
}
PATCH = st.fixed_dictionaries({}, optional=VALUES)
CLASHING = st.fixed_dictionaries({"title": VALUES["title"]}, optional={"priority": VALUES["priority"]})


class Tasks(RuleBasedStateMachine):
    """Every step asks the API and the model, and holds the two answers together."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.cards: list[Card] = []
        self.order: dict[tuple[str | None, str], list[str]] = {}
        self.steps = 0
        self.ground.run(self._begin())

    async def _begin(self) -> None:
        """A team, and tasks that have a past already: what needs one to go wrong would else be rare in a few steps."""
        owner = await self.ground.api(0).sign_up("Olga")
        self.workspace = await owner.create_workspace()
        self.web = await owner.create_project(self.workspace)
        self.label = (await owner.do("createLabel", {"workspaceId": self.workspace, "name": "idea"}, "label { id }"))[
            "label"
        ]["id"]
        found = await owner.statuses(self.workspace)
        self.statuses = [found["TODO"], found["IN_PROGRESS"]]
        member, viewer, guest = await asyncio.gather(
            owner.bring_in(self.workspace, "MEMBER"),
            owner.bring_in(self.workspace, "VIEWER"),
            owner.bring_in(self.workspace, "GUEST", projectIds=[self.web]),
        )
        self.people = {"owner": owner, "member": member, "viewer": viewer, "guest": guest}
        self.replicas = {name: await View.read(person, self.workspace) for name, person in self.people.items()}
        for project in (self.web, self.web, None):
            await self._begin_card(owner, project)

    async def _begin_card(self, owner: Person, project: str | None) -> None:
        """A task whose title and priority have changed twice, and on which the guest is, if they may."""
        values = {"title": "One", "priority": "NONE", "estimate": None, "dueDate": None}
        card = Card(minted("task"), "owner", project, self.statuses[0], values)
        given = {"id": card.id, "workspaceId": self.workspace, "title": "One", "projectId": project}
        await owner.do("createTask", {**given, "statusId": card.status, "position": {"edge": "LAST"}})
        for changes in ({"title": "Two", "priority": "LOW"}, {"title": "Three", "priority": "HIGH"}):
            await owner.do("updateTask", {"id": card.id, **changes})
            card.past.append({name: card.values[name] for name in changes})
            card.values |= changes
        if project is not None:
            await owner.do("updateTask", {"id": card.id, "addAssigneeIds": [self.people["guest"].id]})
            card.past.append({"assignees": None})
            card.assignees.add("guest")
        self.cards.append(card)
        self.order[card.column] = self.put(card, "LAST", None)

    # ---- asking

    def ask(
        self, who: str, how: str, mutation: str, given: dict[str, Any], expected: str | None, *, acts: bool
    ) -> None:
        """Ask in one of the ways; the answer has the expected refusal, or none. `acts`: it will change something."""
        given = {**given, "clientMutationId": str(uuid4())}
        self.ground.run(self._ask(self.people[who], how, mutation, given, expected, acts=acts and expected is None))

    async def _ask(
        self, person: Person, how: str, mutation: str, given: dict[str, Any], expected: str | None, *, acts: bool
    ) -> None:
        other = person.on(self.ground.api(1))
        answers: list[Any]
        match how:
            case "twice":
                answers = [await person.try_(mutation, given), await other.try_(mutation, given)]
            case "at once":
                answers = list(await asyncio.gather(*(one.try_(mutation, given) for one in (person, other))))
            case "cut off":
                sent = asyncio.create_task(person.try_(mutation, given))
                await asyncio.sleep(0.004)
                sent.cancel()
                await asyncio.gather(sent, return_exceptions=True)
                answers = [await other.try_(mutation, given), await person.try_(mutation, given)]
            case "dies" if acts and self.ground.deaths <= self.ground.finished // 4:
                answers = [await self._over_a_death(person, other, mutation, given)]
            case _:
                answers = [await person.try_(mutation, given)]
        for answer in answers:
            codes = [one["code"] for one in answer["userErrors"]]
            assert codes == ([] if expected is None else [expected]), (mutation, given, answer)
            assert (answer["eventCursor"] is not None) == acts, (mutation, given, answer)
        if expected is None and len(answers) > 1:
            first, second = sorted(answers, key=lambda one: bool(one["replayed"]))
            assert second["replayed"]
            assert {**first, "replayed": True} == second

    async def _over_a_death(self, person: Person, other: Person, mutation: str, given: dict[str, Any]) -> Any:
        """The server commits it and dies before it answers; the other one knows."""
        self.ground.deaths += 1
        server = self.ground.servers[0]
        server.signal(signal.SIGUSR1)
        with pytest.raises(httpx.TransportError):
            await person.try_(mutation, given)
        assert server.wait() == 137
        answer = await other.try_(mutation, given)
        assert answer["replayed"]
        server.start()
        return answer

    # ---- the model

    def card(self, number: int) -> Card:
        return self.cards[number % len(self.cards)]

    def refusal(self, who: str, card: Card, *, deletes: bool = False, is_deleted: bool = False) -> str | None:
        if (card.is_deleted and not is_deleted) or (who == "guest" and card.project != self.web):
            return "NOT_FOUND"
        is_others = who == "guest" and deletes and card.author != "guest"
        return "FORBIDDEN" if who == "viewer" or is_others else None

    def clash(self, card: Card, base: int | None, policy: str, wanted: dict[str, Any]) -> str | None:
        if base is None or base == card.version:
            return None
        touched: dict[str, Any] = {}
        for step in reversed(card.past[base - 1 :]):
            touched |= step
        if policy == "REJECT":
            return "CONFLICT" if touched else None
        now = self.now(card)
        hurt = [name for name, value in wanted.items() if value != now[name] and name in touched]
        return "CONFLICT" if any(touched[name] != wanted[name] for name in hurt) else None

    def now(self, card: Card) -> dict[str, Any]:
        return {**card.values, "parentId": card.parent}

    def put(self, card: Card, place: str, anchor: Card | None) -> list[str]:
        """The column's order with the card at a place; the card's column may be another now."""
        others = [one for one in self.order.setdefault(card.column, []) if one != card.id]
        if place == "FIRST" or (anchor is None and place == "before"):
            index = 0
        elif place == "LAST" or anchor is None:
            index = len(others)
        else:
            index = others.index(anchor.id) + (place == "after")
        return [*others[:index], card.id, *others[index:]]

    def take(self, card: Card) -> None:
        for one in self.order.values():
            if card.id in one:
                one.remove(card.id)

    def position(self, place: str, anchor: Card | None) -> dict[str, Any]:
        if place in {"FIRST", "LAST"} or anchor is None:
            return {"edge": {"before": "FIRST", "after": "LAST"}.get(place, place)}
        return {place: anchor.id}

    def anchor(self, column: tuple[str | None, str], number: int, but: str | None = None) -> Card | None:
        ids = [one for one in self.order.get(column, []) if one != but]
        chosen = ids[number % len(ids)] if ids else None
        return next((one for one in self.cards if one.id == chosen), None)

    # ---- steps

    @rule(who=ACTORS, how=HOW, in_web=st.booleans(), status=st.integers(0, 1), place=PLACES, number=NUMBERS)
    def create(self, who: str, how: str, in_web: bool, status: int, place: str, number: int) -> None:
        project = self.web if in_web else None
        column = (project, self.statuses[status])
        anchor = self.anchor(column, number)
        values = {"title": "New", "priority": "NONE", "estimate": None, "dueDate": None}
        card = Card(minted("task"), who, project, column[1], values)
        given = {
            "id": card.id,
            "workspaceId": self.workspace,
            "title": "New",
            "projectId": project,
            "statusId": card.status,
            "position": self.position(place, anchor),
        }
        expected = "FORBIDDEN" if who == "viewer" or (who == "guest" and not in_web) else None
        self.ask(who, how, "createTask", given, expected, acts=True)
        if expected is None:
            self.cards.append(card)
            self.order[column] = self.put(card, place, anchor)

    @precondition(lambda self: self.cards)
    @rule(
        who=ACTORS,
        how=HOW,
        number=NUMBERS,
        patch=PATCH,
        base=st.none() | NUMBERS,
        policy=st.sampled_from(["MERGE", "MERGE", "REJECT"]),
    )
    def update(self, who: str, how: str, number: int, patch: dict[str, Any], base: int | None, policy: str) -> None:
        card = self.card(number)
        self._update(who, how, card, patch, None if base is None else base % card.version + 1, policy)

    @precondition(lambda self: self.cards)
    @rule(who=st.sampled_from(["owner", "member"]), how=HOW, number=NUMBERS, patch=CLASHING, base=NUMBERS)
    def meet(self, who: str, how: str, number: int, patch: dict[str, Any], base: int) -> None:
        """Somebody who has not seen the last changes edits what they may have changed."""
        card = self.card(number)
        self._update(who, how, card, patch, base % max(1, card.version - 1) + 1, "MERGE")

    def _update(self, who: str, how: str, card: Card, patch: dict[str, Any], version: int | None, policy: str) -> None:
        given = {"id": card.id, "onConflict": policy, **patch} | ({} if version is None else {"baseVersion": version})
        expected = self.refusal(who, card) or self.clash(card, version, policy, patch)
        touched: dict[str, Any] = {}
        for step in reversed(card.past[version - 1 :] if version else []):
            touched |= step
        changes = {
            name: value
            for name, value in patch.items()
            # What was not changed from its base is no change: theirs stays.
            if value != card.values[name] and not (name in touched and touched[name] == value)
        }
        self.ask(who, how, "updateTask", given, expected, acts=bool(changes))
        if expected is None and changes:
            card.past.append({name: card.values[name] for name in changes})
            card.values |= changes

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, above=st.none() | NUMBERS)
    def hang(self, who: str, how: str, number: int, above: int | None) -> None:
        card, parent = self.card(number), None if above is None else self.card(above)
        expected = self.refusal(who, card)
        if expected is None and parent is not None:
            if self.refusal(who, parent) == "NOT_FOUND":
                expected = "NOT_FOUND"
            elif card is parent or card in parent.above():
                expected = "CYCLE"
            elif len(parent.above()) + 1 + self.height(card) > 5:
                expected = "LIMIT_REACHED"
        is_change = parent is not card.parent
        given = {"id": card.id, "parentId": None if parent is None else parent.id}
        self.ask(who, how, "updateTask", given, expected, acts=is_change)
        if expected is None and is_change:
            card.past.append({"parentId": card.parent})
            card.parent = parent

    def height(self, card: Card) -> int:
        below = [one for one in self.cards if one.parent is card and not one.is_deleted]
        return max((1 + self.height(one) for one in below), default=0)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, whom=st.sampled_from(["owner", "member", "guest"]), adds=st.booleans())
    def assign(self, who: str, how: str, number: int, whom: str, adds: bool) -> None:
        card = self.card(number)
        expected = self.refusal(who, card)
        if expected is None and adds and whom == "guest" and card.project != self.web:
            expected = "NOT_FOUND"
        given = {"id": card.id, "addAssigneeIds" if adds else "removeAssigneeIds": [self.people[whom].id]}
        is_change = (whom in card.assignees) != adds
        self.ask(who, how, "updateTask", given, expected, acts=is_change)
        if expected is None and is_change:
            card.past.append({"assignees": None})
            card.assignees ^= {whom}

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, adds=st.booleans())
    def tag(self, who: str, how: str, number: int, adds: bool) -> None:
        card = self.card(number)
        expected = self.refusal(who, card)
        is_change = (self.label in card.labels) != adds
        given = {"id": card.id, "addLabelIds" if adds else "removeLabelIds": [self.label]}
        self.ask(who, how, "updateTask", given, expected, acts=is_change)
        if expected is None and is_change:
            card.past.append({"labels": None})
            card.labels ^= {self.label}

    @precondition(lambda self: self.cards)
    @rule(
        who=ACTORS,
        how=HOW,
        number=NUMBERS,
        to_web=st.booleans(),
        status=st.integers(0, 1),
        place=PLACES,
        anchor_number=NUMBERS,
    )
    def move(self, who: str, how: str, number: int, to_web: bool, status: int, place: str, anchor_number: int) -> None:
        card = self.card(number)
        column = (self.web if to_web else None, self.statuses[status])
        anchor = self.anchor(column, anchor_number, but=card.id)
        given = {
            "id": card.id,
            "projectId": column[0],
            "statusId": column[1],
            "position": self.position(place, anchor),
        }
        expected = self.refusal(who, card)
        if expected is None and who == "guest" and not to_web:
            expected = "FORBIDDEN"
        was, before = card.column, self.order.get(card.column, [])
        after = self.put(Card(card.id, "", column[0], column[1], {}), place, anchor)
        is_change = was != column or after != before
        self.ask(who, how, "moveTask", given, expected, acts=is_change)
        if expected is None and is_change:
            card.past.append({"place": None})
            self.take(card)
            card.project, card.status = column
            self.order[column] = after
            if not to_web:
                card.assignees -= {"guest"}

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, base=st.none() | NUMBERS)
    def archive(self, who: str, how: str, number: int, base: int | None) -> None:
        card = self.card(number)
        version = None if base is None else base % card.version + 1
        expected = self.refusal(who, card) or self.clash(card, version, "REJECT", {})
        given = {"id": card.id} | ({} if version is None else {"baseVersion": version})
        self.ask(who, how, "archiveTask", given, expected, acts=not card.is_archived)
        if expected is None and not card.is_archived:
            card.past.append({"archived": None})
            card.is_archived = True

    @precondition(lambda self: sum(not card.is_deleted for card in self.cards) > 1)
    @rule(who=ACTORS, how=HOW, number=NUMBERS)
    def delete(self, who: str, how: str, number: int) -> None:
        card = self.card(number)
        expected = self.refusal(who, card, deletes=True)
        self.ask(who, how, "deleteTask", {"id": card.id}, expected, acts=True)
        if expected is None:
            card.past.append({"deleted": None})
            card.is_deleted = True
            self.take(card)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS)
    def restore(self, who: str, how: str, number: int) -> None:
        card = self.card(number)
        expected = self.refusal(who, card, deletes=card.is_deleted, is_deleted=True)
        self.ask(who, how, "restoreTask", {"id": card.id}, expected, acts=card.is_deleted or card.is_archived)
        if expected is not None:
            return
        if card.is_deleted:
            card.is_deleted = False
            card.past.append({"deleted": None})
            # It comes back with its rank; where that is depends on what moved meanwhile.
            column = self.shown_order(self.ground.run(View.read(self.people["owner"], self.workspace)))[card.column]
            assert [one for one in column if one != card.id] == self.order.get(card.column, [])
            self.order[card.column] = column
        elif card.is_archived:
            card.is_archived = False
            card.past.append({"archived": None})

    # ---- model == API == log

    def shown_order(self, view: View) -> dict[tuple[str | None, str], list[str]]:
        found: dict[tuple[str | None, str], list[str]] = {}
        for task in sorted(view.of_kind("Task"), key=lambda one: (one["rank"], one["id"])):
            column = ((task["project"] or {}).get("id"), task["status"]["id"])
            found.setdefault(column, []).append(task["id"])
        return found

    @invariant()
    def the_api_is_as_the_model(self) -> None:
        self.steps += 1
        if self.steps % 10 == 0:
            self.compare(self.ground.run(View.read(self.people["owner"], self.workspace)))

    def compare(self, view: View) -> None:
        alive = {card.id: card for card in self.cards if not card.is_deleted}
        shown = {one["id"]: one for one in view.of_kind("Task")}
        assert shown.keys() == alive.keys()
        for card_id, card in alive.items():
            task = shown[card_id]
            assert {name: task[name] for name in card.values} == card.values
            assert ((task["project"] or {}).get("id"), task["status"]["id"]) == card.column
            parent = None if card.parent is None or card.parent.is_deleted else card.parent.id
            assert (task["parent"] or {}).get("id") == parent
            assert {one["id"] for one in task["labels"]} == card.labels
            assert {one["id"] for one in task["assignees"]} == {self.people[one].id for one in card.assignees}
            assert (task["archivedAt"] is not None) == card.is_archived
            assert task["version"] == card.version
        assert self.shown_order(view) == {column: ids for column, ids in self.order.items() if ids}

    def teardown(self) -> None:
        if hasattr(self, "replicas"):
            self.ground.run(self._finish())
        self.ground.finished += 1
        if RUNS > 30 and self.ground.finished % 20 == 0:
            os.write(2, f"{self.ground.finished} runs, {self.ground.deaths} deaths of servers\n".encode())

    async def _finish(self) -> None:
        for name, view in self.replicas.items():
            person = self.people[name].on(self.ground.api(1))
            while True:
                found = await person.ask(POLL, workspaceId=self.workspace, after=view.cursor, first=500)
                batch = found["workspaceEvents"]
                for event in batch["events"]:
                    view.apply(event)
                view.cursor = batch["cursor"]
                if batch["caughtUp"]:
                    break
            fresh = await View.read(person, self.workspace)
            assert view.differences(fresh) == [], name
            if name == "owner":
                self.compare(view)


@pytest.fixture
def ground(stack: TestStack, tmp_path: Path) -> Iterator[Ground]:
    with (
        stack.new_database() as database_url,
        server_processes(tmp_path, database_url, stack.redis_url, ("model-one", "model-two")) as servers,
        asyncio.Runner() as runner,
    ):
        http = httpx.AsyncClient(timeout=20)
        yield Ground(servers, runner, http)
        runner.run(http.aclose())


def test_tasks_are_as_a_simple_model_says_whatever_happens(ground: Ground) -> None:
    machine = type("Machine", (Tasks,), {"ground": ground})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="CI" in os.environ,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert ground.deaths > 0 or RUNS * STEPS < 400
