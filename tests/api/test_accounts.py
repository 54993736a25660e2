"""Accounts as clients see them: over HTTP, against a real server, with real passwords' cost."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from domain.attempts import QUARTER_HOUR, Limit, Limits
from server.app import create_app
from server.settings import Settings
from tests.stack_fixture import TestStack

PASSWORD = "correct horse battery"
SESSION = """
  userErrors { __typename code message path }
  accessToken accessTokenExpiresAt refreshToken
  session { id device current }
  viewer {
    email emailVerifiedAt timeZone user { id name handle }
    sessions { id device current } workspaces { kind }
  }
"""
SIGN_UP = f"mutation ($input: SignUpInput!) {{ answer: signUp(input: $input) {{ {SESSION} }} }}"
SIGN_IN = f"mutation ($input: SignInInput!) {{ answer: signIn(input: $input) {{ {SESSION} }} }}"
REFRESH = f"mutation ($input: RefreshSessionInput!) {{ answer: refreshSession(input: $input) {{ {SESSION} }} }}"
CHANGE = f"mutation ($input: ChangePasswordInput!) {{ answer: changePassword(input: $input) {{ {SESSION} }} }}"
SIGN_OUT = """mutation ($input: SignOutInput!) {
  answer: signOut(input: $input) { signedOut userErrors { __typename code message path } }
}"""
UPDATE = """mutation ($input: UpdateProfileInput!) {
  answer: updateProfile(input: $input) {
    userErrors { __typename code path } replayed clientMutationId eventCursor user { id name handle }
  }
}"""
VIEWER = "query { answer: viewer { email timeZone sessions { id device current } } }"


@dataclass
class Client:
    """Somebody at the API; `token` is what they are signed in with."""

    http: httpx.AsyncClient
    token: str | None = None

    async def send(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The whole response to an operation."""
        token = token or self.token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def ask(self, query: str, token: str | None = None, **given: Any) -> Any:
        """The field `answer` of an operation that works; its input is what is given."""
        answer = await self.send(query, token, input=given)
        assert "errors" not in answer, answer
        return answer["data"]["answer"]

    async def refused(self, query: str, token: str | None = None, **given: Any) -> str:
        """The code by which a whole operation is refused."""
        errors = (await self.send(query, token, input=given))["errors"]
        assert len(errors) == 1
        code: str = errors[0]["extensions"]["code"]
        return code

    async def signed_up(self, **given: Any) -> Any:
        """A new person, who this client is from now on."""
        answer = await self.ask(SIGN_UP, **{**a_person(), **given})
        assert answer["userErrors"] == []
        self.token = answer["accessToken"]
        return answer


def a_person() -> dict[str, str]:
    return {"email": f"{secrets.token_hex(8)}@example.com", "password": PASSWORD, "name": "Ada Lovelace"}


def codes(answer: Any) -> list[tuple[str, str, list[str] | None]]:
    return [(error["__typename"], error["code"], error["path"]) for error in answer["userErrors"]]


