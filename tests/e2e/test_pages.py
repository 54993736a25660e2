"""Two people with nothing but a browser: GraphiQL, the invite link, and the events that reach both."""

import json
import uuid
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.network import network_of
from tests.e2e.test_client import account_of, arrive, found_team

PASSWORD = "a password for trying"


HAS_ROOM_FOR_RING = """field => {
  field.focus();
  const { outlineWidth, outlineOffset } = getComputedStyle(field);
  const ring = field.getBoundingClientRect().bottom + parseFloat(outlineWidth) + parseFloat(outlineOffset);
  return field.nextElementSibling.getBoundingClientRect().top >= ring;
}"""
"""Whether the ring of a field that has the focus ends above its hint."""


class GraphiQL:
    """The page at /graphql, as a person uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def is_ready(self) -> None:
        for editor in (".graphiql-query-editor", ".graphiql-editor-tool", ".graphiql-response"):
            await self.page.locator(f"{editor} .view-line").first.wait_for(state="attached")

    async def sign_in(self, way: str, **fields: str) -> None:
        panel = self.page.locator("#account-panel")
        await expect(panel).to_have_count(0)
        await self.page.locator(".account-button").click()
        await panel.get_by_role("group").get_by_role("button", name=way).click()
        for label, value in fields.items():
            await panel.get_by_label(label.capitalize().replace("_", " ")).fill(value)
        await panel.locator("button[type=submit]").click()

    async def acts_as(self, name: str) -> None:
        await expect(self.page.locator(".account-button")).to_contain_text(name)

    async def run(self, tab: str, variables: dict[str, object] | None = None) -> None:
        await self.page.locator(f'button[title="{tab}"]').click()
        if variables is not None:
            await self._model("variables.json", f".setValue({json.dumps(json.dumps(variables))})")
        await self.page.keyboard.press("Control+Enter")

    async def response(self, *texts: str) -> str:
        """What the response pane says, once it says all of `texts`."""
        shown = await self.page.wait_for_function(
            """texts => {
                const model = globalThis.__MONACO?.editor.getModels().find(m => m.uri.path.endsWith("response.json"));
                return model && texts.every(text => model.getValue().includes(text)) && model.getValue();
            }""",
            arg=list(texts),
        )
        return str(await shown.json_value())

    async def _model(self, name: str, then: str) -> object:
        find = f'globalThis.__MONACO.editor.getModels().find(m => m.uri.path.endsWith("{name}"))'
        return await self.page.evaluate(f"() => {find}{then}")


def address() -> str:
    return f"{uuid.uuid4().hex}@example.com"


async def somebody(open_page: OpenPage, name: str) -> tuple[GraphiQL, str]:
    """A new account made in GraphiQL, and its email address."""
    ide = GraphiQL(await open_page("/graphql"))
    await ide.is_ready()
    email = address()
    await ide.sign_in("Create account", name=name, email=email, password=PASSWORD)
    await ide.acts_as(name)
    return ide, email


async def invite_by(ide: GraphiQL) -> str:
    """The path of a link into a new team workspace, from the tour's second step."""
    await ide.run("CreateTeam")
    data = json.loads(await ide.response("createInvite", '"url"'))["data"]
    assert data["createWorkspace"]["userErrors"] == []
    link = urlsplit(data["createInvite"]["url"])
    assert link.path == "/join"
    return f"{link.path}#{link.fragment}"


