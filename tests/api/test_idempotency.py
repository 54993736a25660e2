"""Every mutation with a key has one effect, however often it is sent: at once, on both processes, and again later.

The list of mutations comes from the schema and what they are asked with from `event_cases`: a new one without a case
fails there and here.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from tests.api.asking import SDL, document, root_fields
from tests.api.event_cases import CASES, Case
from tests.api.views import POLL, View
from tests.api.world import World, ghost, make_world
from tests.people import Api, Person

WITHOUT_KEY = {
    "signUp",
    "signIn",
    "refreshSession",
    "signOut",
    "changePassword",
    "updatePresence",
    "requestPasswordReset",
    "resetPassword",
    "requestEmailChange",
    "verifyEmail",
    "deleteAccount",
}
"""About secrets, of which nothing is kept that could be told again, and what is over in seconds."""
SECRETS = {
    "createInvite": {"url"},
    "createApiToken": {"secret"},
    "createWebhook": {"secret"},
    "rotateWebhookSecret": {"secret"},
}
"""What only the first answer has."""
AT_ONCE = 4


def input_kind(mutation: str) -> GraphQLInputObjectType:
    assert SDL.mutation_type is not None
    kind = get_named_type(SDL.mutation_type.fields[mutation].args["input"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


MUTATIONS = [name.removeprefix("Mutation.") for name in root_fields() if name.startswith("Mutation.")]
WITH_KEY = [one for one in MUTATIONS if "clientMutationId" in input_kind(one).fields]


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    """The world of all cases that leave it as it is."""
    return await make_world(api)


def test_every_mutation_has_a_key_but_those_about_secrets_and_presence() -> None:
    assert set(MUTATIONS) - set(WITH_KEY) == WITHOUT_KEY


@pytest.mark.parametrize("mutation", WITH_KEY)
async def test_a_mutation_sent_again_is_done_once(api: Api, other_api: Api, world: World, mutation: str) -> None:
    assert CASES.get(mutation), f"Say in tests/api/event_cases.py what to ask {mutation} with."
    failures = []
    for case in CASES[mutation]:
        here = await make_world(api) if case.is_alone else world
        failures += [f"{mutation}, {case.name}: {one}" for one in await _try(here, other_api, case)]
    assert not failures, "\n".join(failures)


async def _try(world: World, other_api: Api, case: Case) -> list[str]:
    """Send it several times at once and once more, then with another input; -> what is wrong."""
    person, asked = await case.prepare(world)
    assert person is not None
    key = str(uuid4())
    given = {**asked, "clientMutationId": key}
    before = await world.owner.cursor(world.id)
    senders = [person if number % 2 else person.on(other_api) for number in range(AT_ONCE)]
    answers = list(await asyncio.gather(*[_send(one, case.mutation, given) for one in senders]))
    wrong = [f"refused: {one}" for one in answers if one["userErrors"]]
    if sorted(one["replayed"] for one in answers) != [False] + [True] * (AT_ONCE - 1):
        wrong.append(f"done {sum(not one['replayed'] for one in answers)} times")
        return wrong

    (first,) = [one for one in answers if not one["replayed"]]
    state = await _state(world, before, key)
    answers.append(await _send(person.on(other_api), case.mutation, given))
    for answer in answers:
        if answer is not first and answer != _repeated(first, case.mutation):
            wrong.append(f"answered {answer} for a repeat of {first}")
    other = await _send(person, case.mutation, _changed(case.mutation, given))
    error = [(one["__typename"], one["code"], one["path"]) for one in other["userErrors"]]
    if error != [("ValidationError", "IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]:
        wrong.append(f"another input with the same key: {other}")
    if (other["eventCursor"], other["changeSetId"], other["replayed"]) != (None, None, False):
        wrong.append(f"another input with the same key did something: {other}")
    if await _state(world, before, key) != state:
        wrong.append("a repeat changed something")
    *_, told = state
    here = first["eventCursor"] or ""
    if told and here[:-19] == told[-1][:-19] and told[-1] > here:
        wrong.append(f"it is in the log at {told}, behind {here}")
    return wrong


async def _send(person: Person, mutation: str, given: dict[str, Any]) -> Any:
    return (await person.ask(document(f"Mutation.{mutation}"), input=given))["it"]


def _repeated(first: dict[str, Any], mutation: str) -> dict[str, Any]:
    """What a repeat of an answer looks like."""
    return {**first, "replayed": True, **dict.fromkeys(SECRETS.get(mutation, ()))}


def _changed(mutation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Another input: with another id or another text in one place."""
    fields = input_kind(mutation).fields
    for name, value in given.items():
        match get_named_type(fields[name].type).name, value:
            case "RevertTarget", {"changeSetId": str()}:
                return {**given, name: {"changeSetId": ghost("changeset")}}
            case "UpdateTaskInput", list():
                return {**given, name: value[1:]}
            case "ID", str():
                return {**given, name: ghost(value.split("_")[0])}
            case "String", str():
                return {**given, name: value + "x"}
            case "Boolean", bool():
                return {**given, name: not value}
    assert mutation == "updateProfile", f"Nothing to change in {given}"
    return {**given, "timeZone": "Asia/Tokyo"}


