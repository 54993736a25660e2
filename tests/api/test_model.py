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
from hypothesis import HealthCheck, Phase, settings
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

RUNS = int(os.environ.get("MODEL_RUNS", "30"))
STEPS = int(os.environ.get("MODEL_STEPS", "20"))
IS_LONG = RUNS > 30
GAMES_TOGETHER = 20
"""So many games the same people play, each in a workspace of its own: so long their sessions surely last."""
Answer = TypeVar("Answer")
Expected = str | list[str] | None
"""The code with which an answer is refused, or those of all its errors."""
Change = dict[str, tuple[Any, Any]]
"""field -> what it was before, and after"""


@dataclass
class Ground:
    """Two servers of our own, which may die, and the loop on which we ask them."""

    servers: list[ServerProcess]
    runner: asyncio.Runner
    http: httpx.AsyncClient
    finished: int = 0
    deaths: int = 0
    people: dict[str, Person] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(work)

    def api(self, number: int) -> Api:
        return Api(self.servers[number].url, self.http)


@dataclass(eq=False)
class Card:
    """A task as the model has it: each field's value, and for each version after the first what it changed.

    Its rank is as the API says, as two moves to one place may come to the same. When it was archived or deleted is a
    number that no other has.
    """

    id: str
    author: str
    state: dict[str, Any]
    past: list[Change] = field(default_factory=list)

    @property
    def version(self) -> int:
        return len(self.past) + 1

    @property
    def project(self) -> str | None:
        found: str | None = self.state["project"]
        return found

    @property
    def column(self) -> tuple[str | None, str]:
        return self.project, self.state["status"]

    @property
    def is_deleted(self) -> bool:
        return self.state["deleted"] is not None

    def above(self) -> list[Card]:
        found, at = [], self.state["parentId"]
        while at is not None:
            found.append(at)
            at = at.state["parentId"]
        return found

    def changes(self, wanted: dict[str, Any]) -> Change:
        return {name: (self.state[name], value) for name, value in wanted.items() if value != self.state[name]}

    def apply(self, change: Change) -> None:
        if change:
            self.past.append(change)
            self.state |= {name: after for name, (_, after) in change.items()}

    def touched(self, base: int | None) -> dict[str, Any]:
        """What changed since a version, and what it was then."""
        found: dict[str, Any] = {}
        for step in reversed(self.past[base - 1 :] if base else []):
            found |= {name: before for name, (before, _) in step.items()}
        return found


ChangeSet = tuple[str, list[tuple[Card, Change]]]
"""Its id, and what one mutation changed."""


@dataclass(eq=False)
class Remark:
    """A comment as the model has it."""

    id: str
    author: str
    card: Card
    body: str
    is_deleted: bool = False
    past: list[str] = field(default_factory=list)

    @property
    def version(self) -> int:
        return len(self.past) + 1 + self.is_deleted


ROLES = ("owner", "member", "viewer", "guest")
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
SETS = ("labels", "assignees")
BODIES = st.sampled_from(["Yes", "No", "Well"])
CLASHING = st.fixed_dictionaries({"title": VALUES["title"]}, optional={"priority": VALUES["priority"]})