async def test_two_people_meet_by_an_invite_and_one_sees_what_the_other_does(open_page: OpenPage) -> None:
    ann = GraphiQL(await open_page("/graphql"))
    await ann.is_ready()
    await ann.run("SignUp", {"input": {"name": "Ann", "email": address(), "password": PASSWORD}})
    await ann.acts_as("Ann")
    page = await open_page(await invite_by(ann))
    await expect(page.get_by_role("heading")).to_have_text("Join Our team")
    await expect(page.locator("#place")).to_contain_text("Ann invites you")
    await page.get_by_label("Your name").fill("Bob")
    await page.get_by_label("Email").fill(address())
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account and join").click()
    await expect(page.get_by_role("heading")).to_have_text("You are in Our team")
    await expect(page.get_by_role("link")).to_have_text(["Tutti", "Open the board"])
    await page.goto("/graphql")

    bob = GraphiQL(page)
    await bob.is_ready()
    await bob.acts_as("Bob")
    await bob.run("Follow")
    await expect(page.get_by_role("status")).to_have_text("Live")
    await bob.response('"caughtUp": true')

    await ann.run("CreateTask")
    task = json.loads(await ann.response("eventCursor"))["data"]["createTask"]["task"]
    await bob.response("TaskCreatedEvent", task["id"])
    await ann.run("Board")
    board = json.loads(await ann.response("statuses"))["data"]["workspace"]
    doing = next(status["id"] for status in board["statuses"] if status["category"] == "IN_PROGRESS")
    await ann.run("MoveTask", {"input": {"id": task["id"], "statusId": doing}})
    shown = json.loads(await bob.response('"received": 2'))
    assert shown["data"]["workspaceEvents"]["events"][0]["taskId"] == task["id"]
    assert shown["earlier"][0]["data"]["workspaceEvents"]["events"][0]["task"]["title"] == "Try Tutti"


async def test_a_signed_in_person_joins_with_the_account_they_have(open_page: OpenPage) -> None:
    _, invite = await found_team(await arrive(open_page, "Ann"), "Our team", "VIEWER")
    url = f"/join#{invite}"
    bob = await arrive(open_page, "Bob")
    email = (await account_of(bob))["email"]
    await bob.goto("/")
    await expect(bob.get_by_role("button", name="Workspace: Personal")).to_be_visible()  # stays in the browser
    await bob.goto(url)
    await bob.get_by_role("button", name="Join as Bob").click()
    await expect(bob.get_by_role("heading")).to_have_text("You are in Our team")
    await expect(bob.get_by_role("heading")).to_be_focused()
    await expect(bob.locator("#place")).to_contain_text("you can now read what is in it.")
    await bob.get_by_role("link", name="Open the board").click()
    await expect(bob.get_by_role("button", name="Workspace: Our team")).to_be_visible()

    other = await open_page(url)
    assert await other.get_by_label("Password").evaluate(HAS_ROOM_FOR_RING)
    await other.get_by_role("button", name="I have an account").click()
    await expect(other.get_by_label("Your name")).to_be_hidden()
    await other.get_by_label("Email").fill(email)
    await other.get_by_label("Password").fill("not the password")
    await other.get_by_role("button", name="Sign in and join").click()
    await expect(other.locator("[role=alert]:visible")).to_have_count(1)
    await expect(other.locator("input:focus")).to_have_count(1)
    await expect(other.get_by_role("heading")).to_have_text("Join Our team")


async def test_an_invite_for_one_address_says_so_before_and_when_it_refuses_another_one(open_page: OpenPage) -> None:
    _, invite = await found_team(await arrive(open_page, "Ann"), "Our team", email=address())
    bob = await arrive(open_page, "Bob")
    await bob.goto("/")
    await expect(bob.get_by_role("button", name="Workspace: Personal")).to_be_visible()  # stays in the browser
    await bob.goto(f"/join#{invite}")
    await expect(bob.get_by_text("This invite is for one email address")).to_be_visible()
    await bob.get_by_role("button", name="Join as Bob").click()
    await expect(bob.get_by_role("alert")).to_contain_text("This invite is for another email address")

    await bob.get_by_label("Your name").fill("Bob")
    await bob.get_by_label("Email").fill(address())
    await bob.get_by_label("Password").fill(PASSWORD)
    await bob.get_by_role("button", name="Create account and join").click()
    await expect(bob.locator("form [role=alert]:visible")).to_contain_text("This invite is for another email address")


@pytest.mark.parametrize(
    ("path", "heading"), [("/join", "No invite in this link"), ("/join#nonsense", "This invite no longer works")]
)
async def test_a_link_that_leads_nowhere_says_so(open_page: OpenPage, path: str, heading: str) -> None:
    page = await open_page(path)
    await expect(page.get_by_role("heading")).to_have_text(heading)


