"""API tokens and webhooks in the settings: made there, used by programs, and ended there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from db.session import Database
from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CREATE, WEBHOOK
from tests.e2e.network import network_of
from tests.e2e.test_accessible import DESK, FITS, PHONE, is_for_everybody, slug_of
from tests.e2e.test_client import ASK, arrive, found_team, make_team, sign_up, to_board, two_on_a_board
from tests.e2e.test_details import SMALL
from tests.jobs.receiver import OK, Received, answer, receiving
from tests.jobs.worker import QUICK, working
from tests.stack_fixture import TestStack

PATIENCE_SECONDS = 30


@pytest.fixture
async def worker(stack: TestStack) -> AsyncIterator[None]:
    """Webhooks are told what happens while the test runs; what fails waits for an hour."""
    database = Database(stack.database_url, pool_size=4)
    async with working(database, stack.redis_url, replace(QUICK, backoff=(), probe_every=timedelta(hours=1))):
        yield
    await database.close()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def rows(page: Page, label: str) -> Locator:
    return page.get_by_role("list", name=label, exact=True).locator("> li")


async def to_section(page: Page, section: str) -> None:
    await page.goto(f"/w/{slug_of(page)}/settings/{section}")


async def workspace_of(page: Page) -> str:
    return str(await page.evaluate("() => localStorage.getItem('tutti.workspace')"))


async def add_task(page: Page, title: str) -> None:
    await page.evaluate(ASK, [CREATE, [{"workspaceId": await workspace_of(page), "title": title}]])


async def made_by(token: str, server_url: str, query: str, **given: object) -> dict[str, Any]:
    """What the API answers a program that makes something."""
    asked = {"query": query, "variables": {"input": given}}
    async with httpx.AsyncClient(base_url=server_url, headers={"authorization": f"Bearer {token}"}) as http:
        return dict((await http.post("/graphql", json=asked)).json())


async def new_token(page: Page, name: str, *rights: str) -> str:
    """Make a token on its page. -> the token, from the dialog that shows it"""
    await page.get_by_role("button", name="New token").click()
    await dialog(page).get_by_label("Name").fill(name)
    for right in rights:
        await dialog(page).get_by_role("checkbox", name=right).check()
    await dialog(page).get_by_role("button", name="Make the token").click()
    return await dialog(page).get_by_role("textbox", name="The token").input_value()


async def new_webhook(page: Page, url: str) -> str:
    """Make a webhook on its page. -> its secret, from the dialog that shows it"""
    await page.get_by_role("button", name="New webhook").click()
    await dialog(page).get_by_label("Address").fill(url)
    await dialog(page).get_by_role("button", name="Create webhook").click()
    return await kept_secret(page)


async def kept_secret(page: Page) -> str:
    secret = await dialog(page).get_by_role("textbox", name="The secret").input_value()
    await dialog(page).get_by_role("button", name="Done").click()
    await expect(dialog(page)).to_have_count(0)
    return secret


async def choose(page: Page, action: str) -> None:
    await page.get_by_role("button", name="More for http").click()
    await page.get_by_role("menuitem", name=action).click()


async def test_a_token_is_shown_once_works_as_it_says_and_is_refused_when_revoked(
    open_page: OpenPage, server_url: str
) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await to_section(page, "tokens")
    await expect(page.get_by_text("No program has a token here.")).to_be_visible()
    token = await new_token(page, "Release robot", "Change tasks")
    field = dialog(page).get_by_role("textbox", name="The token")
    await expect(field).to_be_focused()
    await expect(dialog(page)).to_contain_text("It is shown only now.")
    await dialog(page).get_by_role("button", name="Copy").click()
    await expect(dialog(page).get_by_role("status", name="Messages")).to_contain_text("copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == token
    box = await dialog(page).get_by_text("When this is closed").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 20, box["y"] + 10)  # whoever selects text may let go outside of the dialog
    await page.mouse.down()
    await page.mouse.move(2, 2, steps=4)
    await page.mouse.up()
    await dialog(page).get_by_role("button", name="Done").click()
    await expect(dialog(page)).to_have_count(0)
    assert token not in await page.content()
    row = rows(page, "API tokens")
    await expect(row).to_contain_text(token[:12])
    await expect(row).to_contain_text("See tasks, Change tasks")
    await expect(row).to_contain_text("never used")
    assert "Delete" not in await row.inner_text()

    workspace_id = await workspace_of(page)
    made = await made_by(token, server_url, CREATE, workspaceId=workspace_id, title="By the robot")
    assert made["data"]["createTask"]["task"]
    await expect(row).to_contain_text("last used")  # nobody had to load the page anew
    await page.get_by_role("button", name="Rename Release robot").click()
    await dialog(page).get_by_label("Name").fill("Robot")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text("Robot tutti_")

    await page.get_by_role("button", name="Revoke Robot").click()
    await dialog(page).get_by_role("button", name="Revoke token").click()
    await expect(rows(page, "Tokens that are no longer valid")).to_contain_text("Revoked")
    await expect(page.get_by_text("No program has a token here.")).to_be_visible()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "errors" not in (refused := await made_by(token, server_url, CREATE, workspaceId=workspace_id, title="")):
            pass
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await to_section(page, "audit")
    await expect(rows(page, "Audit log").first).to_contain_text("Ann revoked the API token “Robot”")


async def test_what_is_refused_of_a_token_stands_at_its_field(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    await to_section(page, "tokens")
    await page.get_by_role("button", name="New token").click()
    await expect(dialog(page).get_by_label("Name")).to_be_focused()
    await page.keyboard.type(" ")
    await page.keyboard.press("Enter")
    await expect(dialog(page).get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="New token")).to_be_focused()


async def test_what_somebody_else_does_with_tokens_shows_by_itself_and_only_to_whom_it_concerns(
    open_page: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_page)
    await to_section(bob, "tokens")
    await expect(bob.get_by_role("heading", name="There is no such section for you.")).to_be_visible()
    for section in ("API tokens", "Webhooks"):
        await expect(bob.get_by_role("link", name=section)).to_have_count(0)
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("Role of Bob").select_option(label="Admin")
    await expect(bob.get_by_text("No program has a token here.")).to_be_visible()
    await to_section(ann, "tokens")
    await new_token(ann, "Robot")
    await expect(rows(bob, "API tokens")).to_contain_text("by Ann")
    await bob.get_by_role("button", name="Revoke Robot").click()
    await dialog(bob).get_by_role("button", name="Revoke token").click()
    await ann.keyboard.press("Escape")
    await expect(rows(ann, "Tokens that are no longer valid")).to_contain_text("Revoked")


async def test_without_a_connection_the_lists_stay_and_say_so(open_networked: OpenPage) -> None:
    page = await arrive(open_networked, "Ann")
    path, _ = await found_team(page)
    await to_board(page, path)
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("link", name="API tokens").click()
    await new_token(page, "Robot")
    await page.keyboard.press("Escape")
    await expect(rows(page, "API tokens")).to_have_count(1)
    network_of(page).cut()
    await expect(page.get_by_text("What is shown may have changed since.")).to_be_visible()
    await expect(rows(page, "API tokens")).to_have_count(1)
    await page.get_by_role("button", name="Revoke Robot").click()
    await dialog(page).get_by_role("button", name="Revoke token").click()
    await expect(dialog(page).get_by_role("alert")).to_contain_text("Nothing was changed.")
    await page.keyboard.press("Escape")
    await page.get_by_role("link", name="Webhooks").click()
    await expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")
    network_of(page).mend()
    await expect(page.get_by_text("No address is told of anything.")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_webhook_is_made_and_its_messages_are_listed(open_page: OpenPage, worker: None) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    async with receiving() as receiver:
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await page.keyboard.type("webhooks")
        await expect(page.get_by_role("option", name="Go to the webhooks")).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No address is told of anything.")).to_be_visible()
        await page.get_by_role("button", name="New webhook").click()
        for kind in ("Tasks", "Comments"):
            await dialog(page).get_by_role("checkbox", name=kind).uncheck()
        await dialog(page).get_by_label("Address").fill("http://10.1.2.3/hook")
        await page.keyboard.press("Enter")
        await expect(dialog(page).get_by_label("Address")).to_have_accessible_description(
            "This address is not in the public internet."
        )
        kinds = dialog(page).get_by_role("group", name="What it is told of")
        await expect(kinds).to_contain_text("Name at least one kind of event.")
        await page.keyboard.press("Escape")

        secret = await new_webhook(page, receiver.url)
        row = rows(page, "Webhooks")
        await expect(row).to_contain_text("Tasks, comments")
        await expect(row).to_contain_text("Active")
        await expect(row).to_contain_text("Nothing was sent yet.")
        await add_task(page, "Tune the violin")
        await receiver.until(lambda: len(receiver.taken) == 1)
        assert receiver.taken[0].verified(secret)["data"]["task"]["title"] == "Tune the violin"
        await expect(row).to_contain_text("Last message: delivered, 200")
        await page.get_by_role("button", name="Messages to").click()
        messages = rows(page, f"Messages to {receiver.url}")
        await expect(messages).to_have_count(1)
        await expect(messages).to_contain_text("Delivered, 200")
        await choose(page, "Send a test")
        await expect(messages).to_have_count(2)
        await expect(messages.first).to_contain_text("A test, delivered, 200")

        await choose(page, "New secret…")
        await dialog(page).get_by_role("button", name="Make a new secret").click()
        fresh = await kept_secret(page)
        assert fresh != secret
        await page.get_by_role("button", name="Pause http").click()
        await expect(row).to_contain_text("Somebody paused it.")
        await add_task(page, "Sell the tuba")
        await choose(page, "Edit…")
        await dialog(page).get_by_role("checkbox", name="Comments").uncheck()
        await dialog(page).get_by_role("checkbox", name="Labels").check()
        await dialog(page).get_by_role("button", name="Save webhook").click()
        await expect(row).to_contain_text("Tasks, labels")
        assert "Sell the tuba" not in [one.title for one in receiver.taken if one.type == "task.created"]
        await page.get_by_role("button", name="Resume http").click()
        await receiver.until(lambda: receiver.taken[-1].type == "task.created" and len(receiver.taken) == 3)
        assert receiver.taken[-1].verified(fresh)["data"]["task"]["title"] == "Sell the tuba"

        await messages.nth(0).get_by_role("button", name="Send again…").click()
        await dialog(page).get_by_role("button", name="Send again").click()
        await receiver.until(lambda: len(receiver.taken) == 4)
        assert receiver.taken[3].id == receiver.taken[2].id
        await expect(messages.nth(0)).to_contain_text("2 attempts")
        await page.get_by_role("button", name="Pause http").click()
        await expect(row).to_contain_text("Somebody paused it.")
        await messages.last.get_by_role("button", name="Send again…").click()  # with all that came after it
        await dialog(page).get_by_role("button", name="Send again").click()
        await expect(dialog(page)).to_have_count(0)
        said = page.get_by_role("status", name="Messages", exact=True)
        await expect(said).to_contain_text("They are sent when the webhook is resumed")
        await page.get_by_role("button", name="Resume http").click()
        await receiver.until(lambda: len(receiver.taken) == 6)
        assert [one.id for one in receiver.taken[4:]] == [receiver.taken[0].id, receiver.taken[2].id]

        await choose(page, "Delete…")
        await dialog(page).get_by_role("button", name="Delete webhook").click()
        await expect(page.get_by_text("No address is told of anything.")).to_be_visible()
        await to_section(page, "audit")
        await expect(rows(page, "Audit log").first).to_contain_text(f"Ann deleted the webhook to {receiver.url}")


async def test_a_webhook_that_fails_says_why_and_goes_on_when_it_is_mended(open_page: OpenPage, worker: None) -> None:
    page = await sign_up(open_page, "Ann", viewport=DESK, has_touch=True, is_mobile=True)
    await make_team(page)
    given = answer(500, "The disk is full.")

    def behave(received: Received) -> bytes:
        return given

    async with receiving(behave) as receiver:
        await to_section(page, "webhooks")
        await new_webhook(page, receiver.url)
        await add_task(page, "Tune the violin")
        row = rows(page, "Webhooks")
        await expect(row).to_contain_text("Failing")
        await expect(row).to_contain_text("Its address has taken nothing for a day.")
        await expect(row).to_contain_text("not taken, 500")
        await page.get_by_role("button", name="Messages to").click()
        message = rows(page, f"Messages to {receiver.url}")
        await expect(message).to_contain_text("It answered 500.")
        await message.get_by_text("What was answered").click()
        await expect(message.get_by_text("The disk is full.")).to_be_visible()
        for size in (DESK, PHONE):
            await page.set_viewport_size(size)
            await is_for_everybody(page, f"a failing webhook at {size['width']}")
        await page.wait_for_function(FITS)
        assert await page.evaluate(SMALL) == ""
        given = OK
        await message.get_by_role("button", name="Try now").click()
        await expect(row).to_contain_text("Active")
        await expect(message).to_contain_text("Delivered, 200")
        await expect(message.get_by_role("button", name="Try now")).to_have_count(0)


async def test_a_webhook_of_a_revoked_token_says_so_and_goes_on_for_whoever_resumes_it(
    open_page: OpenPage, server_url: str
) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    await to_section(page, "tokens")
    token = await new_token(page, "Robot", "Manage webhooks")
    await page.keyboard.press("Escape")
    given = {"workspaceId": await workspace_of(page), "url": "https://example.com/hook", "kinds": ["TASK"]}
    assert (await made_by(token, server_url, WEBHOOK, **given))["data"]["createWebhook"] == {"userErrors": []}
    await page.get_by_role("button", name="Revoke Robot").click()
    await dialog(page).get_by_role("button", name="Revoke token").click()
    await page.get_by_role("link", name="Webhooks").click()
    row = rows(page, "Webhooks")
    await expect(row).to_contain_text("The API token that made it, or led it here, is no longer valid.")
    await page.get_by_role("button", name="Resume http").click()
    await expect(row).to_contain_text("Active")


async def test_tokens_of_a_page_fit_everybody(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann", viewport=DESK, has_touch=True, is_mobile=True)
    await make_team(page)
    await to_section(page, "tokens")
    await page.get_by_role("button", name="New token").click()
    await expect(dialog(page)).to_be_visible()
    assert await page.evaluate(SMALL) == ""
    await page.keyboard.press("Escape")
    await new_token(page, "A robot with a name that is much too long for a line on a phone", "Change tasks", "Comment")
    for size in (DESK, PHONE):
        await page.set_viewport_size(size)
        await is_for_everybody(page, f"a secret at {size['width']}")
    await page.wait_for_function("() => document.querySelector('dialog').scrollWidth <= 360")
    await page.keyboard.press("Escape")
    await new_token(page, "Another")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Revoke Another").click()
    await dialog(page).get_by_role("button", name="Revoke token").click()
    await expect(page.get_by_role("heading", name="No longer valid")).to_be_visible()
    for size in (DESK, PHONE):
        await page.set_viewport_size(size)
        await is_for_everybody(page, f"tokens at {size['width']}")
    await page.wait_for_function(FITS)
