"""The examples of the API reference work: one after the other, on a real server, with the answers that are shown.

What is different in each run (ids, times, cursors, secrets) stands in the files as something like it. After a change
`TUTTI_EXAMPLES=write pytest tests/site/test_examples.py` writes the answers anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import FieldNode, GraphQLObjectType, OperationDefinitionNode, parse, print_ast, validate

from resolvers import schema
from tests.people import Api, open_socket
from tests.processes import ROOT

DOCUMENTS, FILE = ROOT / "docs/examples.graphql", ROOT / "docs/examples.json"
REFERENCE = re.compile(r"<(\w+)\.([\w.]+)( after #)?>")
MAIL = re.compile(r"<mail to (\S+): (\w+)>")
ALIKE = (
    (re.compile(r"\b([a-z]+)_[0-9a-f]{8}-[0-9a-f-]{27}\b"), r"\1_..."),
    (re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{22}$"), "..."),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-01T00:00:00Z"),
    (re.compile(r"^v1:.*"), "v1:..."),
    (re.compile(r"^a0[0-9A-Za-z]+$"), "a0V"),  # ranks are drawn, also in histories
    (re.compile(r"^http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8000"),
    (re.compile(r"(?<=#)[\w-]{20,}$"), "..."),
)
VARYING = {
    "accessToken": "...",
    "refreshToken": "...",
    "secret": "...",
    "prefix": "...",
    "endCursor": "...",
    "limit": 300_000,
    "remaining": 299_000,
    "maxQueryCost": 10_000,
    "rev": 1,
    "rank": "a0V",
}


def operations() -> list[OperationDefinitionNode]:
    """In the order in which they work."""
    found = [one for one in parse(DOCUMENTS.read_text()).definitions if isinstance(one, OperationDefinitionNode)]
    assert all(one.name for one in found)
    return found


def root_field(operation: OperationDefinitionNode) -> FieldNode:
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    return field


def name_of(operation: OperationDefinitionNode) -> str:
    assert operation.name is not None
    return operation.name.value


def test_every_root_field_has_a_valid_example() -> None:
    graphql = schema._schema
    assert validate(graphql, parse(DOCUMENTS.read_text())) == []
    shown = {(one.operation.value, root_field(one).name.value) for one in operations()}
    roots: dict[str, GraphQLObjectType | None] = {
        "query": graphql.query_type,
        "mutation": graphql.mutation_type,
        "subscription": graphql.subscription_type,
    }
    there = {(kind, name) for kind, root in roots.items() if root for name in root.fields}
    assert shown == there
    told = json.loads(FILE.read_text())
    assert list(told) == [name_of(one) for one in operations()]


def alike(value: Any, key: str = "") -> Any:
    """An answer as it stands in the files: with something like it where each run has something else."""
    if isinstance(value, list):
        return [alike(one, key) for one in value]
    if isinstance(value, dict):
        return {name: alike(one, name) for name, one in value.items()}
    if value is not None and key in VARYING:
        return VARYING[key]
    if isinstance(value, str):
        for pattern, instead in ALIKE:
            value = pattern.sub(instead, value)
    return value


async def filled(api: Api, value: Any, answers: Mapping[str, Any]) -> Any:
    """Variables, with what was answered before where they point to it. Raises KeyError for what was not."""
    if isinstance(value, list):
        return [await filled(api, one, answers) for one in value]
    if isinstance(value, dict):
        return {name: await filled(api, one, answers) for name, one in value.items()}
    if not isinstance(value, str):
        return value
    if mail := MAIL.fullmatch(value):
        return await api.mailed_token(*mail.groups())

    def look(found: re.Match[str]) -> str:
        at: Any = answers[found[1]]
        for word in found[2].split("."):
            at = at[int(word)] if isinstance(at, list) else at[word]
        return at.split("#", 1)[1] if found[3] else at

    return REFERENCE.sub(look, value)


async def asked(api: Api, document: str, variables: Any, headers: dict[str, str]) -> Any:
    response = await api.http.post(
        f"{api.url}/graphql", json={"query": document, "variables": variables}, headers=headers
    )
    assert response.status_code == 200, response.text
    return response.json()


async def first_of(api: Api, document: str, variables: Any, headers: dict[str, str]) -> Any:
    """What a subscription says first."""
    async with open_socket(api.url) as socket:
        await socket.send({"type": "connection_init", "payload": headers})
        assert (await socket.receive())["type"] == "connection_ack"
        payload = {"query": document, "variables": variables}
        await socket.send({"id": "1", "type": "subscribe", "payload": payload})
        message = await socket.receive()
        assert message["type"] == "next", message
        return message["payload"]


async def test_all_work_and_answer_what_is_shown(served_api: Api) -> None:
    api = served_api
    examples = json.loads(FILE.read_text())
    answers: dict[str, Any] = {}
    for operation in operations():
        name = name_of(operation)
        example = examples[name]
        given = await filled(api, {key: example.get(key, "") for key in ("authorization", "variables")}, answers)
        headers = {"authorization": given["authorization"]} if given["authorization"] else {}
        send = first_of if operation.operation.value == "subscription" else asked
        answer = await send(api, print_ast(operation), given["variables"], headers)
        assert "errors" not in answer, (name, answer)
        ((_, answers[name]),) = answer["data"].items()
        assert answers[name] is not None, name
        if operation.operation.value == "mutation":
            assert answers[name]["userErrors"] == [], (name, answer)
        if os.environ.get("TUTTI_EXAMPLES") == "write":
            example["answer"] = alike({"data": answer["data"]})
        assert alike({"data": answer["data"]}) == example["answer"], name
    if os.environ.get("TUTTI_EXAMPLES") == "write":
        FILE.write_text(json.dumps(examples, indent=2, ensure_ascii=False) + "\n")
        pytest.fail("The answers were written; look at them, and run this again without TUTTI_EXAMPLES.")
