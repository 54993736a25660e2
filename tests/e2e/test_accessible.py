"""Every page, dialog and menu of the web client in a real Chromium: axe is content in light and dark, 360 px fit."""

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.test_client import (
    card,
    create,
    is_accessible,
    make_team,
    make_team_by_hand,
    open_task,
    sign_up,
    sign_up_by_hand,
    two_on_a_board,
)

FITS = "() => [...document.querySelectorAll('html, main > div')].every(part => part.scrollWidth <= 360)"
PANEL_FITS = "() => [document.querySelector('aside')].every(panel => panel.scrollWidth === panel.clientWidth)"
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)

COLOURS = ("color-contrast", "link-in-text-block")
"""What axe asks of colours, which is all that differs between the themes."""

OUTSIDE = {
    "/": "Tasks that people change together, live.",
    "/join#no-such-invite": "This invite no longer works",
    "/reset": "Forgot your password?",
    "/verify#no-such-token": "Confirm your address",
}
WORK = {
    "/w/{slug}/board": "To do",
    "/w/{slug}/list": "To do",
    "/w/{slug}/search?q=tuba": None,
    "/w/{slug}/board/NOT-1": "This task is not here.",
    "/w/{slug}/nothing": "There is no such page.",
    "/w/nowhere-at-all/board": "There is no such workspace for you.",
    "/tasks": "Nothing is assigned to you.",
}
DIALOGS = {
    "/w/{slug}/settings/general": ("Delete workspace…",),
    "/w/{slug}/settings/projects": ("New project", "Edit Brass", "Delete Brass"),
    "/w/{slug}/settings/statuses": ("New status", "Edit Done", "Delete Done"),
    "/w/{slug}/settings/labels": ("New label",),
    "/w/{slug}/settings/tokens": ("New token",),
    "/w/{slug}/settings/webhooks": ("New webhook",),
    "/account/security": ("Delete account…",),
}
"""Pages -> the buttons that open a dialog there."""
SETTINGS = {
    "/w/{slug}/members": "Open invites",
    "/w/{slug}/settings/general": "Delete this workspace",
    "/w/{slug}/settings/projects": "Projects",
    "/w/{slug}/settings/statuses": "Statuses",
    "/w/{slug}/settings/labels": "Labels",
    "/w/{slug}/settings/tokens": "API tokens",
    "/w/{slug}/settings/webhooks": "Webhooks",
    "/w/{slug}/settings/audit": "Audit log",
}
OWN = {
    "/inbox": "Today",
    "/inbox?show=mentions": "Nothing here.",
    "/account/profile": "Theme",
    "/account/security": "Email address",
    "/account/devices": "Devices",
    "/account/notifications": "What you hear of",
}


async def is_for_everybody(page: Page, what: str) -> None:
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
    await is_accessible(page, f"{what}, light")
    await page.emulate_media(color_scheme="dark")
    await is_accessible(page, f"{what}, dark", COLOURS)


async def visit(page: Page, places: dict[str, str | None], slug: str = "") -> None:
    """Go to each of them, where its heading has to be."""
    for path, heading in places.items():
        await page.set_viewport_size(DESK)
        await page.goto("about:blank")  # an address that differs behind # only would load nothing
        await page.goto(path.format(slug=slug))
        if heading:
            await expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        await is_for_everybody(page, path)
        await page.set_viewport_size(PHONE)
        await page.wait_for_function(FITS)
        await is_accessible(page, f"{path}, narrow")


def slug_of(page: Page) -> str:
    return page.url.split("/w/")[1].split("/")[0]


async def test_pages_for_those_without_an_account(open_page: OpenPage) -> None:
    page = await open_page("/")
    await visit(page, dict(OUTSIDE))


