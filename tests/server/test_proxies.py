"""Behind a proxy, whoever asks is told apart by what the proxy says; and only by what a trusted one says."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from domain.attempts import Limits
from tests.people import PASSWORD
from tests.processes import server_processes
from tests.stack_fixture import TestStack

MOST = Limits().sign_up_by_address.attempts
SIGN_UP = """mutation ($email: String!, $password: String!) {
  signUp(input: {email: $email, password: $password, name: "New"}) { userErrors { code } } }"""


async def attempts(url: str, forwarded: list[str]) -> list[bool]:
    """Sign-ups that say where they come from; -> which were not one too many."""
    allowed = []
    async with httpx.AsyncClient(timeout=60) as http:
        for one in forwarded:
            headers = {"x-forwarded-for": one}
            variables = {"email": f"{uuid4()}@example.com", "password": PASSWORD}
            body = {"query": SIGN_UP, "variables": variables}
            answer = (await http.post(f"{url}/graphql", json=body, headers=headers)).json()
            codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
            assert codes in ([], ["RATE_LIMITED"])
            allowed.append(not codes)
    return allowed


@pytest.mark.parametrize(
    ("trusted", "is_told_apart"), [("", False), ("10.0.0.1", False), ("127.0.0.1", True), ("127.0.0.0/8, ::1", True)]
)
async def test_people_behind_a_trusted_proxy_have_addresses_of_their_own(
    stack: TestStack, tmp_path: Path, trusted: str, is_told_apart: bool
) -> None:
    extra = {"TEST_ATTEMPTS": "limited", "TUTTI_TRUSTED_PROXIES": trusted}
    with (
        stack.new_database() as database_url,
        server_processes(tmp_path, database_url, stack.redis_url, ("one",), **extra) as (server,),
    ):
        others = [f"192.0.2.{number}" for number in range(MOST + 1)]
        assert (await attempts(server.url, others)) == [True] * MOST + [is_told_apart]
        if is_told_apart:
            # The last address that no proxy of ours added is theirs; what they put before it says nothing.
            same = [f"192.0.2.{number}, 198.51.100.7" for number in range(MOST + 1)]
            assert (await attempts(server.url, same)) == [True] * MOST + [False]
