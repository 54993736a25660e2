"""Settings, members, devices and notifications: what one person does there, and what the other sees of it."""

import asyncio
import re
import uuid
from collections import Counter

from playwright.async_api import Page, Route, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import INVITE
from tests.e2e.network import network_of
from tests.e2e.test_client import (
    ASK,
    NO_ACCOUNT,
    NO_REPLICA,
    PASSWORD,
    STORED,
    arrive,
    card,
    create,
    found_team,
    has_stored,
    is_accessible,
    is_live,
    make_team,
    open_task,
    sign_up,
    to_board,
    two_on_a_board,
    until,
)

ONE_REPLICA = (
    "async () => (await indexedDB.databases()).filter(({ name }) => name.includes('.workspace_')).length === 1"
)
"""Whether this browser keeps one workspace, and no more."""
KEEP_OLD = """async () => {
    const isReplica = ({ name }) => name.startsWith("tutti.replica");
    const { name } = (await navigator.locks.query()).held.find(isReplica);
    void navigator.locks.request(name, () => new Promise(() => undefined));
    while (!(await navigator.locks.query()).pending.some(isReplica));
}"""
"""Lets nobody else store rows any more, once the page that does it now has gone."""
TYPE_LONG = """field => {
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    set.call(field, "x".repeat(100_001));
    field.dispatchEvent(new Event("input", { bubbles: true }));
}"""
SEND_TWICE = "field => { field.form.requestSubmit(); field.form.requestSubmit(); }"
NOTE_ADDRESSES = """
    globalThis.addresses = [];
    for (const name of ["pushState", "replaceState"]) {
        const change = history[name];
        history[name] = function (state, unused, url) {
            addresses.push(String(url));
            return change.call(this, state, unused, url);
        };
    }
"""


async def to_settings(page: Page, section: str) -> None:
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("navigation", name="Settings").get_by_role("link", name=section).click()


