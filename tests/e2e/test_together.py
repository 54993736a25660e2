"""People at one task in real browsers: talking, seeing each other, and writing in the same place."""

import asyncio
import re

from playwright.async_api import Page, Route, expect

from tests.e2e.conftest import PATIENCE_MS, OpenPage
from tests.e2e.documents import CHANGE, CREATE
from tests.e2e.network import network_of
from tests.e2e.test_client import (
    NO_REPLICA,
    STORED,
    card,
    create,
    has_stored,
    is_accessible,
    is_live,
    sign_up,
    two_on_a_board,
    until,
)
from tests.stack_fixture import TestStack, sql

EXPIRE = """() => {
    const accounts = JSON.parse(localStorage.getItem("tutti.accounts"));
    accounts[0].accessTokenExpiresAt = new Date().toISOString();
    localStorage.setItem("tutti.accounts", JSON.stringify(accounts));
    return accounts[0].accessToken;
}"""
"""Lets the access token of this browser be due, and tells it."""
KEYS = """keys => {
    for (const name of keys) {
        const key = name.replace("Alt+", "");
        const press = new KeyboardEvent("keydown", { key, altKey: name !== key, bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(press);
    }
}"""
"""Presses keys one after the other, with no time for a frame between them."""
NOTE_DIALOG = """() => new MutationObserver((_, observer) => {
    const dialog = document.querySelector("dialog");
    if (!dialog) return;
    globalThis.hadFocus = dialog.contains(document.activeElement);
    observer.disconnect();
}).observe(document.body, { childList: true, subtree: true })"""
"""Notes in `hadFocus` whether the next dialog had the focus as soon as it was there."""
ABOVE = """([title, y]) => [...document.querySelectorAll("[data-task]")]
    .some(card => card.textContent.includes(title) && card.getBoundingClientRect().y < y)"""
IS_ABOVE = """titles => {
    const cards = [...document.querySelectorAll("[data-task]")];
    const [above, below] = titles.map(title => cards.find(card => card.textContent.includes(title)))
        .map(card => card.getBoundingClientRect());
    return above.height > 100 && above.bottom < below.top;
}"""
"""Whether a card is high, and the one below it has made room for it."""
NOTE_SILENCE = """() => {
    const look = () => { globalThis.wasSilent ||= document.body.textContent.includes("Nobody has said anything yet"); };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""
"""Notes in `wasSilent` whether it was ever shown from now on that there are no comments."""
PRUNE = """
    UPDATE workspace_heads SET floor_seq = seq WHERE workspace_id = '{0}';
    DELETE FROM events WHERE workspace_id = '{0}';
