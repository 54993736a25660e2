"""Who leaves a browser: what is asked before something is lost, and what stays when a session was ended elsewhere."""

from playwright.async_api import Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.network import network_of
from tests.e2e.test_client import (
    BLANK,
    NO_ACCOUNT,
    NO_REPLICA,
    PASSWORD,
    STORED,
    account_of,
    card,
    create,
    has_stored,
    is_accessible,
    is_live,
    open_task,
    retitle,
    sign_up,
    two_on_a_board,
    until,
)
from tests.e2e.test_tabs import act_as, add_account

IS_REFUSED = """async token => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return (await fetch("/graphql", { method: "POST", headers, body: '{"query":"{ viewer { id } }"}' })).status === 401;
}"""
"""Whether the server has heard that a session was ended: within a second it may still take a change."""
UNSAVED_ALONE = """async ([saved, unsaved]) => {
    const rows = [];
    for (const { name } of await indexedDB.databases()) rows.push(...await new Promise((done, fail) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => fail(opening.error);
        opening.onsuccess = () => {
            const reading = opening.result.transaction("replica").objectStore("replica").getAll();
            reading.onsuccess = () => { opening.result.close(); done(reading.result); };
        };
    }));
    const kept = JSON.stringify([rows, { ...localStorage }]);
    return rows.length === 1 && kept.includes(unsaved) && !kept.includes(saved);
}"""
"""Whether the change that is not saved is all that this browser keeps."""
NOTE_SAVED = """() => {
    const look = () => { globalThis.wasSaved ||= document.body.textContent.includes("All changes saved"); };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Notes in `wasSaved` whether it was ever said from now on that all is saved."""


async def sign_in(page: Page, email: str) -> None:
    if await page.get_by_role("button", name="Sign in", exact=True).is_visible():
        await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in to my account").click()


