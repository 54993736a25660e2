"""What people do in real browsers without a network, or on a line that went silent: it waits, and is done once."""

import asyncio
import re

from playwright.async_api import Request, Route, expect

from tests.e2e.conftest import PATIENCE_MS, OpenPage
from tests.e2e.documents import CHANGE
from tests.e2e.network import network_of
from tests.e2e.test_client import (
    ASK,
    NO_REPLICA,
    STORED,
    account_of,
    card,
    create,
    has_stored,
    is_live,
    open_task,
    retitle,
    sign_up,
    two_on_a_board,
    until,
)
from tests.stack_fixture import TestStack, sql

IS_KEPT = "async () => Boolean((await navigator.serviceWorker.getRegistration())?.active)"
"""Whether the pages' files are in the browser."""
NOTE_SILENCE = """() => {
    const look = () => { globalThis.wasSilent ||= document.body.textContent.includes("Nobody has said anything yet"); };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""
"""Notes in `wasSilent` whether it was ever shown from now on that there are no comments."""
SPOIL = """async () => {
    const { name } = (await indexedDB.databases()).find(({ name }) => /[.]workspace_/.test(name));
    await new Promise((done, fail) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => fail(opening.error);
        opening.onsuccess = () => {
            const writing = opening.result.transaction("replica", "readwrite");
            const store = writing.objectStore("replica");
            store.put("another", "shape");
            const rows = IDBKeyRange.bound("row:", "row:z");
            store.openCursor(rows).onsuccess = ({ target: { result } }) => {
                if (!result) return;
                result.update({ __typename: result.value.__typename, id: result.value.id, version: 1 });
                result.continue();
            };
            writing.oncomplete = () => { opening.result.close(); done(); };
        };
    });
}"""
"""Makes the rows of the replica what a build might have stored that asked for less."""
KEPT = """async name => {
    const kept = (await indexedDB.databases()).find(({ name }) => name.endsWith(".kept"));
    if (!kept) return null;
    const row = await new Promise((done, fail) => {
        const opening = indexedDB.open(kept.name);
        opening.onerror = () => fail(opening.error);
        opening.onsuccess = () => {
            const reading = opening.result.transaction("replica").objectStore("replica").get("row:" + name);
            reading.onsuccess = () => { opening.result.close(); done(reading.result); };
        };
    });
    return row?.data;
}"""
"""What this browser keeps by this name for when there is no connection."""
ARE_TOLD = f"""async expected => {{
    const told = (await ({KEPT})("notifications"))?.map(({{ task, readAt }}) => [task.title, readAt !== null]);
    return JSON.stringify(told) === JSON.stringify(expected);
}}"""
"""Whether these notifications are kept: of which task, and whether each is read; the newest first."""
ARE_MINE = f"""async expected => {{
    const tasks = await ({KEPT})("tasks");
    return JSON.stringify(tasks?.nodes.map(({{ title }}) => title).sort()) === JSON.stringify(expected);
}}"""
"""Whether the tasks of these titles are kept as those of the person."""
LONGEST_RETRY_MS = 15_000
LONG_WAITED_TRIES = 6
"""After so many the next try comes late."""
PRUNE = """
    UPDATE workspace_heads SET floor_seq = seq WHERE workspace_id = '{0}';
    DELETE FROM events WHERE workspace_id = '{0}';