async def test_pages_of_work(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann Bell")
    await make_team(page)
    await create(page, "Tune the violin", "Sell the tuba")
    await visit(page, dict(WORK), slug_of(page))


async def test_pages_of_settings(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Bo Ek")
    await make_team(page)
    await visit(page, dict(SETTINGS), slug_of(page))
    await page.goto(f"/w/{slug_of(page)}/settings/general")  # on a phone, where the tabs are too many for a line
    audit = page.get_by_role("link", name="Audit log")
    await expect(audit).to_be_in_viewport(ratio=0.9)
    before = await audit.bounding_box()
    await audit.click()
    await expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    assert await audit.bounding_box() == before


async def test_dialogs_of_settings_on_a_phone(open_page: OpenPage) -> None:
    page = await sign_up_by_hand(open_page, "Bo Ek", viewport=PHONE)
    await make_team_by_hand(page)
    slug = slug_of(page)
    await page.goto(f"/w/{slug}/settings/projects")
    await page.get_by_role("button", name="New project").click()
    await page.get_by_label("Name").fill("Brass")
    await page.get_by_role("button", name="Create project").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    for path, buttons in DIALOGS.items():
        await page.goto(path.format(slug=slug))
        for button in buttons:
            await page.get_by_role("button", name=button).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            await is_for_everybody(page, f"{path}, {button}")
            await page.wait_for_function("() => document.querySelector('dialog').scrollWidth <= 360")
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_pages_of_ones_own(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba")
    await card(bob, "Sell the tuba").focus()
    await bob.keyboard.press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()
    await expect(ann.get_by_role("link", name="Inbox 1 unread")).to_be_visible()
    await visit(ann, dict(OWN))
    await ann.goto("/tasks")
    await expect(ann.get_by_role("link", name="Sell the tuba")).to_be_visible()
    await is_for_everybody(ann, "my tasks")


@pytest.mark.parametrize("width", [360, 1280])
async def test_dialogs_menus_and_the_task_by_keyboard_alone(open_page: OpenPage, width: int) -> None:
    page = await sign_up(open_page, "Cy Young", viewport={"width": width, "height": 740})
    keys = page.keyboard
    await expect(page.get_by_role("button", name="New task", exact=True)).to_be_visible()
    pages = await page.get_by_role("navigation", name="Pages").bounding_box()
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="To the page")).to_be_focused()
    await expect(page.get_by_role("link", name="To the page")).to_be_in_viewport(ratio=1)
    assert await page.get_by_role("navigation", name="Pages").bounding_box() == pages
    await is_for_everybody(page, "the link over the navigation")
    await keys.press("c")
    await expect(page.get_by_role("button", name="Labels: None")).to_be_visible()
    await keys.type("Tune the violin")
    await keys.press("Enter")
    await is_for_everybody(page, "new task")
    await keys.press("Escape")
    task = card(page, "Tune the violin")
    await expect(task).to_contain_text("-1")
    bar = await page.get_by_role("group", name="Filters").bounding_box()
    field = await page.get_by_role("searchbox", name="Filter by text").bounding_box()
    assert bar is not None
    assert field is not None
    assert bar["height"] > field["height"]
    await keys.press("j")
    await expect(task).to_be_focused()
    await keys.press("s")
    await expect(page.get_by_role("menuitemradio", name="To do")).to_be_visible()
    await is_for_everybody(page, "menu of statuses")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await keys.press("Escape")
    await expect(task).to_be_focused()
    await keys.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_be_visible()
    text = "A comment that says so much that no panel is wide enough for it in one line, which is long. " * 2
    await page.get_by_role("textbox", name="Write a comment").fill(text)
    await keys.press("Control+Enter")
    await page.get_by_role("button", name="Resolve").click()
    await expect(page.get_by_text("Resolved: A comment")).to_be_visible()
    await expect(page.get_by_role("button", name="Show 1")).to_be_focused()
    await page.wait_for_function(PANEL_FITS)
    await is_for_everybody(page, "task")
    await keys.press("Escape")
    await expect(task).to_be_focused()
    await keys.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await is_for_everybody(page, "keys")
    await keys.press("Escape")
    await keys.press("Control+k")
    await expect(page.get_by_role("combobox")).to_be_focused()
    await is_for_everybody(page, "palette")
    await keys.type("settings")
    await keys.press("Enter")
    await expect(page.get_by_role("main", name="Settings")).to_be_visible()


async def test_what_closes_or_is_done_leaves_the_focus_where_one_goes_on(open_page: OpenPage) -> None:
    page, _ = await two_on_a_board(open_page)
    keys = page.keyboard
    await create(page, "Sell the tuba")
    switcher = page.get_by_role("button", name="Workspace:")
    await switcher.press("Enter")
    await page.get_by_role("menuitem", name="New workspace").press("Enter")
    await expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    await keys.press("Escape")
    await expect(switcher).to_be_focused()

    await open_task(page, "Sell the tuba")
    edit = page.get_by_role("button", name="Edit description")
    description = page.get_by_role("textbox", name="Description")
    for end in ("Escape", "Control+Enter"):
        await edit.press("Enter")
        await expect(description).to_be_focused()
        await keys.press(end)
        await expect(edit).to_be_focused()
    await edit.press("Enter")
    await page.get_by_role("button", name="Cancel", exact=True).press("Enter")
    await expect(edit).to_be_focused()
    await page.get_by_role("button", name="Labels:").press("Enter")
    await page.get_by_role("menuitem", name="New label…").press("Enter")
    await expect(page.get_by_role("button", name="New label", exact=True)).to_be_disabled()

    await page.get_by_role("link", name="Members").click()
    await page.get_by_role("button", name="Make an invite link").press("Enter")
    await expect(page.get_by_role("textbox", name="The link. It is shown only now.")).to_be_focused()


async def test_what_is_deleted_or_undone_leaves_the_focus_beside_it(open_page: OpenPage) -> None:
    ann, _ = await two_on_a_board(open_page)
    await create(ann, "Sell the tuba", "Buy a tuba")
    await open_task(ann, "Sell the tuba")
    field = ann.get_by_role("textbox", name="Write a comment")
    for text in ("One", "Two"):
        await field.fill(text)
        await field.press("Control+Enter")
    said = ann.get_by_role("article", name="Comment by Ann")
    await expect(said.get_by_role("button", name="More for this comment")).to_have_count(2)
    for left in (1, 0):
        await said.first.get_by_role("button", name="More for this comment").press("Enter")
        await ann.get_by_role("menuitem", name="Delete").press("Enter")
        await expect(said).to_have_count(left)
        await expect(said.first.get_by_role("button").first if left else field).to_be_focused()
    undo = ann.get_by_role("status", name="Messages").get_by_role("button", name="Undo")
    await undo.last.press("Enter")
    await expect(said).to_have_count(1)
    await expect(field).to_be_focused()

    await ann.get_by_role("link", name="Settings").click()
    await ann.get_by_role("navigation", name="Settings").get_by_role("link", name="Projects").click()
    for name in ("Brass", "Strings"):
        await ann.get_by_role("button", name="New project").click()
        await ann.get_by_role("textbox", name="Name").fill(name)
        await ann.keyboard.press("Enter")
        await expect(ann.get_by_role("dialog")).to_have_count(0)
    await ann.get_by_role("button", name="Delete Brass").press("Enter")
    await ann.get_by_role("button", name="Delete project").press("Enter")
    await expect(ann.get_by_role("button", name="Delete Brass")).to_have_count(0)
    await expect(ann.get_by_role("dialog")).to_have_count(0)
    await expect(ann.locator("#page :focus")).to_have_count(1)
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_role("button", name="More for Bob").press("Enter")
    await ann.get_by_role("menuitem", name="Remove from workspace…").press("Enter")
    await ann.get_by_role("button", name="Remove Bob").press("Enter")
    await expect(ann.get_by_role("button", name="More for Bob")).to_have_count(0)
    await expect(ann.get_by_role("dialog")).to_have_count(0)
    await expect(ann.locator("#page :focus")).to_have_count(1)


async def test_who_comes_in_goes_on_at_the_heading_of_the_page(open_page: OpenPage) -> None:
    page = await sign_up_by_hand(open_page, "Ann")
    await expect(page.get_by_role("heading", name="Board", level=1)).to_be_focused()