async def test_signing_out_asks_before_it_loses_changes(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Before")
    await until(page, STORED, "Before")
    await has_stored(page, 0)
    network_of(page).cut()
    await create(page, "Precious")
    await has_stored(page, 1)
    await page.get_by_role("link", name="Account").click()
    await expect(page.get_by_role("status", name="Connection")).to_contain_text("1 change waits")
    dot = await page.get_by_role("status", name="Connection").locator("[aria-hidden]").bounding_box()
    assert dot
    assert dot["width"] == dot["height"]
    await page.get_by_role("button", name="Sign out", exact=True).click()
    question = page.get_by_role("dialog", name="Sign out and lose changes?")
    await expect(page.locator("#root > [role=log][aria-label='What you did']")).to_have_text("Saving…")
    await expect(question).to_contain_text("1 change is not saved yet")
    await expect(question).to_contain_text("so it would be lost")
    await question.get_by_role("button", name="Cancel").click()
    await has_stored(page, 1)
    await page.get_by_role("link", name="Board").click()
    await open_task(page, "Before")
    await page.get_by_role("textbox", name="Write a comment").fill("Not to be lost")
    await page.get_by_role("button", name="Edit description").click()
    await page.get_by_role("textbox", name="Description").fill("Nor this")
    await page.get_by_role("link", name="Account").click()
    await page.reload()
    await expect(page.get_by_role("status", name="Connection")).to_contain_text("1 change waits")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(question).to_contain_text("1 change is not saved yet")
    await expect(question).to_contain_text("2 texts that you have written in this tab are not sent or saved yet")
    await question.get_by_role("button", name="Sign out and lose them").click()
    await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await until(page, NO_REPLICA)


async def test_what_was_typed_is_back_when_one_acts_as_oneself_again_and_nobody_else_reads_it(
    open_page: OpenPage,
) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Tune")
    await card(page, "Tune").click()
    comment = page.get_by_role("textbox", name="Write a comment")
    await comment.fill("Of Ann")
    title = page.get_by_role("dialog", name="New task").get_by_label("Title")
    await type_a_title(page, "Half of Ann")

    await add_account(page, "Eve")
    await type_a_title(page, "Half of Eve")

    await act_as(page, "Ann")
    await page.reload()
    await card(page, "Tune").click()
    await expect(comment).to_have_value("Of Ann")
    await page.get_by_role("button", name="Close task").click()
    await page.get_by_role("button", name="New task", exact=True).click()
    await expect(title).to_have_value("Half of Ann")
    await page.keyboard.press("Escape")

    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    question = page.get_by_role("dialog", name="Sign out and lose what you have written?")
    await expect(question).to_contain_text("2 texts that you have written in this tab are not sent or saved yet")
    await question.get_by_role("button", name="Sign out and lose them").click()
    await page.get_by_role("button", name="Go on as Eve").click()
    await is_live(page)
    kept = await page.evaluate("Object.entries(sessionStorage).filter(([key]) => key.startsWith('tutti.draft'))")
    assert [text for _, text in kept] == ["Half of Eve"]


async def test_signing_out_asks_about_what_was_typed_in_other_tabs_that_are_open(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    other = await page.context.new_page()
    await other.goto(page.url)
    await is_live(other)
    await type_a_title(other, "Half a title")
    await other.reload()
    await is_live(other)
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Sign out", exact=True).click()
    question = page.get_by_role("dialog", name="Sign out and lose what you have written?")
    await expect(question).to_contain_text("1 text that you have written in other tabs is not sent or saved yet")
    await question.get_by_role("button", name="Cancel").click()
    await type_a_title(other, "")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()


async def test_signing_out_everywhere_asks_about_what_is_typed(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await sign_in(await open_page("/sign-in"), (await account_of(page))["email"])
    await type_a_title(page, "Half a title")
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("link", name="Devices").click()
    await page.get_by_role("button", name="Sign out everywhere…").click()
    question = page.get_by_role("dialog", name="Sign out everywhere and lose what you have written?")
    await expect(question).to_contain_text("Both devices are signed out, this one too.")
    await expect(question).to_contain_text("1 text that you have written in this tab is not sent or saved yet")
    await expect(question).to_contain_text("so it would be lost")
    await question.get_by_role("button", name="Cancel").click()
    await page.get_by_role("link", name="Board").click()
    await type_a_title(page, "")
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("link", name="Devices").click()
    await page.get_by_role("button", name="Sign out everywhere…").click()
    question = page.get_by_role("dialog", name="Sign out everywhere?")
    await expect(question).not_to_contain_text("lost")
    await question.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()


async def type_a_title(page: Page, text: str) -> None:
    """Of a task that is not made."""
    await page.get_by_role("button", name="New task", exact=True).click()
    await page.get_by_role("dialog", name="New task").get_by_label("Title").fill(text)
    await page.keyboard.press("Escape")


async def test_a_change_that_is_to_be_decided_about_is_not_said_to_be_saved_and_not_lost_unasked(
    open_networked: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(lambda path, **options: open_networked(path, is_refused=True, **options))
    await create(ann, "Play it")
    await expect(card(bob, "Play it")).to_contain_text("-")
    network_of(bob).cut()
    status = bob.get_by_role("status", name="Connection")
    for page, title in ((bob, "Play it softly"), (ann, "Play it loud")):
        await open_task(page, "Play it")
        await retitle(page, title)
    await expect(status).to_have_text("Reconnecting…, 1 change waits")
    await has_stored(ann, 0)
    await bob.evaluate(NOTE_SAVED)
    network_of(bob).mend()
    choice = bob.get_by_role("dialog", name="Ann changed this too")
    await choice.get_by_role("button", name="Decide later").click()
    for _ in range(2):
        await expect(status).to_have_text("Live, 1 change to decide")
        await bob.get_by_role("link", name="My tasks").click()
    assert not await bob.evaluate("globalThis.wasSaved")
    await bob.get_by_role("link", name="Account").click()
    await bob.get_by_role("button", name="Sign out", exact=True).click()
    question = bob.get_by_role("dialog", name="Sign out and lose changes?")
    await expect(question).to_contain_text("1 change is not saved, as somebody changed the same")
    await question.get_by_role("button", name="Cancel").click()

    # A session that is ended elsewhere keeps it, too.
    email = (await account_of(bob))["email"]
    elsewhere = await open_networked("/sign-in")
    await sign_in(elsewhere, email)
    await is_live(elsewhere)
    await elsewhere.get_by_role("link", name="Account").click()
    await elsewhere.get_by_role("link", name="Devices").click()
    await elsewhere.get_by_role("button", name="Sign out everywhere…").click()
    await elsewhere.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    await expect(bob.get_by_text("1 change could not be saved before.")).to_be_visible()
    await sign_in(bob, email)
    await bob.get_by_role("link", name="Board").click()
    await bob.get_by_role("button", name="Choose").click()
    await choice.get_by_role("button", name="Keep mine").click()
    await expect(status).to_have_text("All changes saved")
    await expect(card(ann, "Play it softly")).to_be_visible()


async def test_what_was_to_be_decided_about_stays_as_a_text_where_one_is_removed(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Play it")
    await expect(card(bob, "Play it")).to_contain_text("-")
    network_of(bob).cut()
    for page, title in ((bob, "Play it softly"), (ann, "Play it loud")):
        await open_task(page, "Play it")
        await retitle(page, title)
    await has_stored(bob, 1)
    await has_stored(ann, 0)
    network_of(bob).mend()
    await bob.get_by_role("dialog").get_by_role("button", name="Decide later").click()
    await ann.get_by_role("link", name="Members").click()
    await ann.get_by_role("button", name="More for Bob").click()
    await ann.get_by_role("menuitem", name="Remove from workspace…").click()
    await ann.get_by_role("button", name="Remove Bob").click()
    await expect(bob.get_by_role("textbox", name="What you wrote as the title")).to_have_value("Play it softly")
    await expect(bob.get_by_role("status", name="Connection")).to_have_text("Live")


async def test_a_session_that_was_ended_elsewhere_leaves_nothing_but_what_is_not_saved(
    open_networked: OpenPage,
) -> None:
    here = await sign_up(open_networked, "Ann", is_refused=True)
    email = (await account_of(here))["email"]
    there = await open_networked("/sign-in", is_refused=True)
    await sign_in(there, email)
    await is_live(there)
    await create(there, "Secret")
    await expect(card(here, "Secret")).to_be_visible()
    await there.get_by_role("link", name="My tasks").click()
    await expect(there.get_by_text("Nothing is assigned to you.")).to_be_visible()
    await there.get_by_role("link", name="Board").click()
    await has_stored(there, 0)
    network_of(there).cut()
    await create(there, "Written offline")
    await has_stored(there, 1)
    await here.get_by_role("link", name="Account").click()
    await here.get_by_role("link", name="Devices").click()
    await here.get_by_role("button", name="Sign out everywhere…").click()
    await here.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    await expect(here.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await until(here, NO_REPLICA)
    await until(here, IS_REFUSED, (await account_of(there))["accessToken"])

    network_of(there).mend()
    kept = there.get_by_text("1 change could not be saved before. This browser keeps it for whoever made it")
    await expect(kept).to_be_visible()
    await until(there, UNSAVED_ALONE, ["Secret", "Written offline"])
    await is_accessible(there, "what is not saved")
    other = await there.context.new_page()
    await other.goto("/")
    await other.get_by_role("button", name="Remove it…").click()
    await other.get_by_role("dialog", name="Remove 1 change?").get_by_role("button", name="Cancel").click()
    await other.close()
    await sign_in(there, email)
    await is_live(there)
    await expect(card(there, "Written offline")).to_be_visible()
    await expect(card(there, "Secret")).to_be_visible()
    await has_stored(there, 0)


async def test_what_is_kept_for_somebody_is_removed_by_whoever_has_the_browser(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann", is_refused=True)
    account = await account_of(page)
    await create(page, "Before")
    await until(page, STORED, "Before")
    network_of(page).cut()
    await create(page, "Precious")
    await has_stored(page, 1)
    await page.get_by_role("link", name="Account").click()
    elsewhere = await open_networked(BLANK, is_refused=True)
    await elsewhere.evaluate("account => localStorage.setItem('tutti.accounts', JSON.stringify([account]))", account)
    await elsewhere.goto("/account")
    await elsewhere.get_by_role("button", name="Sign out", exact=True).click()
    await elsewhere.wait_for_function(NO_ACCOUNT)
    await until(elsewhere, IS_REFUSED, account["accessToken"])
    network_of(page).mend()
    await page.get_by_role("button", name="Remove it…").click()
    await page.get_by_role("dialog", name="Remove 1 change?").get_by_role("button", name="Remove", exact=True).click()
    await expect(page.get_by_text("could not be saved before")).to_have_count(0)
    await expect(page.get_by_text("You were signed out.")).to_have_count(0)
    await until(page, NO_REPLICA)