@asynccontextmanager
async def served(stack: TestStack, limits: Limits) -> AsyncIterator[Client]:
    """A server of its own, at whose address nobody else makes attempts."""
    settings = Settings(
        database_url=stack.database_url,
        redis_url=stack.redis_url,
        port=0,
        jwt_secrets=("a secret of forty-three characters, at least",),
    )
    config = uvicorn.Config(create_app(settings, attempt_limits=limits), port=0, log_config=None, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        yield Client(http)
    server.should_exit = True
    await serving


def wide_limits(name: str, **limits: Limit) -> Limits:
    """Limits for tests that make many accounts from one address; counted apart under a name."""
    by_address = {
        limit: Limit(f"{name}/{limit}", 10_000, QUARTER_HOUR)
        for limit in ("sign_in_by_address", "sign_up_by_address", "refresh_by_address")
    }
    return Limits(**{**by_address, **limits})


@pytest.fixture(scope="module")
async def shared_client(stack: TestStack) -> AsyncIterator[Client]:
    async with served(stack, wide_limits("accounts")) as client:
        yield client


@pytest.fixture
def client(shared_client: Client) -> Client:
    return Client(shared_client.http)


async def test_whoever_signs_up_is_signed_in_and_sees_their_own_things(client: Client) -> None:
    person = a_person()
    answer = await client.ask(SIGN_UP, **person, device="Phone", timeZone="Europe/Berlin")
    assert answer["userErrors"] == []
    assert answer["viewer"]["email"] == person["email"]
    assert answer["viewer"]["emailVerifiedAt"] is None
    assert answer["viewer"]["user"]["name"] == "Ada Lovelace"
    assert answer["viewer"]["user"]["handle"].startswith("ada-lovelace")
    assert answer["viewer"]["workspaces"] == [{"kind": "PERSONAL"}]
    assert answer["viewer"]["sessions"] == [answer["session"]]
    assert answer["session"]["device"] == "Phone"
    assert answer["session"]["current"]
    assert answer["accessTokenExpiresAt"].endswith("Z")
    viewer = await client.ask(VIEWER, answer["accessToken"])
    assert (viewer["email"], viewer["timeZone"]) == (person["email"], "Europe/Berlin")


async def test_without_credentials_there_is_no_viewer_and_nothing_of_one_s_own_to_change(client: Client) -> None:
    assert await client.ask(VIEWER) is None
    assert await client.refused(SIGN_OUT) == "UNAUTHENTICATED"
    assert await client.refused(UPDATE, name="Nobody") == "UNAUTHENTICATED"
    assert await client.refused(CHANGE, currentPassword=PASSWORD, newPassword=PASSWORD) == "UNAUTHENTICATED"


async def test_what_is_wrong_with_a_sign_up_is_told_field_by_field(client: Client) -> None:
    wrong = {"email": "ada", "password": "x" * 201, "name": "", "handle": "!!", "timeZone": "Mars", "device": "x" * 101}
    answer = await client.ask(SIGN_UP, **wrong)
    assert codes(answer) == [
        ("ValidationError", "INVALID", ["input", "email"]),
        ("ValidationError", "TOO_LONG", ["input", "password"]),
        ("ValidationError", "REQUIRED", ["input", "name"]),
        ("ValidationError", "INVALID", ["input", "handle"]),
        ("ValidationError", "INVALID", ["input", "timeZone"]),
        ("ValidationError", "TOO_LONG", ["input", "device"]),
    ]
    assert answer["viewer"] is answer["accessToken"] is answer["refreshToken"] is answer["session"] is None


async def test_a_taken_address_and_a_bad_invite_refuse_the_sign_up(client: Client) -> None:
    ada = await client.signed_up()
    email = ada["viewer"]["email"]
    taken = await client.ask(SIGN_UP, **{**a_person(), "email": email.upper()})
    assert codes(taken) == [("ValidationError", "ALREADY_EXISTS", ["input", "email"])]
    person = a_person()
    invited = await client.ask(SIGN_UP, **person, inviteToken="nonsense")
    assert codes(invited) == [("ValidationError", "INVITE_INVALID", ["input", "inviteToken"])]
    unknown = await client.ask(SIGN_IN, email=person["email"], password=PASSWORD)
    assert codes(unknown) == [("ValidationError", "INVALID_CREDENTIALS", None)]


async def test_an_unknown_person_and_a_wrong_password_get_the_same_answer(client: Client) -> None:
    ada = await client.signed_up()
    wrong = await client.ask(SIGN_IN, email=ada["viewer"]["email"], password="wrong password")
    unknown = await client.ask(SIGN_IN, email=a_person()["email"], password="wrong password")
    assert wrong == unknown
    assert codes(wrong) == [("ValidationError", "INVALID_CREDENTIALS", None)]


async def test_a_session_without_a_name_is_called_as_its_client(client: Client) -> None:
    ada = await client.signed_up()
    again = await client.ask(SIGN_IN, email=ada["viewer"]["email"], password=PASSWORD, device=None)
    assert again["session"]["device"].startswith("python-httpx/")
    sessions = again["viewer"]["sessions"]
    assert [session["current"] for session in sessions] == [True, False]
    assert {session["id"] for session in sessions} == {ada["session"]["id"], again["session"]["id"]}


async def test_a_refresh_token_needs_no_access_token_and_is_none(client: Client) -> None:
    ada = await client.signed_up()
    refreshed = await client.ask(REFRESH, "", refreshToken=ada["refreshToken"])
    assert refreshed["session"]["id"] == ada["session"]["id"]
    assert refreshed["accessToken"] != ada["accessToken"]
    assert (await client.ask(VIEWER, refreshed["accessToken"]))["email"] == ada["viewer"]["email"]
    assert await client.refused(VIEWER, refreshed["refreshToken"]) == "UNAUTHENTICATED"
    refused = await client.ask(REFRESH, refreshToken=ada["accessToken"])
    assert codes(refused) == [("ValidationError", "INVALID_CREDENTIALS", ["input", "refreshToken"])]


async def test_a_revoked_session_s_access_token_stops_within_a_second(client: Client) -> None:
    ada = await client.signed_up()
    assert await client.ask(SIGN_OUT) == {"signedOut": True, "userErrors": []}
    async with asyncio.timeout(1.5):
        while "errors" not in (answer := await client.send(VIEWER)):
            pass
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    refused = await Client(client.http).ask(REFRESH, refreshToken=ada["refreshToken"])
    assert codes(refused) == [("ValidationError", "INVALID_CREDENTIALS", ["input", "refreshToken"])]


async def test_only_one_s_own_sessions_can_be_ended_and_seen(client: Client) -> None:
    ada = await client.signed_up()
    bob = await Client(client.http).signed_up()
    for stranger in (bob["session"]["id"], f"session_{'0' * 8}-0000-7000-8000-{'0' * 12}", "nonsense", ""):
        answer = await client.ask(SIGN_OUT, sessionId=stranger)
        assert codes(answer) == [("NotFoundError", "NOT_FOUND", ["input", "sessionId"])]
        assert not answer["signedOut"]
        node = await client.send("query ($id: ID!) { node(id: $id) { id } }", id=stranger)
        assert node["data"] == {"node": None}
    own = await client.send("query ($id: ID!) { node(id: $id) { id } }", id=ada["session"]["id"])
    assert own["data"] == {"node": {"id": ada["session"]["id"]}}
    assert (await client.ask(VIEWER, bob["accessToken"]))["sessions"] == bob["viewer"]["sessions"]


async def test_signing_out_of_another_device_and_everywhere(client: Client) -> None:
    ada = await client.signed_up()
    email = ada["viewer"]["email"]
    phone = await client.ask(SIGN_IN, email=email, password=PASSWORD, device="Phone")
    tablet = await client.ask(SIGN_IN, email=email, password=PASSWORD, device="Tablet")
    assert (await client.ask(SIGN_OUT, sessionId=phone["session"]["id"]))["signedOut"]
    listed = (await client.ask(VIEWER))["sessions"]
    assert [session["id"] for session in listed] == [tablet["session"]["id"], ada["session"]["id"]]
    assert (await client.ask(SIGN_OUT, everywhere=True))["signedOut"]
    for ended in (ada, phone, tablet):
        assert codes(await Client(client.http).ask(REFRESH, refreshToken=ended["refreshToken"]))


async def test_a_changed_password_ends_the_other_sessions_and_gives_this_one_new_tokens(client: Client) -> None:
    ada = await client.signed_up()
    email = ada["viewer"]["email"]
    other = await client.ask(SIGN_IN, email=email, password=PASSWORD)
    wrong = await client.ask(CHANGE, currentPassword="wrong password", newPassword="a better password")
    assert codes(wrong) == [("ValidationError", "INVALID_CREDENTIALS", ["input", "currentPassword"])]
    changed = await client.ask(CHANGE, currentPassword=PASSWORD, newPassword="a better password")
    assert changed["session"]["id"] == ada["session"]["id"]
    assert [session["id"] for session in changed["viewer"]["sessions"]] == [ada["session"]["id"]]
    for ended in (ada, other):
        assert codes(await client.ask(REFRESH, refreshToken=ended["refreshToken"]))
    assert codes(await client.ask(REFRESH, refreshToken=changed["refreshToken"])) == []
    assert codes(await client.ask(SIGN_IN, email=email, password=PASSWORD))
    assert codes(await client.ask(SIGN_IN, email=email, password="a better password")) == []


async def test_a_profile_keeps_what_is_left_out_refuses_null_and_is_changed_once_per_key(client: Client) -> None:
    ada = await client.signed_up()
    handle = f"countess{secrets.token_hex(4)}"
    key = "01890a5d-ac96-774b-bcce-b302099a8057"
    for is_repeat in (False, True):
        answer = await client.ask(UPDATE, clientMutationId=key, handle=handle.upper())
        assert answer["userErrors"] == []
        assert (answer["replayed"], answer["clientMutationId"]) == (is_repeat, key)
        assert answer["user"] == {**ada["viewer"]["user"], "handle": handle}
        assert answer["eventCursor"]
    other = await client.ask(UPDATE, clientMutationId=key, handle="another")
    assert codes(other) == [("ValidationError", "IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]
    null = await client.ask(UPDATE, name=None, handle=None, timeZone=None)
    assert codes(null) == [("ValidationError", "REQUIRED", ["input", one]) for one in ("name", "handle", "timeZone")]
    assert null["user"]["handle"] == handle
    bob = Client(client.http)
    await bob.signed_up()
    taken = await bob.ask(UPDATE, handle=handle)
    assert codes(taken) == [("ValidationError", "ALREADY_EXISTS", ["input", "handle"])]
    await client.ask(UPDATE, timeZone="Asia/Tokyo")
    assert (await client.ask(VIEWER))["timeZone"] == "Asia/Tokyo"


async def test_guesses_by_aliases_in_one_document_are_counted_one_by_one(stack: TestStack) -> None:
    limits = wide_limits("aliases", sign_in_by_account=Limit("aliases/account", 3, QUARTER_HOUR))
    async with served(stack, limits) as client:
        ada = await client.signed_up()
        guess = f'signIn(input: {{email: "{ada["viewer"]["email"]}", password: "wrong password"}}) {{ accessToken }}'
        guesses = " ".join(f"g{index}: {guess}" for index in range(5))
        answer = await client.send(f"mutation {{ {guesses} }}")
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
        assert "Try again in 15 minutes" in answer["errors"][0]["message"]
        assert await client.refused(SIGN_IN, email=ada["viewer"]["email"], password=PASSWORD) == "RATE_LIMITED"


async def test_no_password_or_token_reaches_a_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary = f"canary-{secrets.token_hex(8)}"
    ada = await client.signed_up(password=canary)
    await client.ask(SIGN_IN, email=ada["viewer"]["email"], password=canary + "!")
    await client.ask(REFRESH, refreshToken=ada["refreshToken"])
    await client.refused(VIEWER, canary)
    for secret in (canary, ada["refreshToken"], ada["accessToken"]):
        assert secret not in caplog.text
