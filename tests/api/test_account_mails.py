"""Accounts by mail, over the API: what links do, and what is told of addresses."""

from __future__ import annotations

from uuid import uuid4

from tests.people import PASSWORD, Api, Person

RESET = """mutation ($i: ResetPasswordInput!) { it: resetPassword(input: $i) {
  accessToken userErrors { code path } viewer { emailVerifiedAt } } }"""
DELETE = "mutation ($i: DeleteAccountInput!) { it: deleteAccount(input: $i) { accepted userErrors { message } } }"
VALID = "query ($t: String!) { isPasswordResetTokenValid(token: $t) }"
VIEWER = "{ viewer { emailVerifiedAt user { id } } }"


async def _verified_at(person: Person) -> str | None:
    found: str | None = (await person.ask(VIEWER))["viewer"]["emailVerifiedAt"]
    return found


async def test_a_reset_works_once_ends_all_sessions_and_proves_the_address(api: Api, other_api: Api) -> None:
    person = await api.sign_up("Ann")
    await api.request_password_reset(f" {person.email.upper()} ")
    token = await api.mailed_token(person.email, "reset")
    form = {"i": {"token": token, "newPassword": "another password"}}
    for _ in range(3):  # looking at a link does not use it up
        assert await api.ask(VALID, {"t": token}) == {"isPasswordResetTokenValid": True}
    done = (await other_api.ask(RESET, form))["it"]
    assert done["userErrors"] == []
    assert done["viewer"]["emailVerifiedAt"] is not None
    assert (await person.on(other_api).answer(VIEWER))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    again = (await api.ask(RESET, form))["it"]
    assert again["userErrors"] == [{"code": "INVALID_CREDENTIALS", "path": ["input", "token"]}]
    verify = await api.mailed_token(person.email, "verify")
    for useless in (token, verify, "", "\0", "x" * 10_000):
        assert await api.ask(VALID, {"t": useless}) == {"isPasswordResetTokenValid": False}


async def test_an_unknown_address_is_answered_like_a_known_one(api: Api) -> None:
    await api.request_password_reset(f"{uuid4().hex}@example.com")


async def test_who_is_invited_by_mail_joins_while_signing_up(api: Api) -> None:
    owner, email = await api.sign_up("Ann"), f"{uuid4().hex}@example.com"
    workspace = await owner.create_workspace()
    shown = await owner.invite(workspace, email=email)
    mailed = await api.mailed_token(email, "join")
    assert mailed != shown
    guest = await api.sign_up("Bob", email=email, inviteToken=mailed)
    assert await _verified_at(guest) is not None
    membership = await owner.membership_id(workspace, guest.id)
    assert membership
    await owner.do("removeMember", {"id": membership})
    for token in (mailed, shown):  # it has let them in once
        assert (await guest.refused("acceptInvite", {"token": token}))[0] == "INVITE_INVALID"


async def test_an_owner_of_a_shared_workspace_hands_it_over_first(api: Api) -> None:
    owner = await api.sign_up("Ann")
    workspace = await owner.create_workspace("Acme")
    member = await owner.bring_in(workspace)
    refused = (await owner.ask(DELETE, i={"password": PASSWORD}))["it"]
    assert not refused["accepted"]
    assert "Acme" in refused["userErrors"][0]["message"]
    await owner.do(
        "transferWorkspace", {"id": workspace, "toMembershipId": await owner.membership_id(workspace, member.id)}
    )
    task = await owner.create_task(workspace, "Left behind")
    assert (await owner.ask(DELETE, i={"password": PASSWORD}))["it"]["accepted"]
    found = await member.ask("query ($id: ID!) { task(by: {id: $id}) { createdBy { id name } } }", id=task)
    assert found["task"]["createdBy"] == {"id": owner.id, "name": "Deleted user"}