async def test_a_role_changes_live_and_who_is_removed_is_shown_out_kindly(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Duet")
    await expect(card(bob, "Duet")).to_contain_text("-")  # it has a key: the server has it
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    await expect(bob.get_by_text("You are a viewer here now")).to_be_visible()
    await expect(ann.get_by_text("Bob is now a viewer")).to_be_visible()
    undo = ann.get_by_role("status", name="Messages").get_by_role("button", name="Undo")
    await undo.hover()  # it stays for as long as somebody points at it
    await expect(bob.get_by_role("button", name="New task", exact=True)).to_have_count(0)
    await undo.click()
    await expect(bob.get_by_role("button", name="New task", exact=True)).to_be_visible()
    await expect(ann.get_by_label("Role of Bob")).to_have_value("MEMBER")
    await open_task(bob, "Duet")
    await bob.get_by_role("textbox", name="Write a comment").fill("Half a comm")
    await bob.get_by_role("button", name="Close task").click()
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    await expect(bob.get_by_role("button", name="New task", exact=True)).to_have_count(0)
    await card(bob, "Duet").focus()
    for key in ("Alt+ArrowRight", "i", "s", "x"):
        await bob.keyboard.press(key)
    messages = bob.get_by_role("status", name="Messages")
    await expect(messages.get_by_text("You may look at tasks here, and not change them")).to_have_count(3)
    await expect(card(bob, "Duet")).to_be_visible()
    await expect(bob.get_by_role("menu")).to_have_count(0)
    await expect(messages).not_to_contain_text("changed back")
    await bob.keyboard.press(" ")
    await expect(bob.get_by_role("complementary", name="Task")).to_be_visible()

    await ann.get_by_role("button", name="More for Bob").click()
    await ann.get_by_role("menuitem", name="Remove from workspace…").click()
    await ann.get_by_role("button", name="Remove Bob").click()
    await expect(bob.get_by_role("heading", name="You are no longer in “Quartet”.")).to_be_visible()
    await expect(bob.get_by_role("main")).to_contain_text("or it was deleted with all that was in it")
    await expect(bob.get_by_role("textbox", name="What you wrote as a comment")).to_have_value("Half a comm")
    await expect(ann.get_by_role("list", name="Members").get_by_text("Bob")).to_have_count(0)
    await expect(ann.get_by_text("Only you are in Quartet so far.")).to_be_visible()
    await bob.get_by_role("button", name="Workspace:").click()
    await expect(bob.get_by_role("menuitemradio")).to_have_text(["Personal"])

    await to_settings(ann, "Audit log")
    entries = ann.get_by_role("list", name="Audit log").get_by_role("listitem")
    await expect(entries.first).to_contain_text("Ann removed Bob, who was a viewer")


async def test_who_is_made_a_viewer_keeps_what_they_were_writing(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Duet")
    await open_task(bob, "Duet")
    part = bob.get_by_role("textbox", name="New subtask")
    await part.fill("Half a subt")
    await bob.get_by_role("button", name="Edit description").click()
    await bob.get_by_role("textbox", name="Description").fill("Half a descr")
    comment = bob.get_by_role("textbox", name="Write a comment")
    await comment.press_sequentially("Half a comm")
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    left = bob.get_by_role("textbox", name="What you wrote as a comment")
    await expect(left).to_have_value("Half a comm")
    await expect(left).to_be_focused()
    await expect(bob.get_by_role("textbox", name="What you wrote as a subtask")).to_have_value("Half a subt")
    await expect(bob.get_by_role("textbox", name="What you wrote as the description")).to_have_value("Half a descr")
    await expect(bob.get_by_role("textbox", name="Description", exact=True)).to_have_count(0)
    await expect(bob.get_by_role("button", name="Discard")).to_have_count(3)
    await is_accessible(bob, "what a viewer wrote before")
    await ann.get_by_label("Role of Bob").select_option(label="Member")
    await expect(comment).to_have_value("Half a comm")
    await expect(part).to_have_value("Half a subt")
    text = bob.get_by_role("textbox", name="Description", exact=True)
    await expect(text).to_have_value("Half a descr")
    await expect(left).to_have_count(0)

    title = bob.get_by_role("textbox", name="Title", exact=True)
    await title.fill("Half a tit")
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    line = bob.get_by_role("textbox", name="What you wrote as the title")
    await expect(line).to_have_value("Half a tit")
    await expect(title).to_be_focused()
    await line.click()
    await title.press("Enter")
    await title.press("Escape")
    await card(bob, "Duet").click()
    await expect(line).to_have_value("Half a tit")
    await bob.get_by_role("textbox", name="What you wrote as the description").fill("Half a descr, and more")
    await bob.locator("[data-holds-keys] > div").filter(has=line).get_by_role("button", name="Discard").click()
    await ann.get_by_label("Role of Bob").select_option(label="Member")
    await expect(text).to_have_value("Half a descr, and more")
    await expect(title).to_have_value("Duet")
    await expect(bob.get_by_text("The title is not saved yet.")).to_have_count(0)


async def test_whoever_has_a_page_open_that_belongs_to_no_workspace_is_here_too(open_page: OpenPage) -> None:
    ann = await arrive(open_page, "Ann")
    path, invite = await found_team(ann)
    for name, page in (("Bob", "/inbox"), ("Cid", "/account")):
        await (await arrive(open_page, name, invite)).goto(page)
    await to_board(ann, path)
    await expect(ann.get_by_role("group", name="Online: Ann, Bob, Cid")).to_be_visible()


async def test_on_a_phone_a_member_is_seen_at_a_glance(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann", viewport={"width": 360, "height": 740})
    await page.get_by_role("link", name="Members").click()
    member = page.get_by_role("list", name="Members").get_by_role("listitem")
    [online, owner] = [await member.get_by_text(word, exact=True).bounding_box() for word in ("Online", "Owner")]
    assert online
    assert owner
    assert abs(online["y"] - owner["y"]) < online["height"] / 2
    row = await member.bounding_box()
    assert row
    assert row["height"] < 96


async def test_ownership_is_handed_over_and_the_former_owner_may_leave(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_role("button", name="More for Bob").click()
    await ann.get_by_role("menuitem", name="Make owner…").click()
    await ann.get_by_role("button", name="Make Bob owner").click()
    await expect(bob.get_by_text("You are the owner here now")).to_be_visible()

    await to_settings(ann, "General")
    await ann.get_by_role("button", name="Leave workspace…").click()
    await ann.get_by_role("button", name="Leave", exact=True).click()
    await expect(ann.locator("#root > [data-toasts]")).to_contain_text("You have left “Quartet”")
    await expect(ann.get_by_role("main", name="Board")).to_be_visible()
    await expect(ann.get_by_role("button", name="New task", exact=True)).to_be_visible()
    await ann.get_by_role("button", name="Workspace:").click()
    await expect(ann.get_by_role("menuitemradio")).to_have_count(1)
    await bob.get_by_role("link", name="Members").click()
    await expect(bob.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(1)


async def test_who_was_removed_while_away_is_told_so_and_led_on(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await bob.get_by_role("link", name="Account").click()
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_role("button", name="More for Bob").click()
    await ann.get_by_role("menuitem", name="Remove from workspace…").click()
    await ann.get_by_role("button", name="Remove Bob").click()
    await expect(ann.get_by_role("list", name="Members").get_by_text("Bob")).to_have_count(0)
    await bob.get_by_role("link", name="Board").click()
    await expect(bob.get_by_role("heading", name="You are no longer in “Quartet”.")).to_be_visible()
    await bob.get_by_role("link", name="To your other tasks").click()
    await expect(bob.get_by_role("main", name="Board")).to_be_visible()
    await until(bob, ONE_REPLICA)


async def test_settings_reach_the_other_person_and_refusals_stand_at_their_fields(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Tune the violin")
    await card(ann, "Tune the violin").focus()
    await ann.keyboard.press("Alt+ArrowRight")
    await expect(card(bob, "Tune the violin", "In progress")).to_be_visible()

    await to_settings(ann, "Statuses")
    await ann.get_by_role("button", name="New status").click()
    dialog = ann.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Done")
    await dialog.get_by_role("button", name="Create status").click()
    await expect(dialog.get_by_label("Name")).to_have_accessible_description("This name is taken in the workspace.")
    await dialog.get_by_label("Name").fill("In rehearsal")
    await dialog.get_by_role("button", name="Create status").click()
    await expect(bob.get_by_role("region", name="In rehearsal")).to_be_visible()
    await ann.get_by_role("button", name="Delete In progress").click()
    await dialog.get_by_label("Its tasks go to").select_option(label="In rehearsal")
    await dialog.get_by_role("button", name="Delete status").click()
    await expect(card(bob, "Tune the violin", "In rehearsal")).to_be_visible()
    await expect(bob.get_by_role("region", name="In progress")).to_have_count(0)

    await to_settings(ann, "General")
    await ann.get_by_label("Address").fill("No such thing")
    await ann.get_by_role("button", name="Save changes").click()
    await expect(ann.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    slug = f"octet-{uuid.uuid4().hex[:8]}"
    await ann.get_by_label("Address").fill(slug)
    await ann.get_by_label("Name").fill("Octet")
    await ann.get_by_role("button", name="Save changes").click()
    await bob.wait_for_url(f"**/w/{slug}/board")
    await expect(bob.get_by_role("button", name="Workspace: Octet")).to_be_visible()
    await ann.wait_for_url(f"**/w/{slug}/settings/general")


async def test_what_is_made_by_a_form_is_made_once_and_what_is_refused_stands_at_its_field(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await page.get_by_role("button", name="Workspace:").click()
    await page.get_by_role("menuitem", name="New workspace").click()
    await page.get_by_label("Name").fill("Quintet")
    await page.get_by_label("Description").evaluate(TYPE_LONG)
    await page.get_by_role("button", name="Create workspace").click()
    await expect(page.get_by_label("Description")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "false")
    await page.get_by_label("Description").fill("We are five.")
    await page.get_by_label("Name").evaluate(SEND_TWICE)
    await expect(page.get_by_role("button", name="Workspace: Quintet")).to_be_visible()
    await to_settings(page, "Labels")
    await page.get_by_role("button", name="New label").click()
    await page.get_by_label("Name").fill("Strings")
    await page.get_by_label("Name").evaluate(SEND_TWICE)
    await expect(page.get_by_role("button", name="Edit Strings")).to_have_count(1)
    await expect(page.get_by_role("dialog")).to_have_count(0)  # a second label of this name would have been refused
    await page.reload()
    await page.get_by_role("button", name="Workspace: Quintet").click()
    await expect(page.get_by_role("menuitemradio")).to_have_count(2)


async def test_lists_of_more_than_a_hundred_are_whole(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await make_team(page)
    workspace_id = await page.evaluate("() => localStorage.getItem('tutti.workspace')")
    await page.evaluate(ASK, [INVITE, [{"workspaceId": workspace_id, "role": "MEMBER"}] * 101])
    await page.get_by_role("link", name="Members").click()
    await expect(page.get_by_role("list", name="Open invites").get_by_role("listitem")).to_have_count(102)
    await to_settings(page, "Audit log")
    entries = page.get_by_role("list", name="Audit log").get_by_role("listitem")
    await expect(entries).to_have_count(50)
    await page.get_by_role("button", name="Show older ones").click()
    await expect(entries).to_have_count(100)
    await page.evaluate(ASK, [INVITE, [{"workspaceId": workspace_id, "role": "VIEWER"}]])
    await expect(entries.first).to_contain_text("viewer")
    await expect(entries).to_have_count(101)
    await page.get_by_role("button", name="Show older ones").click()
    await expect(page.get_by_role("button", name="Show older ones")).to_have_count(0)
    await expect(entries.last).to_contain_text("joined as the owner")


async def test_a_notification_arrives_live_opens_its_task_and_is_read_by_that(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba")
    await expect(card(ann, "Sell the tuba")).to_be_visible()
    await ann.get_by_role("link", name="Account").click()
    await card(bob, "Sell the tuba").focus()
    await bob.keyboard.press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()

    await expect(ann.get_by_role("status", name="Messages")).to_contain_text("Bob assigned you")
    await expect(ann).to_have_title("(1) Account · Tutti")
    await ann.get_by_role("link", name="Inbox 1 unread").click()
    async with ann.expect_response(lambda answer: "MarkNotices" in (answer.request.post_data or "")):
        await ann.get_by_role("button", name="Sell the tuba", exact=False).filter(has_text="Bob assigned you").click()
    await expect(ann.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")
    await expect(ann.get_by_role("link", name="Inbox", exact=True)).to_be_visible()

    # Of several messages of one person about one task, the latest is shown.
    await ann.get_by_role("link", name="Account").click()
    messages = ann.get_by_role("status", name="Messages")
    await bob.keyboard.press("Escape")
    await card(bob, "Sell the tuba").focus()
    for key, status in (("Right", "In progress"), ("Right", "Done"), ("Left", "In progress"), ("Left", "To do")):
        await bob.keyboard.press(f"Alt+Arrow{key}")
        await expect(messages).to_contain_text(f"moved the task to {status}")
        await expect(messages.get_by_role("button", name="Open")).to_have_count(1)
        await messages.get_by_role(
            "button", name="Open"
        ).hover()  # none goes by itself as long as somebody points at one
    async with ann.expect_response(lambda answer: "MarkNotices" in (answer.request.post_data or "")):
        await ann.go_back()
    await expect(ann.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")

    # What happens to the task in view needs no words: it is read as it comes.
    await bob.keyboard.press("Escape")
    await card(bob, "Sell the tuba").focus()
    async with ann.expect_response(lambda answer: "MarkNotices" in (answer.request.post_data or "")):
        await bob.keyboard.press("Alt+ArrowRight")
    await expect(card(ann, "Sell the tuba", "In progress")).to_be_visible()
    await ann.goto("/inbox?show=unread")
    await expect(ann.get_by_role("heading", name="All read.")).to_be_visible()
    await ann.get_by_role("button", name="All", exact=True).click()
    await expect(ann.get_by_text("moved the task to In progress")).to_be_visible()


async def test_marking_as_read_is_not_tried_without_end_where_it_fails(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    tries: list[str] = []
    may_fail = asyncio.Event()

    async def fails(route: Route) -> None:
        if "MarkNotices" in (route.request.post_data or ""):
            tries.append(route.request.url)
            await may_fail.wait()
            await route.abort()
        else:
            await route.continue_()

    async def say(title: str, text: str) -> None:
        await card(bob, title).click()
        await expect(bob.get_by_role("textbox", name="Title")).to_have_value(title)
        await bob.get_by_role("textbox", name="Write a comment").fill(text)
        await bob.keyboard.press("Control+Enter")

    await ann.route("**/graphql", fails)
    await create(ann, "Sell the tuba", "Buy a horn")
    await card(ann, "Sell the tuba").click()
    async with ann.expect_request(lambda asked: "MarkNotices" in (asked.post_data or "")):
        await say("Sell the tuba", "One")
    await say("Buy a horn", "Which one?")  # of which ann is told while the first try is under way
    await expect(ann.get_by_role("link", name="Inbox 2 unread")).to_be_visible()
    async with ann.expect_event("requestfailed"):
        may_fail.set()
    for _ in range(2):  # until the page has taken notice of it
        await ann.evaluate("() => new Promise(requestAnimationFrame)")
    await expect(ann.get_by_role("link", name="Inbox 2 unread")).to_be_visible()
    await say("Sell the tuba", "Two")
    await expect(ann.get_by_role("article", name="Comment by Bob")).to_have_count(2)
    await expect(ann.get_by_role("link", name="Inbox 2 unread")).to_be_visible()
    await bob.get_by_role("button", name="Close task").click()
    await card(bob, "Sell the tuba").press("Alt+ArrowRight")
    await expect(ann.get_by_role("link", name="Inbox 3 unread")).to_be_visible()
    assert 1 <= len(tries) <= 3


async def test_the_inbox_shows_what_was_chosen_also_after_a_reload(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(bob, "Sell the tuba")
    await card(bob, "Sell the tuba").focus()
    await bob.keyboard.press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()
    await bob.keyboard.press("Escape")
    await ann.get_by_role("link", name="Inbox").click()
    await ann.get_by_role("button", name="More for Sell the tuba").click()
    await ann.get_by_role("menuitem", name="Mark read").click()
    await card(bob, "Sell the tuba").click()
    await bob.get_by_role("textbox", name="Write a comment").press_sequentially("Really, @a")
    await expect(bob.get_by_role("option", name="Ann")).to_be_visible()
    await bob.keyboard.press("Enter")
    await bob.keyboard.press("Control+Enter")
    assigned, mentioned = ann.get_by_text("assigned you"), ann.get_by_role("main").get_by_text("mentioned you")
    await expect(mentioned).to_be_visible()
    for name, is_both in (("Mentions", False), ("Unread", False), ("All", True)):
        await ann.get_by_role("group", name="Show").get_by_role("button", name=name).click()
        for _ in range(2):
            await expect(ann.get_by_role("button", name=name, pressed=True)).to_be_visible()
            await expect(mentioned).to_be_visible()
            await expect(assigned).to_have_count(1 if is_both else 0)
            await ann.reload()
    await mentioned.click()
    said = ann.get_by_role("article", name="Comment by Bob")
    await expect(said).to_be_in_viewport()
    await expect(said).to_have_attribute("aria-current", "true")


async def test_alike_notifications_of_a_task_are_one_row_of_the_inbox(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Sell the tuba")
    await ann.get_by_role("link", name="Inbox").click()
    await card(bob, "Sell the tuba").click()
    rows = ann.get_by_role("main").get_by_role("listitem")
    read = ann.get_by_role("button", name="More for Sell the tuba")

    async def say(text: str) -> None:
        await bob.get_by_role("textbox", name="Write a comment").fill(text)
        await bob.keyboard.press("Control+Enter")
        await expect(rows.first).to_contain_text(text)

    for text, said in (("One", "Bob commented"), ("Two", "Bob commented twice"), ("Three", "Bob commented 3 times")):
        await say(text)
        await read.first.click()
        await ann.get_by_role("menuitem", name="Mark read").click()
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(said)
        await expect(read).to_be_focused()
    await say("Four")
    await expect(rows).to_have_count(2)
    await expect(ann.get_by_role("link", name="Inbox 1 unread")).to_be_visible()
    await read.last.click()
    await ann.get_by_role("menuitem", name="Mark unread").click()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Bob commented 4 times")
    await expect(ann.get_by_role("link", name="Inbox 4 unread")).to_be_visible()
    await is_accessible(ann, "groups in the inbox")
    await rows.get_by_role("button", name="Bob commented 4 times").click()
    await expect(ann.get_by_role("article", name="Comment by Bob").last).to_have_attribute("aria-current", "true")
    await expect(ann.get_by_role("link", name="Inbox", exact=True)).to_be_visible()
    await ann.reload()
    await expect(ann.get_by_role("link", name="Inbox", exact=True)).to_be_visible()


async def test_a_task_stays_open_in_another_project_whose_rules_are_its_own(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Sell the tuba")
    await to_settings(page, "Projects")
    await page.get_by_role("button", name="New project").click()
    await page.get_by_label("Name").fill("Brass")
    await page.get_by_role("button", name="Create project").click()
    await page.get_by_role("link", name="Board").click()
    await card(page, "Sell the tuba").click()
    await page.get_by_role("textbox", name="Write a comment").fill("To whom?")
    moved = re.compile("/board/BRAS-1$")
    await expect(page).not_to_have_url(moved)
    before = page.url
    await until(page, STORED, "Sell the tuba")
    other = await page.context.new_page()
    await other.goto("/verify")
    await other.evaluate(KEEP_OLD)
    await page.reload()
    await expect(page.get_by_role("textbox", name="Write a comment")).to_have_value("To whom?")
    await page.get_by_role("button", name="Project:").click()
    await page.get_by_role("menuitemradio", name="Brass").click()
    await expect(page.get_by_role("button", name="Project: Brass")).to_be_visible()
    await expect(page).to_have_url(moved)
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")
    await expect(page.get_by_role("textbox", name="Write a comment")).to_have_value("To whom?")
    await has_stored(page, 0)

    # A page that knows it from before it was moved does not lead back to where it was.
    network = network_of(page)
    network.freeze(sockets_only=True)
    await page.add_init_script(NOTE_ADDRESSES)
    async with page.expect_response(lambda answer: "query TaskByKey" in (answer.request.post_data or "")):
        await page.reload()
    network.mend()
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")
    await expect(page).to_have_url(moved)
    addresses = await page.evaluate("addresses")
    assert not any(before.endswith(address) for address in addresses), addresses

    await page.goto(before)  # a link that somebody sent before
    await expect(page).to_have_url(moved)
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Sell the tuba")

    await page.goto("/account/notifications")
    mail = page.get_by_role("switch", name="You are assigned: Email")
    await expect(mail).to_be_checked()
    await page.get_by_label("For", exact=True).select_option(label="Project Brass")
    async with page.expect_response(lambda answer: "UpdateNoticeRule" in (answer.request.post_data or "")):
        await mail.click()
    await page.reload()
    await expect(mail).to_be_checked()
    await page.get_by_label("For", exact=True).select_option(label="Project Brass")
    await expect(mail).not_to_be_checked()
    async with page.expect_response(lambda answer: "UpdateNoticeRule" in (answer.request.post_data or "")):
        await page.get_by_role("button", name="You are assigned: as in all of").click()
    await expect(mail).to_be_checked()


async def test_preferences_are_kept(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann", "/account/notifications")
    mail = page.get_by_role("switch", name="You are assigned: Email")
    await expect(mail).to_be_checked()
    note = page.get_by_role("note").filter(has_text="No email comes before you have confirmed")
    await expect(note.get_by_role("link", name="Confirm it")).to_have_attribute("href", "/account/security")
    await mail.click()
    await expect(mail).not_to_be_checked()
    async with page.expect_response(lambda answer: "UpdateNoticeSettings" in (answer.request.post_data or "")):
        await page.get_by_role("switch", name="Quiet hours").click()
    await page.get_by_label("To", exact=True).fill("20:00")
    await expect(page.get_by_text("Quiet hours end at another time than they begin.").first).to_be_visible()
    await expect(page.get_by_label("To", exact=True)).to_have_value("08:00")
    async with page.expect_response(lambda answer: "UpdateNoticeSettings" in (answer.request.post_data or "")):
        await page.get_by_label("Emails come").select_option(label="Together, every day")
    await page.reload()
    await expect(mail).not_to_be_checked()
    await expect(page.get_by_label("From", exact=True)).to_have_value("20:00")
    await expect(page.get_by_label("Emails come")).to_have_value("DAILY")


async def test_a_device_is_signed_out_from_another_one(open_page: OpenPage) -> None:
    here = await sign_up(open_page, "Ann")
    email = await here.evaluate("() => JSON.parse(localStorage.getItem('tutti.accounts'))[0].email")
    there = await open_page("/sign-in", is_refused=True)
    await there.get_by_label("Email").fill(email)
    await there.get_by_role("link", name="Forgot your password?").click()
    await expect(there.get_by_label("Email")).to_have_value(email)
    await there.goto("/account/devices")
    await expect(there.get_by_text("Sign in to open this page")).to_be_visible()
    await expect(there.get_by_role("button", name="Sign in to my account")).to_be_visible()
    await there.goto("/sign-in")
    await there.get_by_role("button", name="Create account").click()
    await there.get_by_label("Your name").fill("Ann")
    await there.get_by_label("Email").fill(email)
    await there.get_by_label("Password").fill(PASSWORD)
    await there.get_by_role("button", name="Create my account").click()
    await there.get_by_role("button", name="Sign in with this address").click()
    await expect(there.get_by_label("Email")).to_have_value(email)

    async def sign_in() -> None:
        await there.get_by_label("Email").fill(email)
        await there.get_by_label("Password").fill(PASSWORD)
        await there.get_by_role("button", name="Sign in to my account").click()
        await is_live(there)

    await sign_in()
    await create(there, "Tune the violin")
    await open_task(there, "Tune the violin")
    draft = there.get_by_role("textbox", name="Write a comment")
    await draft.fill("Half a comm")
    await expect(there).to_have_title(re.compile(r"^\S+-1 Tune the violin · Tutti$"))
    await here.get_by_role("link", name="Account").click()
    await here.get_by_role("link", name="Devices").click()
    devices = here.get_by_role("list", name="Devices").get_by_role("listitem")
    await expect(devices).to_have_count(2)
    await expect(devices.first).to_contain_text(re.compile(r"Signed in (to|yester)day at \d\d:\d\d, in use now"))
    size = here.viewport_size
    await here.set_viewport_size({"width": 360, "height": 700})
    for device in (devices.first, devices.last):
        [button, name] = [
            await part.bounding_box() for part in (device.get_by_role("button"), device.get_by_role("paragraph").first)
        ]
        assert button is not None
        assert name is not None
        assert button["x"] >= name["x"] + name["width"]
    if size:
        await here.set_viewport_size(size)
    ending = devices.last.get_by_role("button", name="Sign out")
    await expect(ending).to_have_accessible_description(re.compile(r"^Signed in \w+ at \d\d:\d\d, used "))
    await ending.click()
    await expect(devices).to_have_count(1)
    await expect(devices.first.get_by_role("button", name="Sign out this device")).to_be_focused()
    await expect(there.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await expect(there.get_by_text("You were signed out.")).to_be_visible()
    await expect(there).to_have_title("Tutti")
    await until(there, NO_REPLICA)
    assert email not in await there.evaluate("() => JSON.stringify(localStorage)")
    await is_live(here)

    await expect(there.get_by_label("Email")).to_have_value(email)
    await there.get_by_label("Password").fill(PASSWORD)
    await there.get_by_role("button", name="Sign in to my account").click()
    await expect(draft).to_have_value("Half a comm")
    await is_live(there)
    await here.reload()
    await here.get_by_role("button", name="Sign out everywhere…").click()
    await here.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    for page in (here, there):
        await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
        await page.wait_for_function(NO_ACCOUNT)
    await expect(here.get_by_text("You were signed out.")).to_have_count(0)
    await expect(there.get_by_text("You were signed out.")).to_be_visible()


async def test_the_account_changes_and_ends_with_the_password_in_hand(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann", "/account/profile")
    await page.get_by_label("Name", exact=True).fill("Ann Bell")
    await page.get_by_label("Handle").fill("a")
    await page.get_by_role("button", name="Save profile").click()
    await expect(page.get_by_label("Handle")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Handle").fill(f"ann-{uuid.uuid4().hex[:8]}")
    await page.get_by_label("Name", exact=True).fill("  Ann Bell")
    await page.get_by_role("button", name="Save profile").click()
    await expect(page.get_by_text("Your profile is changed")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Ann Bell")
    await expect(page.get_by_role("button", name="Save profile")).to_be_disabled()

    sent = Counter[str]()
    await page.get_by_role("link", name="Sign-in").click()
    page.on("request", lambda request: sent.update(named(request.post_data or "")))
    await page.get_by_role("button", name="Send the link to confirm it again…").click()
    again = page.get_by_role("dialog", name="Send the link again")
    await again.get_by_label("Your password, for this").fill(PASSWORD)
    await again.get_by_role("button", name="Send the link").click()
    await expect(again).to_have_count(0)
    await expect(page.get_by_role("status", name="Messages")).to_contain_text("A link is on its way")
    await page.get_by_role("textbox", name="New address").fill(f"{uuid.uuid4().hex}@example.com")
    await page.get_by_label("Your password, for this").fill(PASSWORD)
    await page.get_by_label("Your password, for this").evaluate(SEND_TWICE)
    await expect(page.get_by_text("A link is on its way to")).to_be_visible()
    await page.get_by_label("Current password").fill("not the password")
    await page.get_by_label("New password").fill("another password")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Current password").fill(PASSWORD)
    await page.get_by_label("Current password").evaluate(SEND_TWICE)
    await expect(page.get_by_text("Your password is changed")).to_be_visible()
    await is_live(page)

    await page.get_by_role("button", name="Delete account…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Your password, for this").fill("another password")
    await dialog.get_by_label("Your password, for this").evaluate(SEND_TWICE)
    await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await page.wait_for_function(NO_ACCOUNT)
    assert sent == {"requestEmailChange": 2, "changePassword": 2, "deleteAccount": 1}


def named(body: str) -> list[str]:
    """Those of the account's mutations that a request asks for."""
    return [name for name in ("requestEmailChange", "changePassword", "deleteAccount") if f"{name}(" in body]
