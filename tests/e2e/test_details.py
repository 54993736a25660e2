"""What a page does by the way: who is away, what is new, what one is told, what is hidden, and a finger's width."""

import asyncio
import itertools
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.conftest import PATIENCE_MS, OpenPage
from tests.e2e.documents import CREATE
from tests.e2e.network import network_of
from tests.e2e.test_accessible import PANEL_FITS, PHONE
from tests.e2e.test_client import (
    ASK,
    account_of,
    card,
    create,
    has_stored,
    is_accessible,
    is_live,
    join_by_hand,
    make_team_by_hand,
    open_task,
    sign_up,
    team_of,
    two_on_a_board,
)
from tests.e2e.test_people import to_settings

HIDE = """isHidden => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Lets the page believe that nobody looks at it, or that somebody does again."""
AWAY_MS = 60_000
PLACES = """() => [...document.querySelectorAll("[data-column]")].flatMap(column =>
    [...column.querySelectorAll("[data-task]")].map(card => `${column.ariaLabel}: ${card.dataset.task}`))"""
"""Which card is in which column, in order."""
LONG = "\n".join(f"- bar {number}" for number in range(60))
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
LINE_FITS = """() => {
    const line = document.querySelector("[aria-label=Filters]");
    const people = line.querySelector("[aria-label=Assignees]");
    const { right, height } = line.getBoundingClientRect();
    return height < 70 && (!people || people.scrollWidth <= people.clientWidth)
        && [...line.children].every(part => part.getBoundingClientRect().right <= right + 0.5);
}"""
"""Whether the filters are one line in which all of them have room."""
SMALL = """() => [...document.querySelectorAll(
    "a, button, input, select, summary, textarea, [role=button], [role^=menuitem], [tabindex='0']")]
    .filter(element => element.checkVisibility() && !element.closest(".sr-only, [data-radix-focus-guard]"))
    .map(element => [element, (element.closest("label") ?? element).getBoundingClientRect()])
    .filter(([, { width, height }]) => width < 44 || height < 44)
    .map(([{ ariaLabel, textContent }, { width, height }]) => `${ariaLabel || textContent}: ${width} x ${height}`)
    .join(", ")"""
