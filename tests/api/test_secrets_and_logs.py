"""No secret that anybody sends or is told is written into a log, neither where it is taken nor where it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx

from tests.mailbox import Mailbox
from tests.people import PASSWORD, Api, open_socket
from tests.processes import server_processes
from tests.stack_fixture import TestStack

SIGN_IN = """mutation ($e: String!, $p: String!) {
  signIn(input: {email: $e, password: $p}) { accessToken userErrors { code } } }"""
REFRESH = "mutation ($t: String!) { refreshSession(input: {refreshToken: $t}) { refreshToken userErrors { code } } }"
RESET = """mutation ($t: String!, $p: String!) {
  resetPassword(input: {token: $t, newPassword: $p}) { accessToken refreshToken userErrors { code } } }"""
VALID = "query ($t: String!) { isPasswordResetTokenValid(token: $t) }"
WRONG, NEW = "canary-of-a-wrong-password", "canary-of-a-new-password"


async def test_no_log_has_a_secret(stack: TestStack, http: httpx.AsyncClient, tmp_path: Path) -> None:
    told = {"TEST_OUTBOX": "files", "TEST_LOGS": "yes"}
    with (
        stack.new_database() as url,
        server_processes(tmp_path, url, stack.redis_url, ("one",), **told) as (server,),
    ):
        api = Api(server.url, http, Mailbox(tmp_path / "mail"))
        ann = await api.sign_up("Ann")
        workspace_id = await ann.create_workspace()
        _, token = await ann.create_token(workspace_id)
        new = {"workspaceId": workspace_id, "url": "https://example.com/hook", "kinds": ["TASK"]}
        signing = (await ann.do("createWebhook", new, "secret"))["secret"]
        invite = await ann.invite(workspace_id)
        bob = await api.sign_up("Bob", inviteToken=invite)
        await api.ask(SIGN_IN, {"e": bob.email, "p": WRONG})
        refreshed = (await api.ask(REFRESH, {"t": bob.refresh_token}))["refreshSession"]["refreshToken"]
        await api.ask(REFRESH, {"t": bob.refresh_token})  # stolen: all of them end
        await api.request_password_reset(bob.email)
        reset = await api.mailed_token(bob.email, "reset")
        await api.ask(VALID, {"t": reset})
        anew = (await api.ask(RESET, {"t": reset, "p": NEW}))["resetPassword"]
        await api.ask(RESET, {"t": reset, "p": NEW})
        secrets = [token, signing, invite, bob.token, bob.refresh_token, refreshed, reset, PASSWORD, WRONG, NEW]
        secrets += [anew["accessToken"], anew["refreshToken"], ann.token, ann.refresh_token]
        for one in secrets:
            # Where each does not belong: as credentials, in a document, in variables of another kind, in an address.
            await replace(ann, token=one).answer("{ viewer { user { id } } }")
            await ann.answer(f'{{ node(id: "{one}") {{ id }} nothing(secret: "{one}") }}')
            await ann.answer("query ($n: Int!) { rateLimit { cost } }", n=one)
            await ann.answer("query ($id: ID!) { node(id: $id) { id } }", id=one)
            await http.get(f"{server.url}/graphql", params={"query": f"{{ {one}", "token": one})
            async with open_socket(server.url) as socket:
                await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {one} "}})
                await socket.send({"type": "subscribe", "id": "1", "payload": {"query": one}})
    logs = {path: path.read_text() for path in tmp_path.rglob("*.log")}
    assert any("Application startup complete" in one for one in logs.values())
    assert [(path.name, one) for path, text in logs.items() for one in secrets if one in text] == []
