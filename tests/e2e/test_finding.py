"""Finding things in a real browser: search, my tasks over all workspaces, the palette, and the keys of every page."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
from playwright.async_api import Route, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.test_accessible import DESK, PHONE
from tests.e2e.test_client import (
    card,
    create,
    has_stored,
    is_accessible,
    is_live,
    make_team,
    sign_up,
    two_on_a_board,
)
from tests.stack_fixture import TestStack

FORGET = """async () => {
    for (const { name } of await indexedDB.databases())
        await new Promise(done => (indexedDB.deleteDatabase(name).onsuccess = done));
}"""
"""Lets this browser forget the copies of workspaces, as if it was never here."""
IS_SEEN = """([text, width]) => innerWidth === width && [...document.querySelectorAll("[data-task] span")]
    .some(part => part.textContent === text && part.getBoundingClientRect().width > 20)"""
"""Whether some card or row says so at that width, and not to screen readers alone."""
ADD_PEOPLE = (
    """INSERT INTO users (id, version, created_at, updated_at, email, name, handle, time_zone, password_hash)
    SELECT gen_random_uuid(), 1, now(), now(), gen_random_uuid() || '@example.com', 'Person ' || lpad(nr::text, 3, '0'),
    $1::text || lpad(nr::text, 3, '0'), 'UTC', '!' FROM generate_series(1, $2::int) AS nr""",
    """INSERT INTO memberships (id, created_at, updated_at, workspace_id, user_id, role)
    SELECT gen_random_uuid(), now(), now(), $1::uuid, id, 'MEMBER' FROM users WHERE starts_with(handle, $2::text)""",
)
"""People who never signed up: to hash a password for each would take longer than the test."""

OTHER_WORDS = {
    "sign out": "Sign out…",
    "log out": "Sign out…",
    "invite": "Invite people",
    "people": "Go to the members",
    "shortcuts": "Show the keys",
    "password": "Change my password",
    "profile": "Go to my account",
}
"""What one may type, and what is meant by it."""


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
    await field.fill("zzzz")
    await expect(page.get_by_role("status", name="Found")).to_contain_text("No task was found for “zzzz”.")
    await field.fill("viol")
    found = page.get_by_role("navigation", name="Found tasks").get_by_role("link")
    await expect(found).to_have_count(1)
    await expect(found.locator("mark")).to_have_text("viol")
    await expect(page.get_by_role("status", name="Found")).to_have_text("1 task.")
    await expect(page.get_by_role("heading", name="Search", level=2)).to_be_visible()
    await expect(page).to_have_url(re.compile("q=viol"))
    await is_accessible(page, "search")
    await page.keyboard.press("ArrowDown")
    await expect(found).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Tune the violin")
    await page.keyboard.press("Escape")

    await page.keyboard.press("Control+k")
    what = page.get_by_role("combobox", name="What to find or do")
    before = await what.bounding_box()
    await what.fill("tuba")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Sell the tuba")
    assert await what.bounding_box() == before
    await is_accessible(page, "palette")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")
    await page.keyboard.press("Control+k")
    for words, meant in OTHER_WORDS.items():
        await what.fill(words)
        await expect(page.get_by_role("option", selected=True)).to_contain_text(meant)
    await what.fill("theme")
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_search_shows_the_passage_and_leads_to_the_comment_that_has_the_words(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba")
    await card(bob, "Sell the tuba").click()
    write = bob.get_by_role("textbox", name="Write a comment")
    for text in ("The **museum** asked for @", *[f"Line {number}" for number in range(30)]):
        await write.press_sequentially(text) if "@" in text else await write.fill(text)
        if "@" in text:
            await bob.get_by_role("option", name="Ann").click()
        await bob.keyboard.press("Control+Enter")
    await expect(bob.get_by_text("Line 29")).to_be_visible()
    await bob.get_by_role("button", name="Edit description").click()
    await bob.get_by_role("textbox", name="Description").fill("It is *brass*, and old.")
    await bob.get_by_role("button", name="Save description").click()
    await expect(bob.get_by_role("region", name="Description").locator("em")).to_have_text("brass")
    await has_stored(bob, 0)

    await ann.keyboard.press("/")
    field = ann.get_by_role("searchbox", name="Search tasks")
    found = ann.get_by_role("navigation", name="Found tasks").get_by_role("link")
    await field.fill("bras")
    await expect(found).to_contain_text("It is brass, and old.")
    await expect(found.locator("mark")).to_have_text(["bras"])
    await field.fill("tuba")
    await expect(found.locator("mark")).to_have_text(["tuba"])
    await expect(found).not_to_contain_text("In a comment")
    await field.fill('"the tuba"')
    await expect(found.locator("mark")).to_have_text(["the", "tuba"])
    await field.fill("museum")
    await expect(found).to_contain_text("In a comment by Bob: The museum asked for @Ann")
    await expect(found.locator("mark")).to_have_text(["museum"])
    await is_accessible(ann, "a passage of a comment")
    await found.press("Enter")
    said = ann.get_by_role("article", name="Comment by Bob").filter(has_text="museum")
    await expect(said).to_be_in_viewport()
    await expect(said).to_have_attribute("aria-current", "true")


async def test_the_palette_does_what_keys_do_to_the_task_at_hand_and_only_keys_that_work_are_listed(
    open_page: OpenPage,
) -> None:
    page = await sign_up(open_page, "Ann")
    what = page.get_by_role("combobox", name="What to find or do")
    chosen = page.get_by_role("option", selected=True)
    undo = page.get_by_role("option", name="Undo the last change")
    await page.keyboard.press("Control+k")
    await expect(chosen).to_contain_text("Go to the board")
    await expect(undo).to_have_count(0)
    await page.keyboard.press("Escape")
    await create(page, "Tune the violin", "Sell the tuba")
    violin = card(page, "Tune the violin")
    await expect(violin).to_contain_text("-1")

    await violin.focus()
    await violin.evaluate("card => card.blur()")
    await page.keyboard.press("Control+k")
    await expect(undo).to_have_count(1)
    await expect(page.get_by_role("option", name="Assign to me")).to_have_count(0)
    await page.keyboard.press("Escape")
    await violin.focus()
    await page.keyboard.press("Control+k")
    await expect(chosen).to_contain_text("Go to the board")
    await what.fill("to me")
    await expect(chosen).to_have_text("Assign to meI")
    await page.keyboard.press("Enter")
    await expect(violin.get_by_title("Ann")).to_be_visible()
    await expect(violin).to_be_focused()
    await page.keyboard.press("Control+k")
    await what.fill("priority")
    await expect(chosen).to_have_text("Change the priority…P")
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitemradio", name="Urgent").click()
    await expect(violin).to_contain_text("Urgent")
    await expect(violin).to_be_focused()
    await page.keyboard.press("Control+k")
    await what.fill("undo")
    await page.keyboard.press("Enter")
    await expect(violin).not_to_contain_text("Urgent")

    keys = page.get_by_role("dialog", name="Keys")
    await page.keyboard.press("?")
    await expect(keys.get_by_role("heading", level=3)).to_have_text(
        ["On the board", "On a task that has the focus", "Everywhere"]
    )
    await page.keyboard.press("Escape")
    await card(page, "Sell the tuba").click()
    panel = page.get_by_role("complementary", name="Task")
    await expect(panel).to_be_focused()
    await page.keyboard.press("p")
    await page.get_by_role("menuitemradio", name="High").click()
    await expect(card(page, "Sell the tuba")).to_contain_text("High")
    for key, title in (("k", "Tune the violin"), ("j", "Sell the tuba")):
        await expect(panel).to_be_focused()
        await page.keyboard.press(key)
        await expect(page.get_by_role("textbox", name="Title")).to_have_value(title)
    await expect(panel).to_be_focused()
    await page.keyboard.press("?")
    await expect(keys.get_by_role("heading", level=3).first).to_have_text("In the open task")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog").get_by_text("Sell the tuba")).to_be_visible()
    await what.fill("status")
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitemradio", name="In progress").click()
    await expect(card(page, "Sell the tuba", "In progress")).to_be_visible()
    await expect(panel).to_be_focused()
    await page.keyboard.press("Control+k")
    await what.fill("archive")
    await page.keyboard.press("Enter")
    await expect(panel).to_have_count(0)
    await expect(card(page, "Sell the tuba")).to_have_count(0)
    await page.get_by_role("link", name="Members").click()
    await expect(page.get_by_role("main", name="Members")).to_be_visible()
    await page.keyboard.press("?")
    await expect(keys.get_by_role("heading", level=3)).to_have_text(["Everywhere"])


async def test_my_tasks_come_from_all_workspaces_by_when_they_are_due(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "At home")
    await card(page, "At home").focus()
    await page.keyboard.press("i")
    await page.keyboard.press("d")
    await page.get_by_role("menuitemradio", name="Today").click()
    await expect(card(page, "At home")).to_be_focused()  # the menu has given the focus back
    await page.keyboard.press("p")
    await page.get_by_role("menuitemradio", name="High").click()
    await expect(card(page, "At home")).to_be_focused()
    await has_stored(page, 0)  # making the team loads the page anew: what waits would wait for its board
    await make_team(page)
    await create(page, "At work")
    await expect(card(page, "At work")).to_contain_text("QUAR-")
    # What was changed just before a workspace is left is sent all the same.
    is_cut = True
    await page.route(
        "**/graphql", lambda route: route.abort() if is_cut and sends(route, "updateTask") else route.continue_()
    )
    await has_stored(page, 0)
    await card(page, "At work").focus()
    async with page.expect_event("requestfailed"):
        await page.keyboard.press("i")

    await page.keyboard.type("gt")
    await expect(page.get_by_role("main", name="My tasks")).to_be_visible()
    await expect(page.get_by_role("heading", name="My tasks", level=2)).to_be_visible()
    await expect(page.get_by_role("region", name="Today").get_by_role("link")).to_contain_text("At homeHigh")
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
    await page.keyboard.type("gs")
    await expect(page.get_by_role("searchbox", name="Search tasks")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.get_by_role("main").click(position={"x": 5, "y": 300})
    await page.keyboard.press("c")
    await expect(page.get_by_role("dialog", name="New task")).to_be_visible()

    await page.keyboard.press("Escape")
    await expect(card(page, "At home")).to_contain_text("Today")
    await page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=1))
    await page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await expect(card(page, "At home")).to_contain_text("Yesterday (late)")
    await card(page, "At home").click()
    await expect(page.locator("[data-field=due]")).to_contain_text("Yesterday (late)")
    await page.get_by_role("link", name="List", exact=True).click()
    await expect(card(page, "At home")).to_contain_text("Yesterday (late)")


async def test_what_is_typed_before_its_dialog_is_there_is_meant_for_the_dialog(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await page.goto("/account")
    await page.evaluate(FORGET)
    may_answer = asyncio.Event()

    async def slow(route: Route) -> None:
        if "query Snapshot" in (route.request.post_data or ""):
            await may_answer.wait()
        await route.continue_()

    may_come = asyncio.Event()

    async def late(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/graphql", slow)
    await page.route(re.compile("/assets/Palette"), late)
    await page.goto("/inbox")
    await is_live(page)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("create")
    may_come.set()
    what = page.get_by_role("combobox", name="What to find or do")
    await expect(what).to_have_value("create")
    await what.press("Escape")
    await page.keyboard.press("c")
    await page.keyboard.type("Sell c")
    await expect(page.get_by_text("Loading tasks…")).to_be_visible()
    await page.keyboard.type("allsx")
    await page.keyboard.press("Backspace")
    may_answer.set()
    title = page.get_by_role("dialog", name="New task").get_by_label("Title")
    await expect(title).to_have_value("Sell calls")
    await page.keyboard.type(" and g")
    await expect(title).to_have_value("Sell calls and g")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(card(page, "Sell calls and g")).to_be_visible()


async def test_everybody_of_a_large_team_is_found(open_page: OpenPage, stack: TestStack) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    await create(page, "Tune the violin")
    await is_live(page)
    workspace_id = (await page.evaluate("() => localStorage.getItem('tutti.workspace')")).removeprefix("workspace_")
    handle = f"p{workspace_id.replace('-', '')[-12:]}-"
    database = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    await database.execute(ADD_PEOPLE[0], handle, 249)
    await database.execute(ADD_PEOPLE[1], workspace_id, handle)
    await database.close()
    await page.goto("/account")
    await page.evaluate(FORGET)
    await page.goto("/")

    await card(page, "Tune the violin").focus()
    await page.keyboard.press("a")
    await expect(page.get_by_role("menuitemcheckbox")).to_have_count(250)
    await expect(page.locator("[role=menu]:focus, [role=menu] :focus")).to_have_count(1)
    await page.keyboard.type("Person 249")
    await expect(page.get_by_role("menuitemcheckbox", name="Person 249")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await expect(card(page, "Tune the violin").get_by_title("Person 249")).to_be_visible()

    people = page.get_by_role("group", name="Assignees")
    await people.get_by_role("button", name="Me, 0 tasks", exact=True).click()
    await expect(card(page, "Tune the violin")).to_have_count(0)
    await people.get_by_role("button", name="All people").click()
    await page.get_by_role("menuitemcheckbox", name="Person 249").click()
    await page.keyboard.press("Escape")
    await expect(people.get_by_role("button", name="Person 249", pressed=True)).to_be_visible()
    await expect(card(page, "Tune the violin")).to_be_visible()

    await card(page, "Tune the violin").click()
    comment = page.get_by_role("textbox", name="Write a comment")
    await comment.press_sequentially(f"Here, @{handle}")
    await expect(page.get_by_role("option")).to_have_count(6)
    await expect(page.get_by_role("option").last).to_be_in_viewport(ratio=0.9)
    await comment.press_sequentially("248")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("article", name="Comment by Ann")).to_contain_text("@Person 248")

    await page.get_by_role("link", name="Members").click()
    rows = page.get_by_role("list", name="Members").get_by_role("listitem")
    await expect(page.get_by_text("250 people work together in Quartet.")).to_be_visible()
    await expect(rows).to_have_count(250)
    await page.get_by_label("Find a member").fill("person 249")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Person 249")


async def test_what_is_filtered_stays_so_from_the_board_to_the_list_and_back(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Violin", "Tuba")
    tasks = page.locator("[data-task]")
    await expect(tasks).to_have_count(2)
    await page.get_by_role("searchbox", name="Filter by text").fill("tub")
    await expect(tasks).to_have_text(re.compile("Tuba"))
    await page.get_by_role("link", name="List").click()
    await expect(page).to_have_url(re.compile(r"/list\?q=tub$"))
    await expect(tasks).to_have_text(re.compile("Tuba"))
    await page.keyboard.type("gb")
    await expect(page).to_have_url(re.compile(r"/board\?q=tub$"))
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="What to find or do").fill("the list")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/list\?q=tub$"))
    await expect(tasks).to_have_text(re.compile("Tuba"))
    await page.get_by_role("link", name="List").click()
    await expect(page).to_have_url(re.compile(r"/list$"))
    await expect(tasks).to_have_count(2)


async def test_the_list_is_grouped_and_sorted_as_the_address_says_and_the_archive_is_found(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Violin", "Bow", "Tuba")
    await expect(page.locator("[data-task]")).to_have_count(3)
    await card(page, "Bow").focus()
    await page.keyboard.press("p")
    await page.get_by_role("menuitemradio", name="Urgent").click()
    await expect(card(page, "Bow")).to_contain_text("Urgent")
    await page.get_by_role("link", name="List").click()
    rows = page.locator("[data-task]")
    await expect(rows).to_contain_text(["Violin", "Bow", "Tuba"])
    view = page.get_by_role("button", name="View")
    await view.click()
    await page.get_by_role("group", name="Sort by").get_by_role("menuitemradio", name="Title").click()
    await expect(rows).to_contain_text(["Bow", "Tuba", "Violin"])
    await view.click()
    await is_accessible(page, "a menu of groups")
    assert await page.get_by_role("menu").evaluate("menu => menu.scrollHeight <= menu.clientHeight")
    await page.get_by_role("group", name="Group by").get_by_role("menuitemradio", name="Priority").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text(["Urgent1", "No priority2"])
    await expect(page).to_have_url(re.compile(r"sort=title&group=priority$"))
    await is_accessible(page, "a grouped list")
    await page.set_viewport_size(PHONE)
    await page.wait_for_function(IS_SEEN, arg=["Urgent", PHONE["width"]])
    await page.set_viewport_size(DESK)
    await page.reload()
    await expect(rows).to_contain_text(["Bow", "Tuba", "Violin"])
    await card(page, "Bow").focus()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.get_by_role("status", name="Messages")).to_contain_text("sorted by hand")

    await card(page, "Tuba").click()
    async with page.expect_response(lambda answer: "mutation ArchiveTask" in (answer.request.post_data or "")):
        await page.get_by_role("button", name="Archive", exact=True).click()
    await expect(rows).to_have_count(2)
    await page.reload()  # the message with Undo is gone
    shown = page.get_by_role("group", name="Show").get_by_role("menuitemradio")
    await view.click()
    await expect(shown).to_have_text(["Current tasks", "Archived tasks"])
    await expect(shown.nth(0)).to_be_checked()
    await shown.nth(1).click()
    await expect(rows).to_have_text(re.compile("Tuba.*Archived"))
    await card(page, "Tuba").click()
    await expect(page.get_by_text("In the archive since")).to_be_visible()
    await expect(page.get_by_role("button", name="Archive", exact=True)).to_have_count(0)
    await is_accessible(page, "an archived task")
    await page.get_by_role("button", name="Delete task").click()
    await expect(page.get_by_role("button", name="New task", exact=True)).to_be_focused()  # there is no card
    await page.keyboard.press("Control+z")
    await card(page, "Tuba").click()
    await page.get_by_role("button", name="Take it out").click()
    await expect(page.get_by_role("button", name="Archive", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Close task").click()
    await expect(rows).to_have_count(0)
    await expect(page.get_by_role("heading", name="Nothing is archived.")).to_be_visible()
    await page.get_by_role("button", name="Back to the current tasks").click()
    await expect(rows).to_contain_text(["Bow", "Tuba", "Violin"])

    for title in ("Violin", "Bow"):
        await card(page, title).focus()
        await page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="Selected tasks")
    await bar.get_by_role("button", name="Archive", exact=True).click()
    await expect(rows).to_have_count(1)
    await view.click()
    await shown.nth(1).click()
    await expect(rows).to_have_count(2)
    for title in ("Violin", "Bow"):
        await card(page, title).focus()
        await page.keyboard.press("x")
    await page.keyboard.press("i")
    for title in ("Violin", "Bow"):
        await expect(card(page, title).get_by_title("Ann")).to_be_visible()
    await bar.get_by_role("button", name="Take out of the archive").click()
    await expect(rows).to_have_count(0)
    await view.click()
    await shown.nth(0).click()
    await expect(rows).to_contain_text(["Bow", "Tuba", "Violin"])
