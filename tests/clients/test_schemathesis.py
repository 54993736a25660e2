"""What Schemathesis makes of the schema, asked by people of every role: no answer is a defect of ours.

By default the same documents are asked every time; `SCHEMATHESIS_EXAMPLES=60` asks other ones, so many of each field.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from graphql import FieldNode, OperationDefinitionNode, parse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from resolvers import schema
from tests.api.world import World, ghost, make_world
from tests.people import Api, Person
from tests.processes import ServerProcess

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
ROLES = ["nobody", "outsider", "stranger", "viewer", "guest", "member", "admin", "reader", "token", "owner"]
"""Who breaks least comes first: everything may be deleted."""
OUR_CODES = {"BAD_REQUEST", "UNAUTHENTICATED", "NOT_FOUND", "QUERY_TOO_COMPLEX", "RATE_LIMITED"}
UNREAD = {"BAD_REQUEST", "QUERY_TOO_COMPLEX", "RATE_LIMITED"}
"""Answers to documents that were not run."""
AT_ONCE = 10


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


@pytest.fixture(scope="module")
def documents(world: World, server_url: str) -> list[str]:
    """Some for each query and mutation."""
    for name, strategy in scalars(world).items():
        schemathesis.graphql.scalar(name, strategy.map(nodes.String))
    made: list[str] = []
    schema = schemathesis.graphql.from_url(f"{server_url}/graphql")
    for found in schema.exclude(name="Mutation.signOut").get_all_operations():  # who is out is told nothing else

        @given(case=found.ok().as_strategy())
        @settings(
            max_examples=EXAMPLES,
            derandomize="SCHEMATHESIS_EXAMPLES" not in os.environ,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def keep(case: Any) -> None:
            made.append(case.body)

        keep()
    return made


def scalars(world: World) -> dict[str, st.SearchStrategy[str]]:
    """Values of each scalar: ids that lead somewhere, and whatever else looks like one, or does not."""
    people = [world.owner, world.member, world.guest, world.spare, world.stranger]
    ids = [world.id, world.web, world.web_task, world.ops_task, world.loose_task, world.label]
    ids += [*world.statuses.values(), *world.memberships.values(), *(person.id for person in people)]
    ids += [ghost(kind) for kind in ("task", "comment", "webhook", "token", "invite", "session", "change")]
    text = st.text(max_size=20)
    addresses = ["https://hooks.example.com/x", "http://127.0.0.1:1/", "https://[::1]/", "ftp://example.com"]
    return {
        "ID": st.sampled_from(ids) | text,
        "UUID": st.uuids().map(str) | st.just(str(UUID(int=0))) | text,
        "Date": st.dates().map(str) | text,
        "DateTime": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | text,
        "EventCursor": st.integers(0, 2**64).map(str) | text,
        "Rank": text,
        "URL": st.sampled_from(addresses) | text,
        "JSON": text,
    }


def root_field(document: str) -> str:
    """Schemathesis asks for one at a time."""
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    return f"{operation.operation.value} {field.name.value}"


async def test_whatever_is_asked_by_whomever_no_answer_is_a_defect(
    world: World, documents: list[str], servers: list[ServerProcess], http: httpx.AsyncClient
) -> None:
    turn = asyncio.Semaphore(AT_ONCE)
    defects: list[str] = []
    asked = {root_field(document) for document in documents}
    run: dict[str, set[str]] = {role: set() for role in ROLES}

    async def ask(role: str, headers: dict[str, str], document: str) -> None:
        async with turn:
            response = await http.post(f"{servers[0].url}/graphql", json={"query": document}, headers=headers)
        found = {error["extensions"]["code"] for error in response.json().get("errors", ())}
        if response.status_code >= 500 or not found <= OUR_CODES or "Traceback" in response.text:
            defects.append(f"{response.status_code} {response.text}\nto {role}, who asked {document}")
        if not found & UNREAD:
            run[role].add(root_field(document))

    for role in ROLES:
        person: Person | None = getattr(world, role, None)
        headers = {"authorization": f"Bearer {person.token}"} if person else {}
        await asyncio.gather(*(ask(role, headers, document) for document in documents))
    assert defects == []
    roots = [one for one in (schema._schema.query_type, schema._schema.mutation_type) if one]
    assert {name.split()[1] for name in asked} == {name for root in roots for name in root.fields} - {"signOut"}
    # A document that breaks a limit, or does not fit, is no defect; but it shows nothing about the field.
    assert {role: sorted(asked - fields) for role, fields in run.items() if len(fields) < 0.9 * len(asked)} == {}
    logged = servers[0].log.read_text()
    assert "Traceback" not in logged, logged[-4000:]
