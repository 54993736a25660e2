"""Several tabs of one person in one browser: they share a socket, and each goes on without the others."""

import asyncio
import json
import uuid
from collections import Counter

from playwright.async_api import Page, Request, expect

from tests.e2e.conftest import PATIENCE_MS, OpenPage
from tests.e2e.network import Network, network_of
from tests.e2e.test_client import (
    PASSWORD,
    card,
    create,
    has_stored,
    is_accessible,
    is_live,
    open_task,
    retitle,
    sign_up,
    two_on_a_board,
)

DIES_SILENTLY = """for (const end of ["pagehide", "visibilitychange"])
    addEventListener(end, event => event.stopImmediatePropagation(), { capture: true });
"""
"""Before the page's own scripts: they do not hear of its end, as where it crashes."""
NOTE_REFUSALS = """() => {
    globalThis.refusals = [];
    new MutationObserver(changes => {
        for (const { textContent } of changes.flatMap(({ addedNodes }) => [...addedNodes]))
            if (textContent.includes("Your change is not saved")) refusals.push(textContent);
    }).observe(document.body, { childList: true, subtree: true });
}"""
NO_SHARED_WORKERS = "delete globalThis.SharedWorker"


async def beside(page: Page) -> Page:
    """Another tab of the same browser, where this one is."""
    other = await page.context.new_page()
    await other.goto(page.url)
    await is_live(other)
    return other


async def add_account(page: Page, name: str) -> None:
    """By hand: the tab acts as it then, and is on its board."""
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Add an account…").click()
    form = page.get_by_role("dialog", name="Add an account")
    await form.get_by_role("button", name="Create account").click()
    await form.get_by_label("Your name").fill(name)
    await form.get_by_label("Email").fill(f"{uuid.uuid4().hex}@example.com")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Create my account").click()
    await expect(page.get_by_role("region", name="To do")).to_be_visible()
    await is_live(page)