OWN = """query ($workspace: ID!) { viewer {
  notifications(first: 100) { unreadCount nodes { id kind groupCount createdAt readAt } }
  notificationSettings(workspaceId: $workspace) {
    digest quietHours { from to } showPresence rules { scopeId kind channels } }
} }"""


async def _state(world: World, after: str, key: str) -> tuple[Any, Any, Any, Any, list[str]]:
    """All there is, with what people are told and how they want it, and the places in the log of
    the events that say that they come from this key."""
    whole = await View.read(world.owner, world.id)
    workspaces = await world.stranger.ask("{ viewer { workspaces { id version eventCursor } } }")
    asked = {"workspaceId": world.id, "after": after, "first": 500}
    batch = (await world.owner.ask(POLL, **asked))["workspaceEvents"] if whole.objects else {"events": []}
    told = [one["cursor"] for one in batch["events"] if one["clientMutationId"] == key]
    people = (world.owner, world.member, world.guest, world.spare, world.stranger)
    own = await asyncio.gather(*[one.answer(OWN, workspace=world.id) for one in people])
    return whole.shown(), whole.cursor, workspaces, [one["data"] for one in own], told


# ---- keys


async def test_a_key_is_a_persons_own(world: World) -> None:
    key = str(uuid4())
    given = {"workspaceId": world.id, "title": "Mine", "clientMutationId": key}
    answers = [await person.do("createTask", given, "task { id }") for person in (world.member, world.admin)]
    assert [one["replayed"] for one in answers] == [False, False]
    assert answers[0]["task"] != answers[1]["task"]


async def test_a_key_is_for_one_mutation(world: World) -> None:
    key = str(uuid4())
    given = {"id": await world.task(), "clientMutationId": key}
    await world.owner.do("archiveTask", given)
    for mutation in ("restoreTask", "deleteTask"):
        refusal = await world.owner.refused(mutation, given)
        assert refusal == ("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])


async def test_left_out_null_and_a_value_are_three_inputs(world: World) -> None:
    key = str(uuid4())
    given = {"id": await world.task(dueDate="2026-03-01"), "title": "New", "clientMutationId": key}
    await world.owner.do("updateTask", given)
    for more in ({"dueDate": None}, {"dueDate": "2026-03-01"}):
        refusal = await world.owner.refused("updateTask", {**given, **more})
        assert refusal == ("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])


async def test_the_same_input_in_the_document_or_in_variables_is_the_same(world: World) -> None:
    key = str(uuid4())
    task = await world.task()
    await world.owner.do("updateTask", {"id": task, "priority": "HIGH", "estimate": 3, "clientMutationId": key})
    inline = (
        f'mutation {{ updateTask(input: {{clientMutationId: "{key.upper()}", estimate: 3.0, priority: HIGH,'
        f' id: "{task}"}}) {{ replayed userErrors {{ code }} }} }}'
    )
    assert (await world.owner.ask(inline))["updateTask"] == {"replayed": True, "userErrors": []}


async def test_a_refused_key_may_come_again(world: World) -> None:
    key = str(uuid4())
    status = await world.add_status()
    given = {"id": await world.task(statusId=status), "clientMutationId": key, "title": ""}
    assert await world.owner.refused("updateTask", given) == ("REQUIRED", ["input", "title"])
    payload = await world.owner.do("updateTask", {**given, "title": "Better"})
    assert payload["replayed"] is False


async def test_a_repeat_shows_no_more_than_one_may_see_now(world: World) -> None:
    person = await world.bring_in()
    given = {"workspaceId": world.id, "title": "Mine", "clientMutationId": str(uuid4())}
    made = await person.do("createTask", given, "task { id title }")
    await world.owner.do("removeMember", {"id": world.membership(person)})
    again = await person.do("createTask", given, "task { id title }")
    assert again == {**made, "replayed": True, "task": None}
