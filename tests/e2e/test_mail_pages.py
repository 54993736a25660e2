"""The pages that links in mails lead to, followed as their readers do."""

from __future__ import annotations

import asyncio
import re
import uuid

import pytest
from playwright.async_api import Browser, Route, expect

from domain.unsubscribing import unsubscribe_token
from server.tokens import mail_keys
from tests.e2e.conftest import MAILBOX, OpenPage
from tests.e2e.documents import SIGN_UP
from tests.e2e.test_client import is_accessible
from tests.processes import SECRET

PASSWORD = "a password for trying"
ASK = """async ([query, person]) => {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ query, variables: { input: person } });
  return (await fetch("/graphql", { method: "POST", headers, body })).json();
}"""

LOOK = """() => {
  const page = getComputedStyle(document.body), title = getComputedStyle(document.querySelector("h1"));
  return [page.backgroundColor, page.color, page.font, title.fontSize];
}"""


async def signed_up(open_page: OpenPage) -> str:
    """The address of somebody new."""
    page, email = await open_page("/reset"), f"{uuid.uuid4().hex}@example.com"
    answer = await page.evaluate(ASK, [SIGN_UP, {"email": email, "name": "Ann", "password": PASSWORD}])
    assert answer["data"]["signUp"]["accessToken"]
    return email


async def test_a_forgotten_password_is_set_anew_by_the_link_that_comes_by_mail(open_page: OpenPage) -> None:
    email = await signed_up(open_page)
    page = await open_page("/reset")
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_role("heading")).to_have_text("Look into your mailbox")
    await expect(page.get_by_role("heading")).to_be_focused()

    (token,) = await MAILBOX.links(email, "reset")
    page = await open_page(f"/reset#{token}")
    await expect(page.get_by_label("New password")).to_have_accessible_description("At least 10 characters.")
    slow = await open_page(f"/reset#{token}")
    await slow.get_by_label("New password").fill("too late a password")
    await page.get_by_label("New password").fill("another password")
    await page.get_by_role("button", name="Set password and sign in").click()
    await expect(page.get_by_role("heading")).to_have_text("Your password is set")
    await expect(page).to_have_url(re.compile("^[^#]*$"))
    stored = await page.evaluate("() => JSON.parse(localStorage.getItem('tutti.accounts'))[0].email")
    assert stored == email

    await slow.get_by_role("button", name="Set password and sign in").click()
    again = await open_page(f"/reset#{token}")
    for spent in (slow, again):
        await expect(spent.get_by_role("heading")).to_have_text("This link does not work")
        await expect(spent.locator("#place")).to_contain_text("used already")
        await expect(spent).to_have_url(re.compile("^[^#]*$"))
        await expect(spent.get_by_label("New password")).to_have_count(0)
    await again.get_by_role("link", name="Ask for a new one").click()
    await expect(again.get_by_role("heading")).to_have_text("Forgot your password?")


async def test_a_link_is_looked_at_without_telling_its_token_and_opens_where_that_fails(open_page: OpenPage) -> None:
    page = await open_page("/reset")
    asked: list[tuple[str, str]] = []

    async def cut(route: Route) -> None:
        asked.append((route.request.method, route.request.url))
        await route.abort()

    await page.route("**/graphql*", cut)
    await page.goto("/verify")
    await page.goto("/reset#not-a-token")
    await expect(page.get_by_label("New password")).to_be_visible()
    assert [method for method, _ in asked] == ["POST"]
    assert not any("not-a-token" in url for _, url in asked)
    await page.unroute_all()
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/graphql*", hold)
    await page.evaluate("() => (location.hash = 'another')")
    await expect(page.get_by_role("heading")).to_have_text("One moment…")
    await expect(page.get_by_label("New password")).to_have_count(0)
    may_come.set()
    await expect(page.get_by_role("heading")).to_have_text("This link does not work")
    await expect(page.get_by_role("heading")).to_be_focused()
    await is_accessible(page, "a link that does not work")


async def test_an_address_is_confirmed_by_a_click(open_page: OpenPage) -> None:
    email = await signed_up(open_page)
    (token,) = await MAILBOX.links(email, "verify")
    page = await open_page(f"/verify#{token}")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("heading")).to_have_text("Your address is confirmed")
    again = await open_page(f"/verify#{token}")
    await again.get_by_role("button", name="Confirm").click()
    await expect(again.get_by_role("heading")).to_have_text("The address was not confirmed")
    await expect(again.get_by_role("heading")).to_be_focused()


async def test_mail_ends_by_a_click_and_not_by_looking(open_page: OpenPage) -> None:
    said = f"{uuid.uuid4().hex}.{uuid.uuid4().hex}.ALL"
    key = mail_keys((SECRET,))[0]
    token = unsubscribe_token(key, *(uuid.UUID(one) for one in said.split(".")[:2]), "ALL")
    for link in (f"/unsubscribe#{token}", f"/unsubscribe?token={token}"):
        page = await open_page(link)
        await expect(page.get_by_role("heading")).to_have_text("No more of these emails?")
        await page.get_by_role("button", name="Send me no more").click()
        await expect(page.get_by_role("heading")).to_have_text("Done")


async def test_the_plain_pages_look_as_the_client_does_in_the_theme_that_was_chosen(
    browser: Browser, server_url: str
) -> None:
    context = await browser.new_context(base_url=server_url)  # its console complains of the page that is not there
    page = await context.new_page()
    await page.goto("/sign-in")
    await page.evaluate("() => localStorage.setItem('tutti.theme', 'dark')")
    looks = []
    for path in ("/sign-in", "/reset", "/verify#x", "/join", "/nowhere-at-all"):
        await page.goto(path)
        await expect(page.locator("h1")).to_be_visible()
        looks.append(await page.evaluate(LOOK))
    assert looks == looks[:1] * len(looks)
    await context.close()


@pytest.mark.parametrize("path", ["/reset", "/reset#x", "/verify", "/verify#x", "/unsubscribe#x"])
async def test_it_fits_a_screen_of_360_pixels(open_page: OpenPage, path: str) -> None:
    page = await open_page(path, viewport={"width": 360, "height": 740})
    await expect(page.locator("h1")).to_be_visible()
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= 360