async def has_sockets(network: Network, count: int) -> None:
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while network.socket_count != count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_tabs_share_a_socket_recover_together_and_outlive_each_other(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    other, network = await beside(ann), network_of(ann)
    await has_sockets(network, 1)
    await create(bob, "Of Bob")
    await create(other, "Of Ann")
    for page in (ann, other):
        await expect(card(page, "Of Bob")).to_be_visible()
    for page in (ann, bob):
        await expect(card(page, "Of Ann")).to_be_visible()
    await has_stored(ann, 0)  # else what is cut off is the answer to a change, and that waits

    network.cut()
    for page in (ann, other):
        await expect(page.get_by_role("status", name="Connection")).to_have_text("Reconnecting…")
    await create(bob, "Meanwhile")
    network.mend()
    for page in (ann, other):
        await is_live(page)
        await expect(card(page, "Meanwhile")).to_be_visible()
    await has_sockets(network, 1)

    await ann.close()
    await create(bob, "Later")
    await expect(card(other, "Later")).to_be_visible()
    await is_live(other)
    await has_sockets(network, 1)
    await expect(bob.get_by_role("group", name="Online: Ann, Bob")).to_be_visible()
    await other.reload()
    await is_live(other)
    await has_sockets(network, 1)
    await other.close()
    await has_sockets(network, 0)
    await expect(bob.get_by_role("group", name="Online: Bob", exact=True)).to_be_visible(timeout=10_000)


async def test_the_tab_that_one_looks_at_speaks_and_another_one_when_it_dies(open_networked: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "First", "Second")
    other = await beside(ann)
    await card(ann, "First").click()
    await expect(card(bob, "First")).to_contain_text("Ann is looking")
    await card(other, "Second").click()
    await expect(card(bob, "Second")).to_contain_text("Ann is looking")
    await expect(card(bob, "First")).not_to_contain_text("Ann is looking")
    await other.close()
    await expect(card(bob, "First")).to_contain_text("Ann is looking")
    await expect(card(bob, "Second")).not_to_contain_text("Ann is looking")

    await ann.context.add_init_script(DIES_SILENTLY)
    other = await beside(ann)
    await card(other, "Second").click()
    await expect(card(bob, "Second")).to_contain_text("Ann is looking")
    await other.close()
    await expect(card(bob, "First")).to_contain_text("Ann is looking")
    await expect(card(bob, "Second")).not_to_contain_text("Ann is looking")


async def test_what_waits_is_sent_once_by_the_tab_where_it_was_done_or_when_that_is_closed_by_another_one(
    open_networked: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_networked)
    await create(ann, "Kept", "Gone")
    await expect(card(bob, "Gone")).to_be_visible()
    await has_stored(ann, 0)
    network, sent = network_of(ann), set[tuple[str, Page]]()
    ann.context.on(
        "requestfinished", lambda request: sent.update((key, request.frame.page) for key in keys_of(request))
    )
    network.cut()
    for title in ("Kept", "Gone"):
        await card(ann, title).focus()
        await ann.keyboard.press("i")
    await has_stored(ann, 2)
    other = await ann.context.new_page()
    await other.goto(ann.url)
    waiting = other.get_by_role("status", name="Connection")
    await expect(waiting).to_contain_text("2 changes wait")
    await card(other, "Kept").focus()
    await other.keyboard.press("Alt+ArrowRight")
    await expect(waiting).to_contain_text("3 changes wait")
    await open_task(bob, "Gone")
    await bob.get_by_role("button", name="Delete task").click()
    await expect(card(bob, "Gone")).to_have_count(0)
    await has_stored(bob, 0)
    for page in (ann, other):
        await page.evaluate(NOTE_REFUSALS)
    network.mend()
    for page in (ann, other):
        await is_live(page)
        await has_stored(page, 0)
        await expect(card(page, "Kept", "In progress").get_by_title("Ann")).to_be_visible()
        await expect(card(page, "Gone")).to_have_count(0)
    assert Counter(page for _, page in sent) == {ann: 2, other: 1}
    assert len({key for key, _ in sent}) == 3
    await ann.wait_for_function("() => refusals.length > 0")
    assert await other.evaluate("refusals") == []

    sent.clear()
    network.cut()
    await expect(waiting).to_contain_text("Reconnecting")
    await card(ann, "Kept").focus()
    await ann.keyboard.press("Alt+ArrowRight")
    await has_stored(ann, 1)
    await ann.close()
    await expect(waiting).to_contain_text("1 change waits")
    network.mend()
    await expect(card(bob, "Kept", "Done")).to_be_visible()
    await has_stored(other, 0)
    assert [page for _, page in sent] == [other]


def keys_of(request: Request) -> list[str]:
    """Of the mutation that this is, if it is one."""
    asked = json.loads(request.post_data or "{}").get("variables") or {}
    return [key] if (key := (asked.get("input") or {}).get("clientMutationId")) else []


async def test_without_shared_workers_each_tab_has_a_socket(open_networked: OpenPage) -> None:
    ann = await sign_up(open_networked, "Ann")
    await has_sockets(network_of(ann), 1)
    await ann.context.add_init_script(NO_SHARED_WORKERS)
    other = await beside(ann)
    await has_sockets(network_of(ann), 2)
    await create(other, "Alone")
    await expect(card(ann, "Alone")).to_be_visible()


async def test_what_is_decided_in_one_tab_is_not_asked_in_another(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Play it")
    for page in (ann, bob):
        await card(page, "Play it").click()
    mine = bob.get_by_role("textbox", name="Title")
    await mine.fill("Play it softly")
    await retitle(ann, "Play it loud")
    await expect(bob.get_by_text("Ann changed it meanwhile.")).to_be_visible()
    await mine.press("Enter")
    asked = bob.get_by_role("dialog", name="Ann changed this too")
    await expect(asked).to_be_visible()
    await retitle(ann, "Play it slowly")
    await expect(asked.get_by_text("Play it slowly").last).to_be_visible()
    await expect(asked.get_by_text("Changed again meanwhile")).to_be_visible()
    other = await bob.context.new_page()
    await other.goto(bob.url)
    await other.get_by_role("button", name="Keep theirs").click()
    await expect(asked).to_have_count(0)
    for page in (bob, other):
        await is_live(page)


async def test_what_one_changed_in_another_tab_oneself_is_said_to_be_ones_own(open_networked: OpenPage) -> None:
    page = await sign_up(open_networked, "Ann")
    await create(page, "Play it")
    await expect(card(page, "Play it")).to_contain_text("-")
    await open_task(page, "Play it")
    other = await beside(page)
    title = page.get_by_role("textbox", name="Title")
    await title.fill("Play it softly")
    await retitle(other, "Play it loud")
    await expect(page.get_by_text("You changed it elsewhere.")).to_be_visible()
    await title.press("Enter")
    asked = page.get_by_role("dialog", name="You changed this elsewhere")
    await expect(asked.get_by_role("heading", name="Your title from elsewhere")).to_be_visible()
    await expect(asked.get_by_role("textbox", name="Your title here")).to_have_value("Play it softly")
    await asked.get_by_role("button", name="Decide later").click()
    note = page.get_by_text("What you wrote was not saved: you wrote there elsewhere, too.")
    await expect(note).to_be_visible()
    await page.get_by_role("button", name="Choose").first.click()
    await asked.get_by_role("button", name="Keep the other").click()
    await expect(note).to_have_count(0)
    await expect(title).to_have_value("Play it loud")


async def test_an_account_is_added_without_signing_out_and_each_tab_acts_as_its_own(open_networked: OpenPage) -> None:
    ann = await sign_up(open_networked, "Ann")
    await create(ann, "Of Ann")
    other, network = await beside(ann), network_of(ann)
    await add_account(other, "Eve")
    await has_sockets(network, 2)
    await create(other, "Of Eve")
    await expect(card(other, "Of Eve")).to_be_visible()
    await expect(card(other, "Of Ann")).to_have_count(0)

    await act_as(other, "Ann")
    await expect(card(other, "Of Ann")).to_be_visible()
    await has_sockets(network, 1)
    await act_as(other, "Eve")
    await expect(card(other, "Of Eve")).to_be_visible()
    await has_stored(other, 0)
    await other.get_by_role("link", name="Account").click()
    await other.get_by_role("button", name="Sign out").click()
    await other.get_by_role("button", name="Go on as Ann").click()
    await other.get_by_role("link", name="Board").click()
    await expect(card(other, "Of Ann")).to_be_visible()
    await is_live(ann)
    await expect(card(ann, "Of Eve")).to_have_count(0)


async def test_a_new_tab_begins_as_whom_one_acted_as_last_and_every_tab_says_who_it_is(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    own = page.get_by_role("link", name="Account", exact=True)
    await expect(own).to_be_visible()
    other = await beside(page)
    await add_account(other, "Eve")

    async def begins_as(name: str) -> None:
        tab = await beside(page)
        await expect(tab.get_by_role("link", name=f"Account: {name}")).to_have_text(name)
        await tab.close()

    await begins_as("Eve")
    await act_as(other, "Ann")
    await begins_as("Ann")
    await act_as(other, "Eve")
    await begins_as("Eve")
    # To the browser of the tests every tab is the one in front: none is told when one goes there.
    await page.evaluate("() => dispatchEvent(new Event('focus'))")
    await begins_as("Ann")
    await expect(other.get_by_role("link", name="Account: Eve")).to_be_visible()
    await page.set_viewport_size({"width": 360, "height": 700})
    await expect(page.get_by_role("link", name="Account: Ann")).to_be_in_viewport(ratio=1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    await is_accessible(page, "several accounts")


async def test_a_new_name_is_the_one_of_the_account_in_this_browser(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await add_account(page, "Eve")
    await page.get_by_role("link", name="Account").click()
    await page.get_by_label("Name", exact=True).fill("Eva")
    await page.get_by_role("button", name="Save profile").click()
    accounts = page.get_by_role("list", name="Accounts in this browser").get_by_role("listitem")
    await expect(accounts.first).to_contain_text("Eva")
    await page.reload()
    await expect(accounts.first).to_contain_text("Eva")
    await act_as(page, "Ann")
    await page.get_by_role("link", name="Account").click()
    await expect(page.get_by_role("button", name="Switch to Eva")).to_be_visible()


NOTE_SHIFTS = """() => {
    globalThis.shifts = [];
    new PerformanceObserver(list => shifts.push(...list.getEntries().flatMap(({ sources }) =>
        sources.map(({ node }) => node?.textContent)))).observe({ type: "layout-shift" });
}"""


async def test_nothing_moves_on_the_account_page_once_it_can_be_pressed(open_page: OpenPage) -> None:
    ann = await sign_up(open_page, "Ann")
    await ann.evaluate(NOTE_SHIFTS)
    await ann.get_by_role("link", name="Account").click()
    await expect(ann.get_by_role("button", name="Save profile")).to_be_visible()
    await expect(ann.get_by_role("button", name="Add an account…")).to_be_visible()
    await ann.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await ann.evaluate("shifts") == []


async def act_as(page: Page, name: str) -> None:
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name=f"Switch to {name}").click()