"""
"""What retention does, to all of a workspace."""
RENEWED = "old => JSON.parse(localStorage.getItem('tutti.accounts'))[0].accessToken !== old"


async def open_task(page: Page, title: str) -> None:
    await card(page, title).click()
    await expect(page.get_by_role("textbox", name="Title")).to_be_visible()


async def test_people_at_a_task_see_each_other_and_talk(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Rehearse")
    await open_task(ann, "Rehearse")
    await open_task(bob, "Rehearse")
    await expect(card(ann, "Rehearse")).to_contain_text("Bob is looking")
    await expect(ann.get_by_role("group", name="Online: Ann, Bob")).to_be_visible()
    await bob.get_by_role("textbox", name="Title").focus()
    await expect(ann.get_by_text("Bob is editing the title")).to_be_visible()
    await expect(ann.get_by_text("Bob is editing the title")).not_to_be_visible(timeout=15_000)  # he types no more

    await ann.get_by_role("textbox", name="Write a comment").press_sequentially("Are you ready, @b")
    await expect(bob.get_by_role("complementary")).to_contain_text("Ann is commenting")
    await expect(ann.get_by_role("option", name="Bob")).to_be_visible()
    await ann.keyboard.press("Enter")
    await ann.keyboard.press("Control+Enter")
    said = bob.get_by_role("article", name="Comment by Ann")
    await expect(said).to_contain_text("Are you ready, @Bob")
    await said.get_by_role("button", name="Answer").click()
    await bob.keyboard.type("**Always**")
    await bob.keyboard.press("Control+Enter")
    answer = ann.get_by_role("article", name="Comment by Bob")
    await expect(answer.locator("strong")).to_have_text("Always")
    await answer.get_by_role("button", name="Add a reaction").click()
    await answer.get_by_role("button", name="Hooray").click()
    await expect(bob.get_by_role("button", name="🎉 1, by Ann")).to_be_visible()
    await expect(card(bob, "Rehearse")).to_contain_text("2 comments")
    await is_accessible(ann, "comments")

    await bob.get_by_role("article", name="Comment by Bob").get_by_role("button", name="More for this comment").click()
    await bob.get_by_role("menuitem", name="Delete").click()
    undo = bob.get_by_role("status", name="Messages").get_by_role("button", name="Undo")
    await undo.hover()  # it stays for as long as somebody points at it
    await expect(answer).to_have_count(0)
    await undo.click()
    await expect(answer.locator("strong")).to_have_text("Always")

    own = ann.get_by_role("article", name="Comment by Ann")
    await own.get_by_role("button", name="More for this comment").click()
    await ann.get_by_role("menuitem", name="Edit").click()
    await expect(ann.get_by_role("textbox", name="Edit the comment")).to_have_value(re.compile("Are you ready, @bob"))
    await ann.get_by_role("textbox", name="Edit the comment").fill("Are we?")
    await ann.keyboard.press("Control+Enter")
    await expect(said).to_contain_text("edited")
    await own.get_by_role("button", name="Resolve").click()
    await expect(bob.get_by_text("Resolved: Are we?")).to_be_visible()
    await bob.close()
    await expect(ann.get_by_role("group", name="Online: Ann", exact=True)).to_be_visible()
    await ann.get_by_role("link", name="Members").click()
    await expect(ann.get_by_role("listitem").filter(has_text="@bob")).to_contain_text("Last seen")


async def test_a_field_in_which_somebody_types_is_not_overwritten_and_they_choose(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Play it")
    await open_task(ann, "Play it")
    await open_task(bob, "Play it")
    mine = bob.get_by_role("textbox", name="Title")
    await mine.fill("Play it softly")
    await ann.get_by_role("textbox", name="Title").fill("Play it loud")
    await ann.keyboard.press("Enter")
    await expect(bob.get_by_text("Changed meanwhile.")).to_be_visible()
    await expect(mine).to_have_value("Play it softly")
    await mine.press("Enter")
    choice = bob.get_by_role("dialog", name="Ann changed this too")
    await expect(choice).to_contain_text("Play it loud")
    await is_accessible(bob, "conflict")
    await bob.get_by_role("button", name="Decide later").click()
    await bob.reload()
    await choice.get_by_role("textbox", name="Your title").fill("Play it loud, then softly")
    await choice.get_by_role("button", name="Keep mine").click()
    await expect(card(ann, "Play it loud, then softly")).to_be_visible()
    await expect(choice).to_have_count(0)


async def test_what_somebody_types_stays_whatever_others_do(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Talk", "Other")
    await open_task(ann, "Talk")
    await open_task(bob, "Talk")
    for page, text in ((ann, "Well?"), (bob, "Mine")):
        await page.get_by_role("textbox", name="Write a comment").fill(text)
        await page.keyboard.press("Control+Enter")
    asked = bob.get_by_role("article", name="Comment by Ann")
    await asked.get_by_role("button", name="Answer").click()
    await bob.keyboard.type("Yes")
    await ann.get_by_role("article", name="Comment by Ann").get_by_role("button", name="Resolve").click()
    await expect(asked.get_by_role("button", name="Reopen")).to_be_attached()
    await bob.keyboard.type(" indeed")
    answer = bob.get_by_role("textbox", name="Answer")
    await expect(answer).to_have_value("Yes indeed")

    await bob.get_by_role("article", name="Comment by Bob").get_by_role("button", name="More for this comment").click()
    await bob.get_by_role("menuitem", name="Edit").click()
    await bob.get_by_role("textbox", name="Edit the comment").fill("Mine, too")
    await bob.get_by_role("textbox", name="Title").fill("Talk more")
    await bob.reload()
    await expect(bob.get_by_role("textbox", name="Edit the comment")).to_have_value("Mine, too")
    await expect(answer).to_have_value("Yes indeed")
    await expect(bob.get_by_role("textbox", name="Title")).to_have_value("Talk more")
    await bob.get_by_role("button", name="Save title").click()
    await expect(card(ann, "Talk more")).to_be_visible()

    await answer.press("End")
    await bob.keyboard.type("!")
    await ann.get_by_role("button", name="Delete task").click()
    await expect(bob.get_by_role("heading", name="This task is not here.")).to_be_visible()
    await bob.keyboard.type(" cjx")
    await expect(bob.get_by_role("textbox", name="What you wrote as an answer")).to_have_value("Yes indeed! cjx")
    await expect(bob.get_by_role("textbox", name="What you wrote as a comment")).to_have_value("Mine, too")
    await is_accessible(bob, "what is left of a deleted task")
    await bob.keyboard.press("Escape")
    await expect(bob.get_by_role("heading", name="This task is not here.")).to_have_count(0)


async def test_what_two_wrote_without_a_network_meets_and_what_is_refused_goes_back(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Title", "Gone")
    await expect(card(bob, "Gone")).to_be_visible()
    networks = [network_of(ann), network_of(bob)]
    for network in networks:
        network.cut()
    for page, title in ((ann, "Title of Ann"), (bob, "Title of Bob")):
        await expect(page.get_by_role("status", name="Connection")).to_contain_text("Reconnecting")
        await open_task(page, "Title")
        await page.get_by_role("textbox", name="Title").fill(title)
        await page.keyboard.press("Enter")
    await bob.get_by_role("textbox", name="Write a comment").fill("From the train")
    await bob.keyboard.press("Control+Enter")
    await bob.get_by_role("button", name="Close task").click()
    await open_task(bob, "Gone")
    field = bob.get_by_role("textbox", name="Write a comment")
    await field.press_sequentially("For @an")
    await expect(bob.get_by_role("option", name="Ann")).to_be_visible()
    await bob.keyboard.press("Enter")
    await bob.keyboard.press("Control+Enter")
    await expect(field).to_have_value("")
    await field.fill("And more")
    await bob.get_by_role("textbox", name="Title").fill("Still here")
    await bob.keyboard.press("Enter")
    await expect(card(bob, "Still here")).to_be_visible()
    await ann.get_by_role("button", name="Close task").click()
    await open_task(ann, "Gone")
    await ann.get_by_role("button", name="Delete task").click()
    await has_stored(ann, 2)

    networks[0].mend()
    await is_live(ann)
    await has_stored(ann, 0)  # all that she changed has arrived
    networks[1].mend()
    messages = bob.get_by_role("status", name="Messages")
    await expect(messages).to_contain_text("Your comment was not sent: “For @ann")
    await expect(messages).to_contain_text("was changed back")
    left = bob.get_by_role("textbox", name="What you wrote as a comment")
    await expect(left).to_have_value(re.compile("^And more\n\nFor @ann"))
    choice = bob.get_by_role("dialog", name="Ann changed this too")
    await expect(choice).to_contain_text("Title of Ann")
    await choice.get_by_role("button", name="Keep theirs").click()
    await expect(card(bob, "Title of Ann")).to_be_visible()
    await expect(card(bob, "Still here")).to_have_count(0)
    await ann.get_by_role("link", name="Board").click()
    await open_task(ann, "Title of Ann")
    await expect(ann.get_by_role("article", name="Comment by Bob")).to_contain_text("From the train")


async def test_a_link_that_dies_without_a_word_is_noticed_and_what_was_under_way_is_done_once(
    open_networked: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Rehearse")
    for page in (ann, bob):
        await open_task(page, "Rehearse")
    network = network_of(ann)
    network.freeze(answers_only=True)
    await ann.get_by_role("textbox", name="Write a comment").fill("Once")
    await ann.keyboard.press("Control+Enter")
    by_ann = bob.get_by_role("article", name="Comment by Ann")
    await expect(by_ann).to_be_visible()  # it is done, and she does not hear of it
    network.freeze()
    await ann.get_by_role("textbox", name="Title").fill("Rehearse twice")
    await ann.keyboard.press("Enter")
    await bob.get_by_role("textbox", name="Write a comment").fill("Meanwhile")
    await bob.keyboard.press("Control+Enter")
    status = ann.get_by_role("status", name="Connection")
    await expect(status).to_have_text("Reconnecting…, 2 changes wait", timeout=2 * PATIENCE_MS)  # no pong has come
    await expect(card(bob, "Rehearse twice")).to_have_count(0)

    network.mend()
    await is_live(ann)
    await has_stored(ann, 0)
    for page in (ann, bob):
        await expect(card(page, "Rehearse twice")).to_contain_text("2 comments")
        await expect(page.get_by_role("article", name="Comment by Ann")).to_have_count(1)
        await expect(page.get_by_role("article", name="Comment by Bob")).to_contain_text("Meanwhile")


async def test_what_was_sent_on_a_line_that_went_silent_is_sent_again_over_the_next(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Before")
    await until(page, STORED, "Before")
    is_silent = True

    async def request(route: Route) -> None:
        if not is_silent:  # otherwise it is never answered
            await route.continue_()

    await page.route("**/graphql", request)
    await create(page, "Heard")
    status = page.get_by_role("status", name="Connection")
    await expect(status).to_have_text("Live, 1 change waits")
    await page.get_by_role("link", name="Account").click()
    await expect(status).to_have_text("Live, 1 change waits")
    await page.get_by_role("link", name="Board").click()
    await expect(card(page, "Heard")).to_be_visible()
    await expect(status).to_have_text("Live, 1 change waits")
    network = network_of(page)
    network.cut()
    is_silent = False
    network.mend()
    await expect(status).to_have_text("All changes saved")
    await is_live(page)
    await has_stored(page, 0)


async def test_an_expired_cursor_leaves_what_is_typed_and_a_refused_reaction_goes_back(
    open_networked: OpenPage, stack: TestStack
) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Talk")
    await open_task(ann, "Talk")
    await open_task(bob, "Talk")
    for page, text in ((ann, "Said by Ann"), (bob, "Said by Bob")):
        await page.get_by_role("textbox", name="Write a comment").fill(text)
        await page.keyboard.press("Control+Enter")
    by_ann = bob.get_by_role("article", name="Comment by Ann")
    await expect(by_ann).to_be_visible()
    await bob.get_by_role("article", name="Comment by Bob").get_by_role("button", name="More for this comment").click()
    await bob.get_by_role("menuitem", name="Edit").click()
    edited = bob.get_by_role("textbox", name="Edit the comment")
    await edited.fill("Said by me")
    await has_stored(bob, 0)
    status = bob.get_by_role("status", name="Connection")
    network_of(bob).cut()
    await expect(status).to_contain_text("Reconnecting")
    own = ann.get_by_role("article", name="Comment by Ann")
    await own.get_by_role("button", name="More for this comment").click()
    await ann.get_by_role("menuitem", name="Delete").click()
    await has_stored(ann, 0)
    workspace_id = await ann.evaluate("() => localStorage.getItem('tutti.workspace').split('_')[1]")
    await asyncio.to_thread(sql, stack.database_url, PRUNE.format(workspace_id))
    await bob.evaluate(NOTE_SILENCE)
    network_of(bob).mend()
    await is_live(bob)
    await expect(by_ann).to_have_count(0)
    await bob.keyboard.type(", too")
    await expect(edited).to_have_value("Said by me, too")
    assert not await bob.evaluate("globalThis.wasSilent")

    network_of(bob).cut()
    await expect(status).to_contain_text("Reconnecting")
    await bob.get_by_role("button", name="Add a reaction").first.click()
    await bob.get_by_role("button", name="Hooray").click()
    reaction = bob.get_by_role("button", name="🎉 1, by Bob")
    await expect(reaction).to_be_visible()
    await bob.get_by_role("button", name="Close task").click()
    await open_task(bob, "Talk")
    await expect(reaction).to_be_visible()
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    await expect(ann.get_by_role("status", name="Messages")).to_contain_text("Bob")
    network_of(bob).mend()
    await expect(bob.get_by_role("status", name="Messages")).to_contain_text("was changed back")
    await expect(reaction).to_have_count(0)


async def test_signing_out_asks_before_it_loses_changes(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Before")
    await until(page, STORED, "Before")
    network_of(page).cut()
    await create(page, "Precious")
    await has_stored(page, 1)
    await page.get_by_role("link", name="Account").click()
    await expect(page.get_by_role("status", name="Connection")).to_contain_text("1 change waits")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    question = page.get_by_role("dialog", name="Sign out and lose changes?")
    await expect(question).to_contain_text("1 change is not saved yet")
    await question.get_by_role("button", name="Cancel").click()
    await has_stored(page, 1)
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await question.get_by_role("button", name="Sign out and lose them").click()
    await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await until(page, NO_REPLICA)


async def test_signing_out_in_one_tab_signs_out_all(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    other = await page.context.new_page()
    await other.goto("/")
    await is_live(other)
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await other.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('tutti.viewer'))")


async def test_several_tasks_are_selected_and_changed_together(open_page: OpenPage) -> None:
    page, bob = await two_on_a_board(open_page)
    await create(page, "First", "Second", "Third", "Other")
    await expect(card(bob, "Other")).to_contain_text("-")
    await card(page, "First").focus()
    await page.keyboard.press("x")
    await card(page, "Third").click(modifiers=["Shift"])
    bar = page.get_by_role("toolbar", name="Selected tasks")
    await expect(bar).to_contain_text("3 selected")
    await is_accessible(page, "selection")
    await bar.get_by_role("button", name="Priority").click()
    await page.get_by_role("menuitemradio", name="Urgent").click()
    await expect(bar.get_by_role("button", name="Priority")).to_be_focused()  # the menu has given the focus back
    messages = page.get_by_role("status", name="Messages")
    undo = messages.get_by_role("button", name="Undo").first
    await undo.hover()  # it stays for as long as somebody points at it
    await card(page, "Second").focus()
    await page.keyboard.press("i")
    for title in ("First", "Second", "Third"):
        await expect(card(page, title)).to_contain_text("Urgent")
        await expect(card(page, title).get_by_title("Ann")).to_be_visible()
        await expect(card(bob, title)).to_contain_text("Urgent")
    await expect(card(page, "Other")).not_to_contain_text("Urgent")
    await undo.click()
    for title in ("First", "Second", "Third"):
        await expect(card(bob, title)).not_to_contain_text("Urgent")
        await expect(card(bob, title).get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(messages).to_contain_text("The last change of 3 tasks was undone")
    await expect(card(bob, "Third").get_by_title("Ann")).to_have_count(0)
    await expect(card(page, "First")).not_to_contain_text("Urgent")
    await page.keyboard.press("Escape")
    await expect(bar).to_have_count(0)
    await expect(page.get_by_role("main", name="Board")).to_be_visible()


ASK = """async ([query, inputs]) => {
    const { accessToken } = JSON.parse(localStorage.getItem("tutti.accounts"))[0];
    const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
    for (const input of inputs) {
        const body = JSON.stringify({ query, variables: { input } });
        const answer = await (await fetch("/graphql", { method: "POST", headers, body })).json();
        if (answer.errors) throw new Error(answer.errors[0].message);
    }
}"""
"""Sends a mutation for each of some inputs, as the person of the page."""


async def test_many_that_were_archived_together_all_come_back_by_undo(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    workspace_id = await page.evaluate("() => localStorage.getItem('tutti.workspace')")
    inputs = [{"workspaceId": workspace_id, "title": f"Task {number:02}"} for number in range(60)]
    await page.evaluate(ASK, [CREATE, inputs])
    await page.get_by_role("link", name="List").click()
    await expect(page.get_by_role("main")).to_contain_text("60 tasks")
    await card(page, "Task 00").focus()
    await page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="Selected tasks")
    await expect(bar).to_contain_text("1 selected")  # it takes its room from the list
    await page.locator("main [class*=overflow-y-auto]").first.evaluate("element => element.scrollTop = 1e6")
    await card(page, "Task 59").click(modifiers=["Shift"])
    await expect(bar).to_contain_text("60 selected")
    await bar.get_by_role("button", name="Archive").click()
    await expect(page.get_by_role("main")).to_contain_text("No task yet.")
    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("status", name="Messages")).to_contain_text("The last change of 60 tasks was undone")
    await expect(page.get_by_role("main")).to_contain_text("60 tasks")
    await has_stored(page, 0, seconds=120)  # there and back they go out one by one
    await page.reload()
    await expect(page.get_by_role("main")).to_contain_text("60 tasks")


async def test_what_is_undone_without_a_network_is_seen_at_once_and_outlives_a_reload(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Undo me", "Delete me")
    await expect(card(bob, "Delete me")).to_contain_text("-")
    await card(ann, "Undo me").focus()
    await ann.keyboard.press("p")
    await ann.get_by_role("menuitemradio", name="Urgent").click()
    await expect(card(bob, "Undo me")).to_contain_text("Urgent")
    await open_task(ann, "Undo me")
    network = network_of(ann)
    await ann.get_by_role("button", name="History").click()
    raised = ann.get_by_role("list", name="History").get_by_role("listitem").filter(has_text="Urgent")
    await expect(raised).to_be_visible()
    network.cut()
    status = ann.get_by_role("status", name="Connection")
    await expect(status).to_contain_text("Reconnecting")

    await raised.get_by_role("button", name="Undo this change by Ann").click()
    await expect(card(ann, "Undo me")).not_to_contain_text("Urgent")
    await expect(raised.get_by_role("button")).to_have_text("Undone, not saved yet")
    await ann.get_by_role("button", name="Close task").click()
    await card(ann, "Undo me").focus()
    await ann.keyboard.press("i")
    await ann.keyboard.press("Alt+ArrowRight")
    await expect(card(ann, "Undo me", "In progress").get_by_title("Ann")).to_be_visible()
    await ann.keyboard.press("Control+z")
    await expect(ann.get_by_text("The last change of “Undo me” was undone")).to_be_visible()
    await expect(card(ann, "Undo me", "To do").get_by_title("Ann")).to_be_visible()
    await open_task(ann, "Delete me")
    await ann.get_by_role("button", name="Delete task").click()
    await expect(card(ann, "Delete me")).to_have_count(0)
    await ann.get_by_role("status", name="Messages").get_by_role("button", name="Undo").click()
    await expect(card(ann, "Delete me")).to_be_visible()
    await expect(status).to_contain_text("6 changes wait")
    await has_stored(ann, 6)

    await ann.reload()
    await expect(status).to_contain_text("6 changes wait")
    await expect(card(ann, "Delete me")).to_be_visible()
    await expect(card(ann, "Undo me", "To do").get_by_title("Ann")).to_be_visible()
    await expect(card(ann, "Undo me")).not_to_contain_text("Urgent")
    await card(ann, "Undo me").focus()
    await ann.keyboard.press("Control+z")
    await expect(card(ann, "Undo me").get_by_title("Ann")).to_have_count(0)
    await has_stored(ann, 7)
    network.mend()
    await is_live(ann)
    await expect(status).to_have_text("Live")
    for page in (ann, bob):
        await expect(card(page, "Undo me", "To do")).not_to_contain_text("Urgent")
        await expect(card(page, "Undo me").get_by_title("Ann")).to_have_count(0)
        await expect(card(page, "Delete me")).to_be_visible()


async def test_what_was_archived_together_is_undone_together_after_a_reload_too(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "One", "Other", "Third")
    await expect(card(page, "Third")).to_contain_text("-")
    network = network_of(page)
    await has_stored(page, 0)
    network.cut()
    for title in ("One", "Other"):
        await card(page, title).click(modifiers=["Control"])
    await page.get_by_role("toolbar", name="Selected tasks").get_by_role("button", name="Archive").click()
    await expect(card(page, "Other")).to_have_count(0)
    await has_stored(page, 2)
    await page.reload()
    await expect(card(page, "Third")).to_be_visible()
    await expect(card(page, "One")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("The last change of 2 tasks was undone")).to_be_visible()
    for title in ("One", "Other"):
        await expect(card(page, title)).to_be_visible()


async def test_a_change_is_undone_by_its_key_and_from_the_history(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Undo me")
    await card(page, "Undo me").focus()
    await page.keyboard.press("Alt+ArrowRight")
    await expect(card(page, "Undo me", "In progress")).to_be_focused()
    await page.keyboard.press("i")
    await expect(card(page, "Undo me").get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Undo me").get_by_title("Ann")).to_have_count(0)
    await open_task(page, "Undo me")
    await page.get_by_role("button", name="History").click()
    moved = page.get_by_role("list", name="History").get_by_role("listitem").filter(has_text="In progress")
    await moved.get_by_role("button", name="Undo this change by Ann").click()
    await expect(card(page, "Undo me", "To do")).to_be_visible()

    await page.clock.install()
    await page.get_by_role("button", name="Delete task").click()
    undo = page.get_by_role("status", name="Messages").get_by_role("button", name="Undo")
    await undo.hover()
    await page.clock.fast_forward(9_000)  # it would be gone by now if nobody pointed at it
    await undo.click()
    await expect(card(page, "Undo me", "To do")).to_be_visible()


async def test_keys_that_come_faster_than_frames_all_do_what_they_say(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Fast", "Other")
    await card(page, "Fast").focus()
    await page.evaluate(KEYS, ["Alt+ArrowRight", "i", "Alt+ArrowRight", "x"])
    await expect(card(page, "Fast", "Done")).to_be_focused()
    await expect(card(page, "Fast").get_by_title("Ann")).to_be_visible()
    await expect(page.get_by_role("toolbar", name="Selected tasks")).to_contain_text("1 selected")
    await page.evaluate(NOTE_DIALOG)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox")).to_be_focused()
    assert await page.evaluate("hadFocus")
    await page.keyboard.press("Escape")
    await expect(card(page, "Fast", "Done")).to_be_focused()
    await page.evaluate("performance.now = () => 500")  # as early as that after the page was loaded
    await page.keyboard.press("i")
    await expect(card(page, "Fast", "Done").get_by_title("Ann")).to_have_count(0)
    await expect(card(page, "Fast", "Done")).to_be_focused()


async def test_a_long_history_is_shown_to_its_beginning(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "First", "Second")
    await expect(card(page, "Second")).to_contain_text("-")
    await expect(card(page, "First")).to_contain_text("-")
    task = await card(page, "First").get_attribute("data-task")
    await page.evaluate(ASK, [CHANGE, [{"id": task, "priority": "URGENT"}]])
    await expect(card(page, "First")).to_contain_text("Urgent")
    await card(page, "First").focus()
    await page.evaluate(KEYS, ["Alt+ArrowDown", "Alt+ArrowUp"] * 16)  # more of these than a page, and none is told
    await has_stored(page, 0)
    await open_task(page, "First")
    await page.get_by_role("button", name="History").click()
    history = page.get_by_role("list", name="History", exact=True)
    await expect(history.get_by_role("listitem")).to_have_count(2)
    await expect(history).to_contain_text("Urgent")
    await expect(history).to_contain_text("made this task")
    await page.get_by_role("button", name="Close task").click()
    await page.evaluate(ASK, [CHANGE, [{"id": task, "estimate": n} for n in range(30)]])
    await open_task(page, "First")
    await page.get_by_role("button", name="History").click()
    await expect(history.get_by_role("listitem")).to_have_count(30)
    await expect(history).not_to_contain_text("made this task")
    await page.get_by_role("button", name="Show earlier").click()
    await expect(history).to_contain_text("made this task")
    await expect(history.get_by_role("listitem")).to_have_count(32)
    await expect(page.get_by_role("button", name="Show earlier")).to_have_count(0)


async def test_what_one_does_by_keys_and_menus_is_said(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "First", "Second", "Third")
    await expect(page.locator("[data-task]")).to_have_count(3)
    said = page.get_by_role("log", name="What you did")
    await card(page, "First").focus()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(said).to_have_text("First is now in To do, 2 of 3.")
    await page.keyboard.press("Alt+ArrowRight")
    await expect(said).to_have_text("First is now in In progress, 1 of 1.")
    await page.keyboard.press("i")
    await expect(said).to_have_text("First is assigned to you.")
    for key, choice, sentence in (
        ("p", "Urgent", "The priority of First is now: Urgent."),
        ("s", "Done", "First is now in Done."),
        ("d", "No day", "First is due on no day."),
    ):
        await page.keyboard.press(key)
        await page.get_by_role("menuitemradio", name=choice).click()
        await expect(said).to_have_text(sentence)
        await expect(card(page, "First")).to_be_focused()
    again = await said.text_content()
    await page.keyboard.press("d")
    await page.get_by_role("menuitemradio", name="No day").click()
    await expect(said).to_have_text("First is due on no day.")
    await expect(page.get_by_role("menu")).to_have_count(0)
    assert await said.text_content() != again  # so that it is read out again
    await card(page, "First").focus()
    await page.keyboard.press(" ")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("First")


async def test_others_change_nothing_under_the_pointer_and_what_they_do_is_said(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "First", "Second", "Third")
    for page in (ann, bob):
        await expect(card(page, "Third")).to_contain_text("-3")
    await card(ann, "Third").hover()
    before = await card(ann, "Third").bounding_box()
    first = await card(ann, "First").bounding_box()
    await open_task(bob, "First")
    await expect(card(ann, "First").get_by_title("Bob is looking")).to_be_visible()
    assert await card(ann, "First").bounding_box() == first
    changed = {"id": await card(bob, "First").get_attribute("data-task"), "title": f"First{' of many words' * 9}"}
    await bob.evaluate(ASK, [CHANGE, [changed]])
    await expect(card(ann, "First")).to_contain_text("of many words")
    await ann.wait_for_function(IS_ABOVE, arg=["First", "Second"])
    assert await card(ann, "Third").bounding_box() == before
    await bob.get_by_role("button", name="Close task").click()
    await card(bob, "First").focus()
    await bob.keyboard.press("Alt+ArrowRight")
    await expect(card(ann, "First", "In progress")).to_be_visible()
    assert await card(ann, "Third").bounding_box() == before
    said = ann.get_by_role("log", name="What others do")
    await expect(said).to_contain_text(f"Bob moved “{changed['title']}” to In progress.")
    assert before is not None
    await ann.get_by_role("searchbox", name="Filter by text").hover()
    await ann.wait_for_function(ABOVE, arg=["Third", before["y"]])


async def test_on_a_phone_others_move_nothing_that_one_has_scrolled_to(open_page: OpenPage) -> None:
    ann = await sign_up(open_page, "Ann", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    workspace_id = await ann.evaluate("() => localStorage.getItem('tutti.workspace')")
    await ann.evaluate(ASK, [CREATE, [{"workspaceId": workspace_id, "title": f"Task {n:02}"} for n in range(25)]])
    await ann.get_by_role("link", name="List").tap()
    await expect(card(ann, "Task 12")).to_have_count(1)
    await ann.locator("main [class*=overflow-y-auto]").first.evaluate("element => element.scrollTop = 200")
    other = await ann.context.new_page()
    await other.goto(ann.url.replace("/list", "/board"))
    await ann.bring_to_front()
    before = await card(ann, "Task 12").bounding_box()
    await card(other, "Task 00").focus()
    await other.keyboard.press("Alt+ArrowRight")
    await expect(ann.get_by_role("heading", name="In progress 1")).to_be_visible()
    assert await card(ann, "Task 12").bounding_box() == before


async def test_tabs_renew_their_session_once_and_all_go_on(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    other = await page.context.new_page()
    await other.goto("/")
    await is_live(other)
    renewals: list[str] = []
    page.context.on(
        "request", lambda asked: renewals.append(asked.url) if "refreshSession" in (asked.post_data or "") else None
    )
    still = await page.context.new_page()
    await still.goto("/verify")  # a page that renews nothing
    for tab in (page, other):
        await tab.goto("about:blank")
    old = await still.evaluate(EXPIRE)
    await asyncio.gather(page.goto("/"), other.goto("/"))
    for tab in (page, other):
        await is_live(tab)
        await tab.wait_for_function(RENEWED, arg=old)
    assert len(renewals) == 1
    assert "?" not in renewals[0]