"""What can be touched and is smaller than a finger."""
TARGETS = "() => document.querySelectorAll('button, [role=button], [role^=menuitem]').length"
PASTE = """(field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
LINES = """card => {
    const title = card.querySelector("[title]");
    return Math.round(title.clientHeight / parseFloat(getComputedStyle(title).lineHeight));
}"""
"""In how many lines a card shows a long title."""
IS_CLEAR = """() => {
    const [messages, field] = [document.querySelector("[data-toasts]"), document.activeElement]
        .map(element => element.getBoundingClientRect());
    return messages.height === 0 || messages.bottom <= field.top || messages.top >= field.bottom;
}"""
"""Whether no message lies on the field that has the focus."""


async def test_three_people_on_one_board_see_the_same_and_who_of_them_is_away(open_page: OpenPage) -> None:
    pages = ann, _, cid = await team_of(open_page, "Ann", "Bob", "Cid")
    await asyncio.gather(*(create(page, f"{name} one", f"{name} two") for page, name in zip(pages, "ABC", strict=True)))
    for page in pages:
        await expect(page.get_by_role("group", name="Online: Ann, Bob, Cid")).to_be_visible()
        await expect(page.locator("[data-task]").filter(has_text="QUAR-")).to_have_count(6)

    async def move(page: Page, title: str) -> None:
        await card(page, title).focus()
        await page.keyboard.press("Alt+ArrowRight")

    # Each takes another's card, and all three take one.
    await asyncio.gather(*(move(page, title) for page, title in zip(pages, ("B one", "C one", "A one"), strict=True)))
    await asyncio.gather(*(move(page, "A two") for page in pages))
    for page in pages:
        for title in ("A one", "B one", "C one"):
            await expect(card(page, title, "In progress")).to_be_visible()
        await expect(card(page, "A two", "To do")).to_have_count(0)
        await has_stored(page, 0)
    seen: list[list[str]] = []
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while len(seen) != 1:
            boards = [await page.evaluate(PLACES) for page in pages]
            seen = [board for at, board in enumerate(boards) if board not in boards[:at]]
    assert len(seen[0]) == 6

    await cid.clock.install()
    await cid.evaluate(HIDE, True)
    await cid.clock.fast_forward(AWAY_MS)
    await ann.get_by_role("link", name="Members").click()
    line = ann.get_by_role("list", name="Members").get_by_role("listitem").filter(has_text="@cid")
    await expect(line).to_contain_text("Away")
    await cid.evaluate(HIDE, False)
    await expect(line).to_contain_text("Online")


async def test_without_a_network_the_page_says_so_and_counts_what_waits(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    status = ann.get_by_role("status", name="Connection")
    await ann.get_by_role("link", name="Members").click()
    members = ann.get_by_role("list", name="Members")
    await expect(members.get_by_text("Online")).to_have_count(2)
    await ann.context.set_offline(True)
    await expect(status).to_have_text("Offline")
    await expect(members.get_by_text("Not known now")).to_have_count(2)
    await ann.get_by_role("link", name="Board").click()
    await create(ann, "First")
    await expect(status).to_have_text("Offline, 1 change waits")
    await expect(card(ann, "First")).to_contain_text("Not saved yet")
    await create(ann, "Second")
    await expect(status).to_have_text("Offline, 2 changes wait")
    await ann.context.set_offline(False)
    await is_live(ann)
    await expect(card(bob, "Second")).to_be_visible()


async def test_the_key_of_a_task_leads_to_it_from_a_description_and_a_comment(open_page: OpenPage) -> None:
    ann = await sign_up(open_page, "Ann")
    await create(ann, "Rehearse", "Tune")
    await expect(card(ann, "Tune")).to_contain_text("-2")
    key = str(await card(ann, "Tune").locator("span").first.inner_text()).split()[0]
    prefix = key.removesuffix("-2")
    await open_task(ann, "Rehearse")
    say = ann.get_by_role("textbox", name="Write a comment")
    await say.fill(f"After ({key}), not {prefix}-99 or X{key}, `{key}` or /{key}")
    await ann.keyboard.press("Control+Enter")
    said = ann.get_by_role("article", name="Comment by Ann")
    await expect(said.get_by_role("link")).to_have_text([key])
    await ann.get_by_role("button", name="Edit description").click()
    await ann.get_by_role("textbox", name="Description").fill(f"- **{key}** first")
    await ann.keyboard.press("Control+Enter")
    link = ann.get_by_role("region", name="Description").get_by_role("link", name=key)
    await expect(link).to_have_attribute("title", "Tune")
    await link.click()
    await expect(ann.get_by_role("textbox", name="Title")).to_have_value("Tune")
    await expect(ann).to_have_url(re.compile(f"/board/{key}$"))


async def test_what_is_new_below_is_counted_and_a_description_is_written_by_two(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Rehearse")
    for page in (ann, bob):
        await open_task(page, "Rehearse")
    say = ann.get_by_role("textbox", name="Write a comment")
    said = bob.get_by_role("article", name="Comment by Ann")
    await say.fill(LONG)
    await ann.keyboard.press("Control+Enter")
    await expect(said).to_contain_text("bar 59")
    await bob.get_by_role("group", name="Show").last.scroll_into_view_if_needed()
    for text in ("One", "Two"):
        await say.fill(text)
        await ann.keyboard.press("Control+Enter")
    news = bob.get_by_role("button", name=re.compile("^[0-9]+ new$"))
    await expect(news).to_have_text("2 new")
    await news.click()
    await expect(said.filter(has_text="One")).to_be_in_viewport()
    await expect(news).to_have_count(0)
    await bob.get_by_role("group", name="Show").last.scroll_into_view_if_needed()
    long = ann.get_by_role("article", name="Comment by Ann").filter(has_text="bar 59")
    await long.get_by_role("button", name="Answer").click()
    await ann.keyboard.type("Three")
    await ann.keyboard.press("Control+Enter")
    await expect(news).to_have_text("1 new")
    await long.get_by_role("button", name="Resolve").click()
    await expect(news).to_have_count(0)  # the line of the thread stands for what is in it

    async def write(page: Page, text: str) -> None:
        await page.get_by_role("button", name="Edit description").click()
        await page.get_by_role("textbox", name="Description").fill(text)

    async def save(page: Page) -> None:
        await page.get_by_role("button", name="Save description").click()

    await write(ann, "**Loud**")
    await expect(ann.get_by_text("Enter saves")).to_be_visible()
    await ann.get_by_role("button", name="Preview").click()
    text = ann.get_by_role("region", name="Description")
    await expect(text.locator("strong")).to_have_text("Loud")
    await ann.reload()
    await expect(text.get_by_role("textbox")).to_have_value("**Loud**")
    await save(ann)
    theirs = bob.get_by_role("region", name="Description")
    await expect(theirs.locator("strong")).to_have_text("Loud")

    overtaken = theirs.get_by_text("Ann changed it meanwhile.")
    for mine, yours, choice in (("Softly", "Louder", "Take theirs"), ("Softer", "Loudest", "Go on with mine")):
        await write(bob, mine)
        await write(ann, yours)
        await save(ann)
        await expect(overtaken).to_be_visible()
        await expect(theirs.get_by_role("textbox")).to_have_value(mine)
        await bob.get_by_role("button", name=choice).click()
        await expect(overtaken).to_have_count(0)
        if choice == "Take theirs":
            await expect(theirs).to_contain_text(yours)
            await expect(theirs.get_by_role("textbox")).to_have_count(0)
    await save(bob)
    await expect(text).to_contain_text("Softer")

    await write(ann, "One\n\nTwo\n\nThree")
    await save(ann)
    await expect(theirs).to_contain_text("Three")
    await write(bob, "One\n\nTwo\n\nThree softly")
    await write(ann, "One loudly\n\nTwo\n\nThree")
    await save(ann)
    await expect(overtaken).to_be_visible()
    await save(bob)
    messages = bob.get_by_role("status", name="Messages")
    await expect(messages).to_contain_text("The description is savedAnn’s changes are in it, too.")
    await expect(text).to_contain_text(re.compile("One loudly\\s*Two\\s*Three softly"))
    await write(ann, "Softer")
    await save(ann)
    await expect(theirs).to_have_text(re.compile("Softer$"))
    await ann.get_by_role("button", name="Edit description").click()
    await ann.keyboard.type("!")
    await expect(text.get_by_role("textbox")).to_have_value("Softer!")
    await expect(bob.get_by_role("dialog")).to_have_count(0)
    await bob.get_by_role("button", name="History").click()
    await expect(bob.get_by_role("list", name="History", exact=True)).to_contain_text("changed the description")


async def test_three_messages_at_most_none_of_ones_own_and_what_is_muted_is_not_told(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    workspace_id = await ann.evaluate("() => localStorage.getItem('tutti.workspace')")
    ann_id = await ann.evaluate("() => JSON.parse(localStorage.getItem('tutti.accounts'))[0].id")
    await create(ann, "Own")
    await card(ann, "Own").focus()
    await ann.keyboard.press("i")
    await expect(card(bob, "Own").get_by_title("Ann")).to_be_visible()

    async def give(*titles: str) -> None:
        inputs = [{"workspaceId": workspace_id, "title": title, "assigneeIds": [ann_id]} for title in titles]
        await bob.evaluate(ASK, [CREATE, inputs])

    messages = ann.get_by_role("status", name="Messages")
    shown = messages.get_by_role("button", name="Open")
    await give("First")
    await expect(shown).to_have_count(1)
    await shown.hover()  # they stay for as long as somebody points at one
    await give("Second", "Third", "Fourth")
    await expect(messages).to_contain_text("Fourth")
    await expect(messages).not_to_contain_text("First")
    await expect(shown).to_have_count(3)
    await expect(bob.get_by_role("status", name="Messages")).to_be_empty()
    await open_task(ann, "Own")
    panel, beside = await ann.locator("[data-panel]").bounding_box(), await messages.bounding_box()
    assert panel is not None
    assert beside is not None
    assert beside["x"] + beside["width"] <= panel["x"]

    await ann.get_by_role("link", name="Inbox 4 unread").click()
    all_read = ann.get_by_role("button", name="Mark all read")
    await all_read.click()
    inbox = ann.get_by_role("link", name=re.compile("^Inbox"))
    await expect(inbox).to_have_accessible_name("Inbox")
    await expect(all_read).to_be_disabled()
    await ann.reload()
    await expect(ann.get_by_role("button", name="Fourth").first).to_be_visible()
    await expect(all_read).to_be_disabled()

    await bob.get_by_role("main").focus()
    await open_task(bob, "First")
    await ann.get_by_role("link", name="Board").click()
    await open_task(ann, "First")
    tell = ann.get_by_role("button", name=re.compile("^(Not following|Following|Muted)$"))
    for choice, name, unread in (("Mute", "Muted", "1"), ("Follow", "Following", "2")):
        await tell.click()
        async with ann.expect_response(lambda answer: "UpdateTaskSubscription" in (answer.request.post_data or "")):
            await ann.get_by_role("menuitemradio", name=choice).click()
        await expect(tell).to_have_accessible_name(name)
        await inbox.click()
        await bob.get_by_role("textbox", name="Write a comment").fill(choice)
        await bob.keyboard.press("Control+Enter")
        await expect(bob.get_by_role("article", name="Comment by Bob").filter(has_text=choice)).to_be_visible()
        told = ann.get_by_role("main").get_by_text("commented")
        if choice == "Mute":
            await give("Fifth")  # which comes after what she does not hear of
            await expect(ann.get_by_role("main").get_by_text("Fifth")).to_be_visible()
        await expect(told).to_have_count(0 if choice == "Mute" else 1)
        await expect(inbox).to_have_accessible_name(f"Inbox {unread} unread")
        await ann.go_back()


async def test_a_task_has_parts_and_days_and_neighbours_and_filters_say_what_they_hide(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await create(page, "Concert", "Encore")
    await expect(card(page, "Encore")).to_contain_text("-2")
    await open_task(page, "Concert")
    title = page.get_by_role("textbox", name="Title")
    parts = page.get_by_role("region", name="Subtasks")
    for part in ("Hall", "Tickets"):
        await page.get_by_role("textbox", name="New subtask").fill(part)
        await page.keyboard.press("Enter")
    await expect(parts.get_by_role("heading")).to_have_text("Subtasks 0 of 2 done")
    await page.get_by_label("Start date").fill("2031-05-01")
    await page.get_by_label("Due date").fill("2031-05-17")
    await expect(card(page, "Concert")).to_contain_text("May 17, 2031")
    await parts.get_by_role("button", name="Hall").click()
    await expect(title).to_have_value("Hall")
    key = await card(page, "Concert").locator("span").first.inner_text()
    first = key.splitlines()[0]
    await expect(card(page, "Hall")).to_contain_text(f"part of {first}")
    await page.get_by_role("button", name=f"Part of {first} Concert").click()
    await expect(title).to_have_value("Concert")
    await parts.get_by_role("button", name="Hall").click()
    await page.get_by_role("button", name="Status:").click()
    await page.get_by_role("menuitemradio", name="Done").click()
    await expect(card(page, "Hall", "Done")).to_be_visible()
    await page.get_by_role("button", name="Close task").click()
    await open_task(page, "Concert")
    await expect(parts.get_by_role("heading")).to_have_text("Subtasks 1 of 2 done")
    tickets = parts.get_by_role("checkbox", name="Done: Tickets")
    await tickets.check()
    await expect(card(page, "Tickets", "Done")).to_be_visible()
    assert not await tickets.evaluate("(box) => { box.click(); return box.checked }")  # at once, or it jumps back
    await expect(card(page, "Tickets", "To do")).to_be_visible()

    await expect(page.get_by_role("button", name="Previous task")).to_be_disabled()
    await page.get_by_role("button", name="Next task").click()
    await expect(title).to_have_value("Encore")
    await page.get_by_role("button", name="Previous task").click()
    await expect(title).to_have_value("Concert")
    await page.get_by_role("button", name="Copy the link").click()
    await expect(page.get_by_text("The link was copied")).to_be_visible()
    link = await page.evaluate("() => navigator.clipboard.readText()")
    await page.goto("about:blank")
    await page.goto(link)
    await expect(title).to_have_value("Concert")
    await expect(page.get_by_label("Start date")).to_have_value("2031-05-01")
    await expect(page.get_by_label("Due date")).to_have_value("2031-05-17")
    await expect(page.get_by_role("complementary").get_by_text("May 17, 2031")).to_be_visible()
    await page.keyboard.press("Escape")

    await card(page, "Encore").focus()
    await page.keyboard.press("i")
    await page.get_by_role("button", name="Unassigned").click()
    await expect(card(page, "Encore")).to_have_count(0)
    await expect(card(page, "Concert")).to_be_visible()
    await page.get_by_role("searchbox", name="Filter by text").fill("tuba")
    await expect(page.get_by_role("heading", name="No task matches these filters.")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.locator("[data-task]")).to_have_count(4)
    await expect(page.get_by_role("group", name="Filters")).to_be_focused()
    await expect(page.get_by_role("log", name="What is shown")).to_have_text("4 tasks shown")
    await expect(page.get_by_role("button", name="Unassigned", pressed=False)).to_be_visible()
    await page.get_by_role("button", name="Unassigned").click()
    await expect(page.locator("[data-task]")).to_have_count(3)
    await page.get_by_role("button", name="Clear", exact=True).click()
    await expect(page.locator("[data-task]")).to_have_count(4)
    await page.get_by_role("searchbox", name="Filter by text").fill("tuba")
    await create(page, "Triangle")
    messages = page.get_by_role("status", name="Messages")
    await expect(messages).to_contain_text("“Triangle” was created, and the filters hide it")
    await messages.get_by_role("button", name="Show").click()
    await expect(page.locator("[data-task]")).to_have_count(5)
    await expect(card(page, "Triangle")).to_be_focused()

    await open_task(page, "Concert")
    await page.get_by_role("button", name="Delete task").click()
    await expect(messages).to_contain_text("“Concert” was deleted2 subtasks stay.")


async def test_filters_take_one_line_at_any_width_and_a_task_that_opens_moves_no_card(open_page: OpenPage) -> None:
    page, _ = await two_on_a_board(open_page)
    await create(page, "Tune the violin", "Sell the tuba")
    tuba = card(page, "Sell the tuba")
    await expect(tuba).to_contain_text("-2")
    for width in (1280, 1024, 768):
        await page.set_viewport_size({"width": width, "height": 800})
        await page.wait_for_function(LINE_FITS)
        await tuba.focus()
        before = await tuba.bounding_box()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Close task")).to_be_in_viewport(ratio=0.9)
        await page.wait_for_function(LINE_FITS)
        assert await tuba.bounding_box() == before
        await page.keyboard.press("Escape")
        await expect(tuba).to_be_focused()
    await page.get_by_role("button", name="Filter", exact=True).click()
    await page.get_by_role("group", name="Assignees").get_by_role("menuitemcheckbox", name="Bob").click()
    await is_accessible(page, "all filters in a menu")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Filter, 1", exact=True)).to_be_visible()
    await expect(page.locator("[data-task]")).to_have_count(0)
    await page.get_by_role("button", name="Clear", exact=True).click()
    await expect(page.locator("[data-task]")).to_have_count(2)


async def test_a_guest_sees_their_project_alone_and_a_revoked_invite_lets_nobody_in(open_page: OpenPage) -> None:
    ann = await sign_up(open_page, "Ann")
    revoked = await make_team_by_hand(ann)
    await create(ann, "Not for guests")
    await to_settings(ann, "Projects")
    await ann.get_by_role("button", name="New project").click()
    await ann.get_by_label("Name").fill("Brass")
    await ann.get_by_role("button", name="Create project").click()
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("They join as").select_option(label="Guest")
    await ann.get_by_role("checkbox", name="Brass").check()
    await ann.get_by_role("button", name="Make an invite link").click()
    invites = ann.get_by_role("list", name="Open invites").get_by_role("listitem")
    await expect(invites.filter(has_text="for Brass")).to_have_count(1)
    link = await ann.get_by_label("The link. It is shown only now.").input_value()
    await invites.filter(has_not_text="for Brass").get_by_role("button", name="Revoke the invite link").click()
    await expect(invites).to_have_count(1)
    nobody = await open_page(revoked)
    await expect(nobody.get_by_role("heading", name="This invite no longer works")).to_be_visible()

    guest = await join_by_hand(open_page, link, "Gus")
    await ann.get_by_role("link", name="Board").click()
    await ann.get_by_role("button", name="Project", exact=True).click()
    await ann.get_by_role("menuitemradio", name="Brass").click()
    await create(ann, "Polish the tuba")
    await expect(card(guest, "Polish the tuba")).to_be_visible()
    await expect(card(guest, "Not for guests")).to_have_count(0)
    await create(guest, "Oil the valves")
    await expect(card(ann, "Oil the valves")).to_be_visible()

    await ann.keyboard.press("c")
    dialog = ann.get_by_role("dialog", name="New task")
    await dialog.get_by_role("button", name="Assignees: Nobody").click()
    await ann.get_by_role("menuitemcheckbox", name="Gus").click()
    await ann.keyboard.press("Escape")
    await expect(dialog.get_by_role("button", name="Assignees: Gus")).to_be_visible()
    await dialog.get_by_label("Project").select_option(label="No project")  # which no guest sees
    await dialog.get_by_role("button", name="Assignees: Nobody").click()
    await expect(ann.get_by_role("menuitemcheckbox")).to_have_text("Ann")


async def test_who_chose_dark_sees_nothing_light_before(open_page: OpenPage) -> None:
    page = await open_page("/", color_scheme="light")
    light = await page.evaluate(BACKGROUND)
    await page.evaluate("() => localStorage.setItem('tutti.theme', 'dark')")
    is_held = asyncio.Event()
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        is_held.set()
        await may_come.wait()
        await route.continue_()

    await page.route(re.compile(r"/assets/[^/]*\.js"), hold)
    await page.reload(wait_until="commit")
    await is_held.wait()
    await page.wait_for_function("() => document.body && document.styleSheets.length")
    first = await page.evaluate(BACKGROUND)
    may_come.set()
    await expect(page.locator("h1")).to_be_visible()
    assert await page.evaluate(BACKGROUND) == first != light


async def test_on_a_phone_everything_on_the_board_is_as_large_as_a_finger(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann Featherstone", viewport=PHONE, has_touch=True, is_mobile=True)
    await create(page, "Tune the violin")
    await expect(card(page, "Tune the violin")).to_contain_text("-1")
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="What to find or do").fill("create")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Create task")
    await expect(page.get_by_role("option", selected=True).get_by_text("C", exact=True)).to_be_hidden()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Filter", exact=True).tap()
    await page.get_by_role("menuitemcheckbox", name="Unassigned").tap()
    await expect(page.get_by_role("menuitem", name="Clear the filters")).to_be_visible()
    assert await page.evaluate(TARGETS) > 20
    assert await page.evaluate(SMALL) == ""
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Filter, 1", exact=True)).to_be_visible()
    await page.wait_for_function(LINE_FITS)
    await card(page, "Tune the violin").tap()
    await expect(page.get_by_role("textbox", name="Title")).to_be_visible()
    await page.wait_for_function(PANEL_FITS)
    await expect(page.get_by_role("button", name="Close task")).to_be_in_viewport(ratio=0.9)
    await page.get_by_role("textbox", name="Write a comment").fill("Softly")
    await page.get_by_role("button", name="Comment", exact=True).tap()
    said = page.get_by_role("article", name="Comment by Ann Featherstone")
    await expect(said.get_by_role("button", name="Resolve")).to_be_visible()
    assert await said.get_by_text("Ann Featherstone", exact=True).evaluate(
        "name => name.scrollWidth <= name.clientWidth"
    )


async def test_messages_do_not_lie_on_the_field_in_which_one_writes(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba", "Buy a horn", "Play it")
    await expect(card(ann, "Play it")).to_be_visible()
    await open_task(ann, "Play it")
    await ann.set_viewport_size({"width": 360, "height": 560})
    field = ann.get_by_role("textbox", name="Write a comment")
    await field.click()
    messages = ann.get_by_role("status", name="Messages")
    for title in ("Sell the tuba", "Buy a horn"):
        await card(bob, title).press("a")
        await bob.get_by_role("menuitemcheckbox", name="Ann").click()
        await bob.keyboard.press("Escape")
        await expect(messages).to_contain_text(title)
    await expect(ann.get_by_role("button", name="Comment", exact=True)).to_be_in_viewport(ratio=1)
    assert await ann.evaluate(IS_CLEAR)
    await field.fill("One line,\n" * 6 + "and another one")
    await ann.wait_for_function(IS_CLEAR)
    await ann.get_by_role("textbox", name="Title").click()
    await ann.wait_for_function(IS_CLEAR)


async def test_a_title_is_asked_for_and_lines_that_are_pasted_can_be_a_task_each(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await page.get_by_role("button", name="New task", exact=True).click()
    title = page.get_by_role("textbox", name="Title")
    for nothing in ("", "  "):
        await title.fill(nothing)
        await title.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("Give it a title.")
        await expect(title).to_have_accessible_description("Give it a title.")
    await title.fill("tuba " * 101)
    await expect(page.get_by_role("alert")).to_have_text("A title has at most 500 characters.")
    await title.press("Enter")
    await title.fill("")
    await title.evaluate(PASTE, "Violin\r\n\n  Viola\nBass")
    await expect(title).to_have_value("Violin Viola Bass")
    await is_accessible(page, "several lines as a title")
    await page.get_by_role("button", name="Create 3 tasks, one per line").click()
    await expect(title).to_have_value("")
    await expect(title).to_be_focused()
    await title.evaluate(PASTE, "Drum\nstick")
    await title.press("Enter")
    await page.keyboard.press("Escape")
    cards = page.get_by_role("region", name="To do").get_by_role("button").filter(has_text=re.compile("-"))
    await expect(cards).to_have_text([re.compile(name) for name in ("Violin", "Viola", "Bass", "Drum stick")])


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_new_task_is_given_all_that_it_needs_by_keyboard_and_shows_it_at_once(
    open_networked: OpenPage, width: int
) -> None:
    ann, bob = await two_on_a_board(
        lambda path, **options: open_networked(path, viewport={"width": width, "height": 740}, **options)
    )
    keys = ann.keyboard
    await keys.press("c")
    dialog = ann.get_by_role("dialog", name="New task")
    await keys.type("Tune the violin")
    await expect(dialog.get_by_label("Status")).to_be_visible()
    for name in ("Status", "Project"):
        await keys.press("Tab")
        await expect(dialog.get_by_label(name, exact=True)).to_be_focused()
    await keys.press("Tab")
    await expect(dialog.get_by_role("button", name="Assignees: Nobody")).to_be_focused()
    await keys.press("Enter")
    await expect(ann.get_by_role("menu", name="Assignees")).to_be_focused()
    await keys.press("Home")
    for name in ("Ann", "Bob"):
        await expect(ann.get_by_role("menuitemcheckbox", name=name)).to_be_focused()
        await keys.press("Space")
        await keys.press("ArrowDown")
    await is_accessible(ann, "a menu in the dialog")
    await keys.press("Escape")
    await expect(dialog.get_by_role("button", name="Assignees: Ann Bob")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await expect(ann.get_by_role("menuitemradio", name="No priority")).to_be_focused()
    await keys.press("Home")
    await expect(ann.get_by_role("menuitemradio", name="Urgent")).to_be_focused()
    await keys.press("Enter")
    await expect(dialog.get_by_role("button", name="Priority: Urgent")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await ann.get_by_role("menuitem", name="New label…").focus()
    await keys.press("Enter")
    await ann.get_by_label("New label").fill("Strings")
    await keys.press("Enter")
    await expect(dialog.get_by_role("button", name="Labels: Strings")).to_be_focused()
    await keys.press("Tab")
    await keys.press("Enter")
    await ann.get_by_role("menuitem", name="Another day…").focus()
    await keys.press("Enter")
    await ann.get_by_label("Another day").fill("2031-03-05")
    await keys.press("Enter")
    await expect(dialog.get_by_role("button", name="Due date: Mar 5, 2031")).to_be_focused()
    await is_accessible(ann, "what a new task is given")
    assert await ann.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    await expect(ann.locator("[data-task]")).to_have_count(0)  # what was typed into menus has created nothing

    await has_stored(ann, 0)
    network_of(ann).cut()
    await dialog.get_by_label("Title").focus()
    await keys.press("Enter")
    await keys.type("Tune the viola")
    await keys.press("Enter")
    await keys.press("Escape")
    for title in ("Tune the violin", "Tune the viola"):
        given = card(ann, title)
        for what in ("Ann", "Bob"):
            await expect(given.get_by_title(what, exact=True)).to_be_visible()
        for what in ("Strings", "Urgent", "Mar 5, 2031"):
            await expect(given).to_contain_text(what)
    network_of(ann).mend()
    await expect(card(bob, "Tune the viola")).to_contain_text("Strings")


async def test_a_label_made_for_a_new_task_is_on_it_also_where_the_page_hears_of_it_late(
    open_networked: OpenPage,
) -> None:
    page = await sign_up(open_networked, "Ann")
    network_of(page).freeze(sockets_only=True)
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New task")
    await dialog.get_by_role("button", name="Labels: None").click()
    await page.get_by_role("menuitem", name="New label…").click()
    await page.get_by_label("New label").fill("Strings")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("button", name="Labels: Strings")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitemcheckbox", name="Strings")).to_be_checked()
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_role("button", name="Labels: Strings")).to_be_focused()
    await dialog.get_by_label("Title").fill("Tune the violin")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    network_of(page).mend()
    await expect(card(page, "Tune the violin")).to_contain_text("Strings")


async def test_a_label_made_for_a_new_task_is_there_once_where_the_page_hears_of_it_before_the_answer(
    open_page: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_page)
    is_made = asyncio.Event()
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        if "CreateLabel" not in (route.request.post_data or ""):
            return await route.continue_()
        answer = await route.fetch()
        is_made.set()
        await may_come.wait()
        await route.fulfill(response=answer)

    await ann.route("**/graphql*", hold)
    await ann.keyboard.press("c")
    dialog = ann.get_by_role("dialog", name="New task")
    await dialog.get_by_role("button", name="Labels: None").click()
    await ann.get_by_role("menuitem", name="New label…").click()
    await ann.get_by_label("New label").fill("Strings")
    await ann.keyboard.press("Enter")
    await is_made.wait()
    strings = ann.get_by_role("menuitemcheckbox", name="Strings")
    await dialog.get_by_role("button", name="Labels: None").click()
    await expect(strings).to_have_count(1)
    await ann.keyboard.press("Escape")
    may_come.set()
    chosen = dialog.get_by_role("button", name="Labels: Strings")
    await expect(chosen).to_have_text(re.compile(r"^Labels:\s*Strings$"))
    await chosen.click()
    await expect(strings).to_have_count(1)
    await ann.keyboard.press("Escape")

    await to_settings(bob, "Labels")
    await bob.get_by_role("button", name="Delete Strings").click()
    await bob.get_by_role("button", name="Delete label").click()
    await expect(dialog.get_by_role("button", name="Labels: None")).to_be_visible()


async def test_a_new_task_whose_project_is_archived_meanwhile_goes_nowhere_until_another_is_chosen(
    open_page: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_page)
    await to_settings(ann, "Projects")
    await ann.get_by_role("button", name="New project").click()
    await ann.get_by_label("Name").fill("Brass")
    await ann.get_by_role("button", name="Create project").click()
    await expect(ann.get_by_role("dialog")).to_have_count(0)
    await bob.keyboard.press("c")
    dialog = bob.get_by_role("dialog", name="New task")
    project = dialog.get_by_label("Project")
    await project.select_option(label="Brass")
    await dialog.get_by_label("Title").fill("Sell the tuba")
    await ann.get_by_role("button", name="Archive Brass").click()
    lost = dialog.get_by_role("alert")
    await expect(lost).to_have_text("Its project is gone. Choose where it goes.")
    await expect(project).to_have_js_property("selectedOptions.0.label", "Choose…")
    await is_accessible(bob, "a new task whose project is archived")
    await dialog.get_by_label("Title").press("Enter")
    await expect(dialog.get_by_label("Title")).to_have_value("Sell the tuba")
    await project.select_option(label="No project")
    await expect(lost).to_have_count(0)
    await dialog.get_by_label("Title").press("Enter")
    await bob.keyboard.press("Escape")
    await expect(card(bob, "Sell the tuba")).to_be_visible()


async def test_what_is_said_while_a_dialog_is_open_is_said_and_shown_in_it(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Before")
    await page.route("**/graphql*", cut_labels)
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New task")
    said, messages = dialog.get_by_role("log", name="What you did"), dialog.get_by_role("status", name="Messages")
    await expect(said).to_be_empty()  # what was said before is not said again
    for _ in range(2):
        await page.keyboard.type("Tune")
        await page.keyboard.press("Enter")
        await expect(said).to_have_text("Tune was created.")
    await dialog.get_by_role("button", name="Labels: None").click()
    await page.get_by_role("menuitem", name="New label…").click()
    await page.get_by_label("New label").fill("Strings")
    await page.keyboard.press("Enter")
    await expect(messages).to_contain_text("The label “Strings” was not created")
    await is_accessible(page, "a message in a dialog")
    await messages.get_by_role("button", name="Dismiss").click()
    await expect(messages).to_be_empty()
    assert await dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("status", name="Messages")).to_be_empty()


async def test_a_message_that_leads_away_does_so_when_the_dialog_over_it_is_closed(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba")
    await ann.get_by_role("link", name="Account").click()
    await ann.get_by_role("button", name="Add an account…").click()
    dialog = ann.get_by_role("dialog", name="Add an account")
    await expect(dialog).to_be_visible()
    await card(bob, "Sell the tuba").press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()
    message = dialog.get_by_role("status", name="Messages").get_by_text("Bob assigned you")
    await message.hover()  # so that it stays
    await expect(dialog.get_by_role("button", name="Open")).to_have_count(0)
    await ann.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await ann.get_by_role("status", name="Messages").get_by_role("button", name="Open").click()
    await expect(ann.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")


async def cut_labels(route: Route) -> None:
    await (route.abort() if "CreateLabel" in (route.request.post_data or "") else route.continue_())


async def test_nothing_moves_in_the_dialog_of_a_new_task_when_its_fields_come(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    may_come = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route(re.compile(r"/assets/NewTaskFields[^/]*\.js"), hold)
    await page.reload()
    await is_live(page)
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New task")
    button = dialog.get_by_role("button", name="Create task")
    before = await button.bounding_box()
    fields = dialog.get_by_role("button", name="Priority")
    await expect(fields).to_have_count(0)
    may_come.set()
    await expect(fields).to_be_visible()
    assert await button.bounding_box() == before


async def test_a_new_task_takes_over_what_is_filtered_by(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    bob_id = (await account_of(bob))["id"]
    await ann.get_by_role("link", name="List", exact=True).click()
    await ann.get_by_role("button", name="Status", exact=True).click()
    await ann.get_by_role("menuitemcheckbox", name="In progress").click()
    status = ann.url.partition("?")[2]
    await ann.goto(f"{ann.url.partition('?')[0]}?{status}&assignee={bob_id}&priority=LOW&due=week")
    await is_live(ann)
    await ann.keyboard.press("c")
    dialog = ann.get_by_role("dialog", name="New task")
    for name in ("Assignees: Bob", "Priority: Low"):
        await expect(dialog.get_by_role("button", name=name)).to_be_visible()
    await expect(dialog.get_by_role("button", name="Due date: No day")).to_have_count(0)
    await expect(dialog.get_by_label("Status")).to_have_js_property("selectedOptions.0.label", "In progress")
    await ann.keyboard.type("Shown")
    await ann.keyboard.press("Enter")
    await ann.keyboard.press("Escape")
    await expect(card(ann, "Shown")).to_contain_text("Low")
    await expect(card(bob, "Shown")).to_be_visible()
    await expect(ann.get_by_text("the filters hide it")).to_have_count(0)


async def test_a_new_task_has_the_first_status_where_the_chosen_one_is_deleted_meanwhile(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await bob.keyboard.press("c")
    dialog = bob.get_by_role("dialog", name="New task")
    status = dialog.get_by_label("Status")
    await status.select_option(label="In progress")
    await ann.get_by_role("link", name="Settings").click()
    await ann.get_by_role("link", name="Statuses").click()
    await ann.get_by_role("button", name="Delete In progress").click()
    await ann.get_by_role("button", name="Delete status").click()
    await expect(status.get_by_role("option", name="In progress")).to_have_count(0)
    await expect(status).to_have_js_property("selectedOptions.0.label", "To do")
    await dialog.get_by_label("Title").fill("Tune the violin")
    await bob.keyboard.press("Enter")
    await expect(card(bob, "Tune the violin", "To do")).to_be_visible()
    await ann.get_by_role("link", name="Board").click()
    await expect(card(ann, "Tune the violin", "To do")).to_be_visible()


async def test_long_names_stay_in_the_boxes_of_a_new_task(open_page: OpenPage) -> None:
    page = await sign_up(
        lambda path, **options: open_page(path, viewport={"width": 360, "height": 740}, **options), "Wolfes" * 12
    )
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New task")
    await dialog.get_by_role("button", name="Assignees: Nobody").click()
    await page.get_by_role("menuitemcheckbox", name="Wolfes").click()
    await page.keyboard.press("Escape")
    left = await dialog.get_by_role("button", name="Assignees: Wolfes").bounding_box()
    right = await dialog.get_by_role("button", name="Priority").bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] < right["x"]


async def test_a_press_beside_a_menu_leaves_its_dialog_open(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New task")
    await dialog.get_by_role("button", name="Priority: No priority").click()
    await expect(page.get_by_role("menuitemradio", name="High")).to_be_visible()
    await page.mouse.click(5, 5)
    await expect(page.get_by_role("menuitemradio", name="High")).to_have_count(0)
    await expect(dialog).to_be_visible()
    await page.mouse.click(5, 5)
    await expect(dialog).to_have_count(0)


async def test_a_card_shows_four_lines_of_a_title_and_the_next_one_stands_below(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    workspace_id = await page.evaluate("() => localStorage.getItem('tutti.workspace')")
    titles = ["long words " * 45, "Longwordwithoutanend" * 20, "Short"]
    await page.evaluate(ASK, [CREATE, [{"workspaceId": workspace_id, "title": title} for title in titles]])
    await expect(card(page, "Short")).to_be_visible()
    boxes = []
    for title in titles[:2]:
        long = card(page, title[:20])
        assert await long.evaluate(LINES) == 4
        await expect(long.get_by_title(title.strip())).to_be_visible()
        boxes.append(await long.bounding_box())
    boxes.append(await card(page, "Short").bounding_box())
    ordered = sorted((box["y"], box["y"] + box["height"]) for box in boxes if box)
    assert [round(below[0] - above[1]) for above, below in itertools.pairwise(ordered)] == [8, 8]


async def test_a_subtask_that_is_half_written_waits_at_its_task(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Rehearse", "Tune")
    await open_task(page, "Rehearse")
    part = page.get_by_role("textbox", name="New subtask")
    await part.fill("Find a ro")
    await page.get_by_role("button", name="Next task").click()
    await expect(page.get_by_label("Title")).to_have_value("Tune")
    await expect(part).to_have_value("")
    await page.get_by_role("button", name="Previous task").click()
    await expect(part).to_have_value("Find a ro")
    await page.get_by_role("button", name="Close task").click()
    await page.reload()
    await open_task(page, "Rehearse")
    await expect(part).to_have_value("Find a ro")
    await part.press("Enter")
    await expect(part).to_have_value("")
    await expect(page.get_by_role("heading", name="Subtasks 0 of 1 done")).to_be_visible()
    await page.get_by_role("textbox", name="Write a comment").fill("Where?")
    await page.keyboard.press("Control+Enter")
    await page.get_by_role("button", name="Close task").click()
    await expect(card(page, "Rehearse").get_by_text(" comment", exact=True)).to_have_text(" comment")