class Tasks(RuleBasedStateMachine):
    """Every step asks the API and the model, and holds the two answers together."""

    ground: Ground

    @initialize()
    def begin(self) -> None:
        self.cards: list[Card] = []
        self.remarks: list[Remark] = []
        self.change_sets: list[ChangeSet] = []
        self.moments = 0
        self.order: dict[tuple[str | None, str], list[str]] = {}
        self.steps = 0
        self.ground.run(self._begin())

    async def _begin(self) -> None:
        """A team, and tasks that have a past already: what needs one to go wrong would else be rare in a few steps."""
        if self.ground.finished % GAMES_TOGETHER == 0:
            people = await asyncio.gather(*[self.ground.api(0).sign_up(name.title()) for name in ROLES])
            self.ground.people = dict(zip(ROLES, people, strict=True))
        self.people = self.ground.people
        owner = self.people["owner"]
        self.workspace = await owner.create_workspace()
        self.web = await owner.create_project(self.workspace)
        self.label = (await owner.do("createLabel", {"workspaceId": self.workspace, "name": "idea"}, "label { id }"))[
            "label"
        ]["id"]
        found = await owner.statuses(self.workspace)
        self.statuses = [found["TODO"], found["IN_PROGRESS"]]
        for name in ("member", "viewer", "guest"):
            more = {"projectIds": [self.web]} if name == "guest" else {}
            token = await owner.invite(self.workspace, name.upper(), **more)
            await self.people[name].do("acceptInvite", {"token": token})
        self.replicas = {name: await View.read(person, self.workspace) for name, person in self.people.items()}
        for project in (self.web, self.web, None):
            await self._begin_card(owner, project)

    async def _begin_card(self, owner: Person, project: str | None) -> None:
        """A task that was changed twice, and on which the guest came, if they may, and then the member."""
        card = self.new_card(minted("task"), "owner", "One", (project, self.statuses[0]))
        given = {"id": card.id, "workspaceId": self.workspace, "title": "One", "projectId": project}
        given |= {"statusId": self.statuses[0], "position": {"edge": "LAST"}}
        card.state["rank"] = (await owner.do("createTask", given, "task { rank }"))["task"]["rank"]
        for wanted in ({"title": "Two", "priority": "LOW"}, {"title": "Three", "priority": "HIGH"}):
            made = await owner.do("updateTask", {"id": card.id, **wanted})
            self.done([(card, card.changes(wanted))], made["changeSetId"])
        if project is not None:
            for name in ("guest", "member"):
                made = await owner.do("updateTask", {"id": card.id, "addAssigneeIds": [self.people[name].id]})
                self.done([(card, card.changes({"assignees": card.state["assignees"] | {name}}))], made["changeSetId"])
        self.cards.append(card)
        self.order[card.column] = self.put(card, "LAST", None)

    def new_card(self, card_id: str, author: str, title: str, column: tuple[str | None, str]) -> Card:
        state = {"title": title, "priority": "NONE", "estimate": None, "dueDate": None, "parentId": None}
        place = {"project": column[0], "status": column[1], "rank": None}
        nobody: frozenset[str] = frozenset()
        none = {"archived": None, "deleted": None, "labels": nobody, "assignees": nobody}
        return Card(card_id, author, {**state, **place, **none})

    def next_moment(self) -> int:
        self.moments += 1
        return self.moments

    def done(self, changed: list[tuple[Card, Change]], change_set_id: str | None) -> None:
        """These changes were made by one mutation."""
        for card, change in changed:
            card.apply(change)
        if change_set_id is not None:
            self.change_sets.append((change_set_id, [(card, change) for card, change in changed if change]))

    # ---- asking

    def ask(
        self, who: str, how: str, mutation: str, given: dict[str, Any], expected: Expected, *, acts: bool
    ) -> str | None:
        """Ask in one of the ways; the answer has the expected refusal, or none. `acts`: it will change something.

        -> the change set that it made.
        """
        given = {**given, "clientMutationId": str(uuid4())}
        codes = [expected] if isinstance(expected, str) else expected or []
        acts = acts and not codes
        return self.ground.run(self._ask(self.people[who], how, mutation, given, codes, acts=acts))

    async def _ask(
        self, person: Person, how: str, mutation: str, given: dict[str, Any], expected: list[str], *, acts: bool
    ) -> str | None:
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
            case "dies" if acts and self.ground.deaths <= self.ground.finished // 10:
                answers = [await self._over_a_death(person, other, mutation, given)]
            case _:
                answers = [await person.try_(mutation, given)]
        for answer in answers:
            codes = [one["code"] for one in answer["userErrors"]]
            assert codes == expected, (mutation, given, answer)
            assert (answer["eventCursor"] is not None) == acts, (mutation, given, answer)
        if not expected and len(answers) > 1:
            first, second = sorted(answers, key=lambda one: bool(one["replayed"]))
            assert second["replayed"]
            assert {**first, "replayed": True} == second
        change_set_id: str | None = answers[0]["changeSetId"]
        return change_set_id

    async def _over_a_death(self, person: Person, other: Person, mutation: str, given: dict[str, Any]) -> Any:
        """The server commits it and dies before it answers; the other one knows."""
        self.ground.deaths += 1
        server = self.ground.servers[0]
        server.signal(signal.SIGUSR1)
        try:
            with pytest.raises(httpx.TransportError):
                await person.try_(mutation, given)
            assert server.wait() == 137
            answer = await other.try_(mutation, given)
            assert answer["replayed"]
        finally:
            server.stop()  # what failed here must fail again while the fewest steps to it are looked for
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
        touched = card.touched(base)
        if policy == "REJECT":
            return "CONFLICT" if touched else None
        hurt = [name for name in card.changes(wanted) if name in touched and name not in SETS]
        return "CONFLICT" if any(touched[name] != wanted[name] for name in hurt) else None

    def settled(self, card: Card, base: int | None, wanted: dict[str, Any]) -> Change:
        """What of it changes: what was not changed from its base is no change, theirs stays."""
        touched = card.touched(base)
        return {
            name: change
            for name, change in card.changes(wanted).items()
            if name in SETS or name not in touched or touched[name] != wanted[name]
        }

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

    def rank_of(self, card: Card) -> str:
        query = "query ($id: ID!) { node(id: $id) { ... on Task { rank } } }"
        rank: str = self.ground.run(self.people["owner"].ask(query, id=card.id))["node"]["rank"]
        return rank

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
        card = self.new_card(minted("task"), who, "New", column)
        given = {
            "id": card.id,
            "workspaceId": self.workspace,
            "title": "New",
            "projectId": project,
            "statusId": column[1],
            "position": self.position(place, anchor),
        }
        expected = "FORBIDDEN" if who == "viewer" or (who == "guest" and not in_web) else None
        change_set_id = self.ask(who, how, "createTask", given, expected, acts=True)
        if expected is None:
            self.done([], change_set_id)
            card.state["rank"] = self.rank_of(card)
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
        change = self.settled(card, version, patch)
        change_set_id = self.ask(who, how, "updateTask", given, expected, acts=bool(change))
        if expected is None:
            self.done([(card, change)], change_set_id)

    @precondition(lambda self: self.cards)
    @rule(
        who=ACTORS,
        how=HOW,
        edits=st.lists(
            st.tuples(NUMBERS, PATCH, st.none() | NUMBERS, st.sampled_from([None, None, True, False])),
            min_size=2,
            max_size=4,
            unique_by=lambda edit: edit[0] % 5,
        ),
        policy=st.sampled_from(["MERGE", "MERGE", "REJECT"]),
    )
    def bulk(
        self, who: str, how: str, edits: list[tuple[int, dict[str, Any], int | None, bool | None]], policy: str
    ) -> None:
        """Several at once: all of it, or nothing with an error for each that is refused."""
        items: dict[Card, tuple[dict[str, Any], int | None, bool | None]] = {}
        for number, patch, base, tags in edits:
            card = self.card(number)
            items.setdefault(card, (patch, None if base is None else base % card.version + 1, tags))
        given: list[dict[str, Any]] = []
        changes: list[tuple[Card, Change]] = []
        for card, (patch, version, tags) in items.items():
            item = {"id": card.id, "onConflict": policy, **patch}
            wanted = dict(patch)
            if version is not None:
                item["baseVersion"] = version
            if tags is not None:
                item["addLabelIds" if tags else "removeLabelIds"] = [self.label]
                wanted["labels"] = card.state["labels"] | {self.label} if tags else card.state["labels"] - {self.label}
            given.append(item)
            changes.append((card, self.settled(card, version, wanted)))
        refusals = [self.refusal(who, card) for card in items]
        expected = [one for one in refusals if one == "NOT_FOUND"] or [one for one in refusals if one][:1]
        if not expected:
            clashes = [self.clash(card, item[1], policy, item[0]) for card, item in items.items()]
            expected = [one for one in clashes if one is not None]
        change_set_id = self.ask(
            who, how, "bulkUpdateTasks", {"updates": given}, expected, acts=any(change for _, change in changes)
        )
        if not expected:
            self.done(changes, change_set_id)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, above=st.none() | NUMBERS)
    def hang(self, who: str, how: str, number: int, above: int | None) -> None:
        card, parent = self.card(number), None if above is None else self.card(above)
        expected = self.refusal(who, card)
        if expected is None and parent is not None:
            expected = self.cannot_hang(who, card, parent)
        change = card.changes({"parentId": parent})
        given = {"id": card.id, "parentId": None if parent is None else parent.id}
        change_set_id = self.ask(who, how, "updateTask", given, expected, acts=bool(change))
        if expected is None:
            self.done([(card, change)], change_set_id)

    def cannot_hang(self, who: str, card: Card, parent: Card) -> str | None:
        if self.refusal(who, parent) == "NOT_FOUND":
            return "NOT_FOUND"
        if card is parent or card in parent.above():
            return "CYCLE"
        return "LIMIT_REACHED" if len(parent.above()) + 1 + self.height(card) > 5 else None

    def height(self, card: Card) -> int:
        below = [one for one in self.cards if one.state["parentId"] is card and not one.is_deleted]
        return max((1 + self.height(one) for one in below), default=0)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, whom=st.sampled_from(["owner", "member", "guest"]), adds=st.booleans())
    def assign(self, who: str, how: str, number: int, whom: str, adds: bool) -> None:
        card = self.card(number)
        expected = self.refusal(who, card)
        if expected is None and adds and whom == "guest" and card.project != self.web:
            expected = "NOT_FOUND"
        given = {"id": card.id, "addAssigneeIds" if adds else "removeAssigneeIds": [self.people[whom].id]}
        now = card.state["assignees"]
        change = card.changes({"assignees": now | {whom} if adds else now - {whom}})
        change_set_id = self.ask(who, how, "updateTask", given, expected, acts=bool(change))
        if expected is None:
            self.done([(card, change)], change_set_id)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, adds=st.booleans())
    def tag(self, who: str, how: str, number: int, adds: bool) -> None:
        card = self.card(number)
        expected = self.refusal(who, card)
        now = card.state["labels"]
        change = card.changes({"labels": now | {self.label} if adds else now - {self.label}})
        given = {"id": card.id, "addLabelIds" if adds else "removeLabelIds": [self.label]}
        change_set_id = self.ask(who, how, "updateTask", given, expected, acts=bool(change))
        if expected is None:
            self.done([(card, change)], change_set_id)

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
        after = self.put(self.new_card(card.id, "", "", column), place, anchor)
        is_change = was != column or after != before
        change_set_id = self.ask(who, how, "moveTask", given, expected, acts=is_change)
        if expected is None and is_change:
            self.take(card)
            left = card.state["assignees"] if to_web else card.state["assignees"] - {"guest"}
            wanted = {"project": column[0], "status": column[1], "rank": self.rank_of(card), "assignees": left}
            self.done([(card, card.changes(wanted))], change_set_id)
            self.order[column] = after

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, base=st.none() | NUMBERS)
    def archive(self, who: str, how: str, number: int, base: int | None) -> None:
        card = self.card(number)
        version = None if base is None else base % card.version + 1
        expected = self.refusal(who, card) or self.clash(card, version, "REJECT", {})
        given = {"id": card.id} | ({} if version is None else {"baseVersion": version})
        change = {} if card.state["archived"] else card.changes({"archived": self.next_moment()})
        change_set_id = self.ask(who, how, "archiveTask", given, expected, acts=bool(change))
        if expected is None:
            self.done([(card, change)], change_set_id)

    @precondition(lambda self: sum(not card.is_deleted for card in self.cards) > 1)
    @rule(who=ACTORS, how=HOW, number=NUMBERS)
    def delete(self, who: str, how: str, number: int) -> None:
        card = self.card(number)
        expected = self.refusal(who, card, deletes=True)
        change_set_id = self.ask(who, how, "deleteTask", {"id": card.id}, expected, acts=True)
        if expected is None:
            self.done([(card, card.changes({"deleted": self.next_moment()}))], change_set_id)
            self.take(card)

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS)
    def restore(self, who: str, how: str, number: int) -> None:
        card = self.card(number)
        expected = self.refusal(who, card, deletes=card.is_deleted, is_deleted=True)
        was_deleted = card.is_deleted
        change = card.changes({"deleted" if was_deleted else "archived": None})
        change_set_id = self.ask(who, how, "restoreTask", {"id": card.id}, expected, acts=bool(change))
        if expected is not None:
            return
        self.done([(card, change)], change_set_id)
        if was_deleted:
            self.look_where(card)

    def look_where(self, card: Card) -> None:
        """It comes back with its rank; where that is depends on what moved meanwhile."""
        column = self.shown_order(self.ground.run(View.read(self.people["owner"], self.workspace)))[card.column]
        assert [one for one in column if one != card.id] == self.order.get(card.column, [])
        self.order[card.column] = column

    # ---- undo

    @precondition(lambda self: self.change_sets)
    @rule(who=ACTORS, how=HOW, number=st.integers(0, 5) | NUMBERS, is_set=st.booleans())
    def undo(self, who: str, how: str, number: int, is_set: bool) -> None:
        """Take back one of the last changes, or any; the whole change set, or one change of it."""
        self._undo(who, how, number, self.change_sets[-1 - number % len(self.change_sets)], is_set=is_set)

    @precondition(lambda self: any(self.has_moved_on(one) for one in self.change_sets))
    @rule(who=st.sampled_from(["owner", "member"]), how=HOW, number=NUMBERS, is_set=st.booleans())
    def undo_what_moved_on(self, who: str, how: str, number: int, is_set: bool) -> None:
        """Take back what somebody else has changed since."""
        found = [one for one in self.change_sets if self.has_moved_on(one)]
        self._undo(who, how, number, found[number % len(found)], is_set=is_set)

    def has_moved_on(self, change_set: ChangeSet) -> bool:
        return any(card.state[name] not in ends for card, change in change_set[1] for name, ends in change.items())

    def _undo(self, who: str, how: str, number: int, change_set: ChangeSet, *, is_set: bool) -> None:
        set_id, changed = change_set
        target = {"changeSetId": set_id}
        if not is_set and changed:
            changed = [changed[number % len(changed)]]
            change_id = self.change_id(*changed[0])
            if change_id is None:
                return
            target = {"changeId": change_id}
        changed = sorted(changed, key=lambda one: one[0].id)
        wanted, expected = self.undone(who, changed)
        changes = [(card, card.changes(back)) for card, back in wanted]
        asked = {"target": target}
        new_id = self.ask(who, how, "revertChanges", asked, expected, acts=any(change for _, change in changes))
        if expected:
            return
        moved = [card for card, change in changes if change.keys() & {"rank", "project", "status", "deleted"}]
        for card in moved:
            self.take(card)
        self.done(changes, new_id)
        for card in moved:
            if not card.is_deleted:
                self.look_where(card)

    def change_id(self, card: Card, change: Change) -> str | None:
        """The id in its history of a change of a task; None where nobody can read that."""
        query = "query ($id: ID!) { node(id: $id) { ... on Task { history(first: 100) { nodes { id version } } } } }"
        node = self.ground.run(self.people["owner"].ask(query, id=card.id))["node"]
        assert (node is None) == card.is_deleted
        version = next(number for number, one in enumerate(card.past, 2) if one is change)
        versions = {one["version"]: one["id"] for one in node["history"]["nodes"]} if node else {}
        return versions.get(version)

    def undone(
        self, who: str, changed: list[tuple[Card, Change]]
    ) -> tuple[list[tuple[Card, dict[str, Any]]], list[str]]:
        """-> what each card gets back, and how all of it is refused."""
        if not changed:
            return [], ["NOT_FOUND"]
        refusals = [
            self.refusal(who, card, deletes="deleted" in change, is_deleted="deleted" in change)
            for card, change in changed
        ]
        for code in ("NOT_FOUND", "FORBIDDEN"):
            if code in refusals:
                return [], [code]
        backs = [(card, self.back(card, change)) for card, change in changed]
        clashes = ["CONFLICT" for _, back in backs if back is None]
        if clashes:
            return [], clashes
        wanted = [(card, back) for card, back in backs if back is not None]
        if who == "guest" and any(back.get("project", self.web) is None for _, back in wanted):
            return [], ["FORBIDDEN"]
        hung = [(card, back["parentId"]) for card, back in wanted if back.get("parentId") is not None]
        refused = [code for card, parent in hung if (code := self.cannot_hang(who, card, parent)) is not None]
        if refused:
            return [], ["INVALID" if code == "NOT_FOUND" else code for code in refused]
        cuts = [self.cut(card, back) for card, back in wanted]
        if any(cuts) and not any(card.changes(back) for card, back in wanted):
            return [], ["INVALID"]
        return wanted, []

    def back(self, card: Card, change: Change) -> dict[str, Any] | None:
        """What a card gets back, without what is as it was before already; None where it has moved on."""
        wanted: dict[str, Any] = {}
        for name, (before, after) in change.items():
            now = card.state[name]
            if name in SETS:
                wanted[name] = (now - (after - before)) | (before - after)
            elif now == after and now != before:
                wanted[name] = self.next_moment() if name == "deleted" and before is not None else before
            elif now != before:
                return None
        return {name: value for name, value in wanted.items() if value != card.state[name]}

    def cut(self, card: Card, back: dict[str, Any]) -> bool:
        """Leave out of the assignees who does not see the task; whether somebody was."""
        project = back.get("project", card.project)
        people = back.get("assignees", card.state["assignees"] if "project" in back else frozenset())
        if project == self.web or "guest" not in people:
            return False
        back["assignees"] = people - {"guest"}
        return True

    # ---- comments

    @precondition(lambda self: self.cards)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, body=BODIES)
    def comment(self, who: str, how: str, number: int, body: str) -> None:
        card = self.card(number)
        remark = Remark(minted("comment"), who, card, body)
        expected = self.refusal(who, card)
        self.ask(who, how, "createComment", {"id": remark.id, "taskId": card.id, "body": body}, expected, acts=True)
        if expected is None:
            self.remarks.append(remark)

    @precondition(lambda self: self.remarks)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, body=BODIES, base=st.none() | NUMBERS, by_author=st.booleans())
    def rewrite(self, who: str, how: str, number: int, body: str, base: int | None, by_author: bool) -> None:
        remark = self.remarks[number % len(self.remarks)]
        who = remark.author if by_author else who
        version = None if base is None else base % remark.version + 1
        was = remark.body if version is None else [*remark.past, remark.body, remark.body][version - 1]
        expected = self.no_remark(who, remark)
        if expected is None and body not in (remark.body, was) and was != remark.body:
            expected = "CONFLICT"
        acts = body != remark.body and (body != was or was == remark.body)
        if expected is None and acts and who != remark.author:
            expected = "FORBIDDEN"
        given = {"id": remark.id, "body": body} | ({} if version is None else {"baseVersion": version})
        self.ask(who, how, "updateComment", given, expected, acts=acts)
        if expected is None and acts:
            remark.past.append(remark.body)
            remark.body = body

    @precondition(lambda self: self.remarks)
    @rule(who=ACTORS, how=HOW, number=NUMBERS, by_author=st.booleans())
    def take_comment_back(self, who: str, how: str, number: int, by_author: bool) -> None:
        remark = self.remarks[number % len(self.remarks)]
        who = remark.author if by_author else who
        expected = self.no_remark(who, remark)
        if expected is None and who not in (remark.author, "owner"):
            expected = "FORBIDDEN"
        self.ask(who, how, "deleteComment", {"id": remark.id}, expected, acts=True)
        if expected is None:
            remark.is_deleted = True

    def no_remark(self, who: str, remark: Remark) -> str | None:
        found = self.refusal(who, remark.card)
        return "NOT_FOUND" if remark.is_deleted else found

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
            assert {name: task[name] for name in VALUES} == {name: card.state[name] for name in VALUES}
            assert ((task["project"] or {}).get("id"), task["status"]["id"]) == card.column
            parent = card.state["parentId"]
            assert (task["parent"] or {}).get("id") == (None if parent is None or parent.is_deleted else parent.id)
            assert {one["id"] for one in task["labels"]} == card.state["labels"]
            assert {one["id"] for one in task["assignees"]} == {self.people[one].id for one in card.state["assignees"]}
            assert (task["archivedAt"] is not None) == (card.state["archived"] is not None)
            assert task["version"] == card.version
        remarks = {one.id: one for one in self.remarks if not one.is_deleted and not one.card.is_deleted}
        written = {one["id"]: one for one in view.of_kind("Comment")}
        assert written.keys() == remarks.keys()
        for remark_id, remark in remarks.items():
            found = written[remark_id]
            assert (found["body"], found["version"]) == (remark.body, remark.version)
            assert found["task"]["id"] == remark.card.id
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
        http = httpx.AsyncClient(timeout=60)
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
            derandomize=not IS_LONG,
            print_blob=True,
            # Finding the fewest steps takes minutes.
            phases=[one for one in Phase if one is not Phase.shrink or IS_LONG],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert ground.deaths > 0 or RUNS * STEPS < 400