async def test_a_reload_brings_back_what_was_in_the_editors(open_page: OpenPage) -> None:
    ide = GraphiQL(await open_page("/graphql"))
    await ide.is_ready()
    await ide.page.reload()
    await ide.is_ready()
    await expect(ide.page.locator(".graphiql-query-editor")).to_contain_text("Welcome to Tutti")
    await expect(ide.page.locator(".graphiql-editor-tool").first).to_contain_text("ann@example.com")
    await expect(ide.page.locator(".graphiql-tab")).to_have_count(6)


async def test_signing_out_and_in_again_and_a_wrong_password(open_page: OpenPage) -> None:
    ide, email = await somebody(open_page, "Ann")
    await ide.page.locator(".account-button").click()
    await ide.page.get_by_role("button", name="Sign out Ann").click()
    await expect(ide.page.locator(".account-button")).to_have_text("Sign in")
    await ide.page.keyboard.press("Escape")
    await ide.sign_in("Sign in", email=email, password="not the password")
    await expect(ide.page.locator("#account-panel").get_by_role("alert")).to_be_visible()
    await ide.page.keyboard.press("Escape")
    await ide.sign_in("Sign in", email=email, password=PASSWORD)
    await ide.acts_as("Ann")


async def test_a_token_that_is_about_to_expire_is_renewed_before_it_is_used(open_page: OpenPage) -> None:
    ide, _ = await somebody(open_page, "Ann")
    stored = "() => JSON.parse(localStorage.getItem('tutti.accounts'))[0]"
    before = await ide.page.evaluate(stored)
    before["accessTokenExpiresAt"] = "2020-01-01T00:00:00.000Z"
    await ide.page.evaluate("account => localStorage.setItem('tutti.accounts', JSON.stringify([account]))", before)
    await ide.run("CreateTeam")
    await ide.response('"url"')
    after = await ide.page.evaluate(stored)
    assert after["refreshToken"] != before["refreshToken"]
    assert after["accessTokenExpiresAt"] > before["accessTokenExpiresAt"]


async def test_a_pasted_token_acts_as_its_person(open_page: OpenPage) -> None:
    token = (await account_of(await arrive(open_page, "Ann")))["accessToken"]
    other = GraphiQL(await open_page("/graphql"))
    await other.is_ready()
    await other.sign_in("Access token", access_token=f"Bearer {token}")
    await other.acts_as("Ann")
    await other.run("CreateTeam")
    await other.response('"url"')


async def test_a_subscription_whose_connection_breaks_goes_on_where_it_was(
    open_page: OpenPage, open_networked: OpenPage
) -> None:
    ann, _ = await somebody(open_page, "Ann")
    await ann.run("CreateTeam")
    data = json.loads(await ann.response('"url"'))["data"]
    accounts = await ann.page.evaluate("() => localStorage.getItem('tutti.accounts')")

    page = await open_networked("/")
    stored = {"tutti.accounts": accounts, "tutti.workspace": data["createWorkspace"]["workspace"]["id"]}
    await page.evaluate("stored => Object.assign(localStorage, stored)", stored)
    await page.goto("/graphql")
    same = GraphiQL(page)
    await same.is_ready()
    await same.acts_as("Ann")
    await same.run("Follow")
    await expect(page.get_by_role("status")).to_have_text("Live")
    await same.response('"caughtUp": true')

    network_of(page).cut()
    await expect(page.get_by_role("status")).to_have_text("Reconnecting…")
    await ann.run("CreateTask")
    await ann.response("eventCursor")
    network_of(page).mend()
    await expect(page.get_by_role("status")).to_have_text("Live")
    await same.response("TaskCreatedEvent", '"received": 1')


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/join#nonsense", "/graphql"])
async def test_every_page_fits_a_screen_of_360_pixels(open_page: OpenPage, path: str, scheme: str) -> None:
    page = await open_page(path, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    await expect(page.locator("h1")).to_be_visible()
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= 360


async def test_an_unknown_address_leads_back_to_the_start(open_page: OpenPage, server_url: str) -> None:
    page = await open_page("/")
    answer = await page.request.get("/nowhere", headers={"accept": "text/html"})
    assert answer.status == 404
    assert 'href="/"' in await answer.text()


async def test_the_server_takes_nothing_but_what_its_pages_ask(open_page: OpenPage) -> None:
    page = await open_page("/")
    answer = await page.request.post("/graphql", data={"query": "{ viewer { email } }"})
    assert "trusted documents only" in await answer.text()