"""
"""What retention does, to all of a workspace."""


async def test_what_two_wrote_without_a_network_meets_and_what_is_refused_goes_back(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Title", "Gone")
    await expect(card(bob, "Gone")).to_be_visible()
    await has_stored(ann, 0)
    networks = [network_of(ann), network_of(bob)]
    for network in networks:
        network.cut()
    for page, title in ((ann, "Title of Ann"), (bob, "Title of Bob")):
        await expect(page.get_by_role("status", name="Connection")).to_contain_text("Reconnecting")
        await open_task(page, "Title")
        await retitle(page, title)
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
    await retitle(bob, "Still here")
    await expect(card(bob, "Still here")).to_be_visible()
    await ann.get_by_role("button", name="Close task").click()
    await open_task(ann, "Gone")
    await ann.get_by_role("button", name="Delete task").click()
    await has_stored(ann, 2)

    networks[0].mend()
    await is_live(ann)
    await has_stored(ann, 0)  # all that she changed has arrived
    networks[1].mend()
    messages = bob.locator("#root > [data-toasts]")  # of the page: what is to be chosen is in a dialog
    await expect(messages).to_contain_text("Your comment was not sent: “For @ann")
    await expect(messages).to_contain_text(
        re.compile(r"Your change is not saved“QUA\w*-2 Gone” was deleted meanwhile\.")
    )
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
    await retitle(ann, "Rehearse twice")
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
    await create(bob, "Too late")
    await open_task(bob, "Talk")
    await expect(reaction).to_be_visible()
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_label("Role of Bob").select_option(label="Viewer")
    await expect(ann.get_by_role("status", name="Messages")).to_contain_text("Bob")
    network_of(bob).mend()
    await expect(bob.get_by_role("status", name="Messages")).to_contain_text("was changed back")
    await expect(bob.get_by_role("status", name="Messages")).to_contain_text("“Too late” was not created")
    await bob.wait_for_function("Object.values({ ...sessionStorage }).includes('Too late')")
    await expect(reaction).to_have_count(0)


async def test_a_page_opens_without_a_server_and_sends_later_what_was_done_meanwhile(
    open_networked: OpenPage,
) -> None:
    page = await sign_up(open_networked, "Ann", service_workers="allow")
    await create(page, "Before")
    await until(page, STORED, "Before")
    await has_stored(page, 0)
    await until(page, IS_KEPT)
    network = network_of(page)
    network.cut(files_too=True)
    await create(page, "Written offline")
    await has_stored(page, 1)
    await page.reload()
    await expect(card(page, "Written offline")).to_be_visible()
    await expect(card(page, "Before")).to_be_visible()
    await expect(page.get_by_role("status", name="Connection")).to_contain_text("1 change waits")
    await page.get_by_role("link", name="Settings").click()  # a page that was never open here
    await expect(page.get_by_role("heading", name="Settings", level=2)).to_be_visible()
    network.mend()
    await is_live(page)
    await has_stored(page, 0)
    await page.reload()
    await expect(page.get_by_role("heading", name="Settings", level=2)).to_be_visible()
    await is_live(page)


async def test_what_waits_where_one_is_no_more_is_sent_as_soon_as_the_link_is_back(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Before")
    await has_stored(page, 0)
    await page.clock.install()
    await page.reload()
    await is_live(page)
    network_of(page).cut()
    await create(page, "Late")
    await page.get_by_role("link", name="Account").click()

    def sent(request: Request) -> bool:
        return "Late" in (request.post_data or "")

    for _ in range(LONG_WAITED_TRIES):
        async with page.expect_event("requestfailed", sent):
            await page.clock.fast_forward(LONGEST_RETRY_MS)
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 1"))
    network_of(page).mend()
    connection = page.get_by_role("status", name="Connection")
    async with page.expect_request(sent):
        while "Live" not in await connection.inner_text():
            await page.evaluate("dispatchEvent(new Event('online'))")  # it is tried again now
            await page.clock.run_for(1)
        await page.clock.run_for(1)
    await page.clock.resume()
    await has_stored(page, 0)


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
    await has_stored(ann, 0)
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
    await expect(ann.get_by_text("The status of “Undo me” is To do again")).to_be_visible()
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


async def test_what_was_undone_is_done_again_also_without_a_network(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Before")
    await has_stored(page, 0)
    network_of(page).cut()
    await expect(page.get_by_role("status", name="Connection")).to_contain_text("Reconnecting")
    await create(page, "Late")
    await card(page, "Late").focus()
    await page.keyboard.press("Alt+ArrowRight")
    await expect(card(page, "Late", "In progress")).to_be_focused()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Late", "To do")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Late")).to_have_count(0)
    await page.keyboard.press("Control+Shift+z")
    await expect(card(page, "Late", "To do")).to_be_visible()
    await page.keyboard.press("Control+Shift+z")
    await expect(card(page, "Late", "In progress")).to_be_visible()
    network_of(page).mend()
    await is_live(page)
    await has_stored(page, 0)
    await page.reload()
    await expect(card(page, "Late", "In progress")).to_be_visible()

    await card(page, "Late").focus()
    await page.keyboard.press("i")
    await expect(card(page, "Late").get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Late").get_by_title("Ann")).to_have_count(0)
    await has_stored(page, 0)
    task = await card(page, "Late").get_attribute("data-task")
    me = (await account_of(page))["id"]
    await page.evaluate(ASK, [CHANGE, [{"id": task, "addAssigneeIds": [me]}]])
    await expect(card(page, "Late").get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+Shift+z")
    await expect(page.get_by_text("There is nothing to do again")).to_be_visible()


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
    await expect(card(page, "Third")).to_be_focused()
    await has_stored(page, 2)
    await page.reload()
    await expect(card(page, "Third")).to_be_visible()
    await expect(card(page, "One")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("2 tasks are out of the archive again")).to_be_visible()
    for title in ("One", "Other"):
        await expect(card(page, title)).to_be_visible()


async def test_my_tasks_and_the_inbox_are_as_they_were_read_last(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(lambda path, **options: open_networked(path, service_workers="allow", **options))
    await create(bob, "Sell the tuba")
    await expect(card(bob, "Sell the tuba")).to_contain_text("-")
    await card(bob, "Sell the tuba").focus()
    await bob.keyboard.press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()
    task = ann.get_by_role("region", name="Without a day").get_by_role("link")
    told = ann.get_by_role("main").get_by_text("assigned you")
    note = ann.get_by_role("main").get_by_role("status").filter(has_text="As it was just now. It is read again as soon")
    await ann.get_by_role("link", name="Inbox").click()
    await expect(told).to_be_visible()
    await ann.get_by_role("link", name="My tasks").click()
    await expect(task).to_contain_text("Sell the tuba")
    await until(ann, IS_KEPT)
    network = network_of(ann)
    network.cut(files_too=True)
    await expect(note).to_be_visible()
    await expect(task).to_contain_text("Sell the tuba")
    await ann.get_by_role("link", name="Account").click()
    await ann.get_by_role("link", name="My tasks").click()
    await expect(note).to_be_visible()
    await expect(task).to_contain_text("Sell the tuba")
    await ann.reload()
    await expect(note).to_be_visible()
    await expect(task).to_contain_text("Sell the tuba")
    await ann.get_by_role("link", name="Inbox").click()
    await expect(note).to_be_visible()
    await expect(told).to_be_visible()
    await bob.keyboard.press("Escape")
    await create(bob, "Buy a horn")
    await card(bob, "Buy a horn").focus()
    await bob.keyboard.press("a")
    await bob.get_by_role("menuitemcheckbox", name="Ann").click()
    await has_stored(bob, 0)

    network.mend()
    await is_live(ann)
    await expect(told).to_have_count(2)
    await expect(note).to_have_count(0)
    await expect(ann.get_by_role("status", name="Messages")).to_have_text("")
    await ann.get_by_role("link", name="My tasks").click()
    await expect(task).to_have_count(2)
    await ann.get_by_role("link", name="Account").click()
    await ann.get_by_role("button", name="Sign out", exact=True).click()
    await until(ann, NO_REPLICA)


async def test_the_inbox_and_my_tasks_are_there_without_a_connection_though_nobody_opened_them(
    open_networked: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(lambda path, **options: open_networked(path, service_workers="allow", **options))
    for title in ("Sell the tuba", "Buy a horn"):
        await create(bob, title)
        await expect(card(bob, title)).to_contain_text("-")
        await card(bob, title).focus()
        await bob.keyboard.press("a")
        await bob.get_by_role("menuitemcheckbox", name="Ann").click()
        await bob.keyboard.press("Escape")
        await expect(ann.get_by_role("link", name="Inbox")).to_contain_text("1 unread")
        if title == "Sell the tuba":
            await open_task(ann, title)
            await expect(ann.get_by_role("link", name="Inbox")).not_to_contain_text("unread")
            await ann.keyboard.press("Escape")
    await until(ann, ARE_TOLD, [["Buy a horn", False], ["Sell the tuba", True]])
    await until(ann, ARE_MINE, ["Buy a horn", "Sell the tuba"])
    await card(ann, "Sell the tuba").focus()
    await ann.keyboard.press("i")
    await until(ann, ARE_MINE, ["Buy a horn"])
    await until(ann, IS_KEPT)
    network_of(ann).cut(files_too=True)
    await ann.reload()
    await ann.get_by_role("link", name="My tasks").click()
    await expect(ann.get_by_role("region", name="Without a day").get_by_role("link")).to_contain_text("Buy a horn")
    await ann.get_by_role("link", name="Inbox").click()
    told = ann.get_by_role("main").get_by_role("listitem")
    await expect(told).to_have_count(2)
    await expect(told.first).to_contain_text("Buy a horn")
    await expect(told.first).to_contain_text("Unread:")
    await expect(told.last).to_contain_text("Sell the tuba")
    await expect(told.last).not_to_contain_text("Unread:")
    await expect(ann.get_by_role("main").get_by_role("status").filter(has_text="As it was")).to_be_visible()


async def test_rows_that_another_build_has_stored_are_read_anew_and_what_waits_is_kept(
    open_networked: OpenPage,
) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Sell the tuba")
    await until(page, STORED, "Sell the tuba")
    network_of(page).cut()
    await create(page, "Written offline")
    await has_stored(page, 1)
    await page.evaluate(SPOIL)
    network_of(page).mend()
    await page.reload()
    await expect(card(page, "Written offline")).to_be_visible()
    await expect(card(page, "Sell the tuba")).to_be_visible()
    await has_stored(page, 0)
