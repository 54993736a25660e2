"""Finding things in a real browser: search, my tasks over all workspaces, the palette, and the keys of every page."""

from playwright.async_api import Route, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.test_client import card, create, is_accessible, make_team, sign_up


def sends(route: Route, mutation: str) -> bool:
    return f"{mutation}(" in (route.request.post_data or "")


async def test_everything_is_found_by_keyboard(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    await create(page, "Tune the violin", "Sell the tuba")
    await expect(card(page, "Tune the violin")).to_contain_text("QUAR-")

    await page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search tasks")
    await expect(field).to_be_focused()
    await field.fill("viol")
    found = page.get_by_role("navigation", name="Found tasks").get_by_role("link")
    await expect(found).to_have_count(1)
    await expect(found.locator("mark")).to_have_text("viol")
    await expect(page.get_by_role("status", name="Found")).to_have_text("1 task.")
    assert "q=viol" in page.url
    await is_accessible(page, "search")
    await page.keyboard.press("ArrowDown")
    await expect(found).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Tune the violin")
    await page.keyboard.press("Escape")

    await page.keyboard.press("Control+k")
    what = page.get_by_role("combobox", name="What to find or do")
    await what.fill("tuba")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Sell the tuba")
    await is_accessible(page, "palette")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")
    await page.keyboard.press("Control+k")
    await what.fill("theme")
    await page.keyboard.press("Enter")
    assert await page.evaluate("() => document.documentElement.dataset.theme") == "dark"


async def test_my_tasks_come_from_all_workspaces_by_when_they_are_due(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "At home")
    await card(page, "At home").focus()
    await page.keyboard.press("i")
    await page.keyboard.press("d")
    await page.get_by_role("menuitemradio", name="Today").click()
    await expect(page.get_by_role("status", name="Connection")).to_have_text("Live")
    await make_team(page)
    await create(page, "At work")
    await expect(card(page, "At work")).to_contain_text("QUAR-")
    # What was changed just before a workspace is left is sent all the same.
    is_cut = True
    await page.route(
        "**/graphql", lambda route: route.abort() if is_cut and sends(route, "updateTask") else route.continue_()
    )
    await card(page, "At work").focus()
    async with page.expect_event("requestfailed"):
        await page.keyboard.press("i")

    await page.keyboard.press("g")
    await page.keyboard.press("t")
    await expect(page.get_by_role("main", name="My tasks")).to_be_visible()
    await expect(page.get_by_role("region", name="Today").get_by_role("link")).to_contain_text("At home")
    await expect(page.get_by_role("region", name="Without a day")).to_have_count(0)
    is_cut = False
    await expect(page.get_by_role("region", name="Without a day").get_by_role("link")).to_contain_text("At work")
    await is_accessible(page, "my tasks")

    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await is_accessible(page, "keys")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("At home")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await expect(page.get_by_role("searchbox", name="Search tasks")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.get_by_role("main").click(position={"x": 5, "y": 300})
    await page.keyboard.press("c")
    await expect(page.get_by_role("dialog", name="New task")).to_be_visible()
