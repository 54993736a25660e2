"""People at one task in real browsers: talking, seeing each other, and writing in the same place."""

import asyncio
import re

from playwright.async_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CHANGE, CREATE
from tests.e2e.test_client import (
    ASK,
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
from tests.e2e.test_keys import KEYS

EXPIRE = """() => {
    const accounts = JSON.parse(localStorage.getItem("tutti.accounts"));
    accounts[0].accessTokenExpiresAt = new Date().toISOString();
    localStorage.setItem("tutti.accounts", JSON.stringify(accounts));
    return accounts[0].accessToken;
}"""
"""Lets the access token of this browser be due, and tells it."""
ABOVE = """([title, y]) => [...document.querySelectorAll("[data-task]")]
    .some(card => card.textContent.includes(title) && card.getBoundingClientRect().y < y)"""
IS_ABOVE = """titles => {
    const cards = [...document.querySelectorAll("[data-task]")];
    const [above, below] = titles.map(title => cards.find(card => card.textContent.includes(title)))
        .map(card => card.getBoundingClientRect());
    return above.height > 100 && above.bottom < below.top;
}"""
"""Whether a card is high, and the one below it has made room for it."""
NOTE_GLIDES = """() => {
    globalThis.glides = {};
    const animate = Element.prototype.animate;
    Element.prototype.animate = function (frames, options) {
        if (frames.transform) glides[this.textContent.match(/First|Second|Third/)?.[0]] = frames.transform[0];
        return animate.call(this, frames, options);
    };
    new MutationObserver(() => { globalThis.movedAt = document.timeline.currentTime; })
        .observe(document.body, { childList: true, attributeFilter: ["style"], subtree: true });
    globalThis.movedAt = document.timeline.currentTime;
}"""
"""Notes from where each card glides, and when anything moved last."""
IS_CALM = "() => { if (document.timeline.currentTime - movedAt < 750) return false; glides = {}; return true; }"
RENEWED = "old => JSON.parse(localStorage.getItem('tutti.accounts'))[0].accessToken !== old"


async def test_people_at_a_task_see_each_other_and_talk(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Rehearse")
    await open_task(ann, "Rehearse")
    await open_task(bob, "Rehearse")
    await expect(card(ann, "Rehearse")).to_contain_text("Bob is looking")
    await expect(ann.get_by_role("group", name="Online: Ann, Bob")).to_be_visible()
    below = ann.get_by_role("heading", name="Subtasks")
    before = await below.bounding_box()
    await bob.get_by_role("button", name="Edit description").click()
    await expect(ann.get_by_text("Bob is editing the description")).to_be_visible()
    assert await below.bounding_box() == before
    await bob.get_by_role("button", name="Cancel", exact=True).click()
    await bob.get_by_role("textbox", name="Title").focus()
    await expect(ann.get_by_text("Bob is editing the title")).to_be_visible()
    assert await below.bounding_box() == before
    await expect(ann.get_by_text("Bob is editing the title")).not_to_be_visible(timeout=15_000)  # he types no more

    await ann.get_by_role("textbox", name="Write a comment").press_sequentially("Are you ready, @")
    await expect(bob.get_by_role("complementary")).to_contain_text("Ann is commenting")
    await expect(bob.get_by_text("Ann is writing a comment")).to_be_visible()
    await expect(ann.get_by_role("option")).to_contain_text(["Bob", "Ann"])  # who writes comes last
    await ann.keyboard.press("Enter")
    await ann.keyboard.press("Control+Enter")
    said = bob.get_by_role("article", name="Comment by Ann")
    await expect(said).to_contain_text("Are you ready, @Bob")
    await said.get_by_role("button", name="Answer").click()
    await bob.keyboard.type("**Always**")
    await bob.keyboard.press("Control+Enter")
    await expect(said.get_by_role("button", name="Answer")).to_be_focused()
    answer = ann.get_by_role("article", name="Comment by Bob")
    await expect(answer.locator("strong")).to_have_text("Always")
    react = answer.get_by_role("button", name="Add a reaction")
    await react.click()
    await expect(answer.get_by_role("button", name="Thumbs up")).to_be_focused()
    await ann.keyboard.press("Escape")  # closes what is offered, not the task
    await expect(react).to_be_focused()
    await react.click()
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
    await ann.get_by_role("textbox", name="Edit the comment").fill("**Are** we,\n@b")
    # What is typed after a choice does not wait for the screen to show it.
    await ann.evaluate(
        "window.paint = requestAnimationFrame; window.requestAnimationFrame = (draw) => (window.late = draw)"
    )
    await ann.keyboard.press("Enter")
    await ann.keyboard.type(" or n")
    await ann.evaluate("window.requestAnimationFrame = window.paint; window.late && window.late()")
    await ann.keyboard.type("ot?")
    await expect(ann.get_by_role("textbox", name="Edit the comment")).to_have_value(
        re.compile(r"^\*\*Are\*\* we,\n@bob\S* or not\?$")
    )
    await ann.keyboard.press("Control+Enter")
    await expect(own.get_by_role("button", name="More for this comment")).to_be_focused()
    await expect(said).to_contain_text("edited")
    await expect(said.locator("br")).to_have_count(1)
    await own.get_by_role("button", name="Resolve").click()
    await expect(bob.get_by_text("Resolved: Are we, @Bob or not?")).to_be_visible()
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
    await retitle(ann, "Play it loud")
    await expect(bob.get_by_text("Ann changed it meanwhile.")).to_be_visible()
    await expect(mine).to_have_value("Play it softly")
    await mine.press("Enter")
    choice = bob.get_by_role("dialog", name="Ann changed this too")
    await expect(choice).to_contain_text("Play it loud")
    await is_accessible(bob, "conflict")
    await bob.get_by_role("button", name="Decide later").click()
    note = bob.get_by_role("main").get_by_text("What you wrote in “Play it loud” was not saved: Ann wrote there, too.")
    for place in ("My tasks", "Board"):
        await bob.get_by_role("link", name=place).click()
    await expect(note).to_be_visible()
    await expect(choice).to_have_count(0)
    await open_task(bob, "Play it loud")
    await bob.reload()
    await expect(choice.get_by_role("button", name="Keep mine")).to_be_visible()
    await choice.get_by_role("textbox", name="Your title").fill("Play it loud, then softly")
    await choice.get_by_role("button", name="Keep this", exact=True).click()
    await expect(bob.get_by_role("complementary", name="Task")).to_be_focused()
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
    gone = bob.get_by_role("heading", name="“Talk more” is not here any more.")
    await expect(gone).to_be_visible()
    await expect(bob.get_by_text("Ann deleted it.")).to_be_visible()
    await bob.keyboard.type(" cjx")
    await expect(bob.get_by_role("textbox", name="What you wrote as an answer")).to_have_value("Yes indeed! cjx")
    await expect(bob.get_by_role("textbox", name="What you wrote as a comment")).to_have_value("Mine, too")
    await is_accessible(bob, "what is left of a deleted task")
    await bob.keyboard.press("Escape")
    await expect(gone).to_have_count(0)


async def test_signing_out_in_one_tab_signs_out_all(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    other = await page.context.new_page()
    await other.goto("/")
    await is_live(other)
    await page.get_by_role("link", name="Account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_role("heading", name="Tasks that people change together, live.")).to_be_visible()
    await other.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('tutti.viewer'))")


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


async def test_others_change_nothing_under_the_pointer_and_what_they_do_glides_elsewhere_and_is_said(
    open_page: OpenPage,
) -> None:
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
    cards = ann.get_by_role("region", name="To do").locator("[data-cards]")
    await cards.hover(position={"x": 100, "y": 400})  # where there are none
    await ann.wait_for_function(ABOVE, arg=["Third", before["y"]])

    # What they put above it, where there is no room, is found by scrolling.
    await card(ann, "Third").hover()
    before = await card(ann, "Third").bounding_box()
    await bob.keyboard.press("Alt+ArrowLeft")
    await expect(card(ann, "First", "To do")).to_be_visible()
    assert await card(ann, "Third").bounding_box() == before
    await expect(card(ann, "First")).not_to_be_in_viewport(ratio=0.5)
    await ann.mouse.wheel(0, -500)
    await expect(card(ann, "First")).to_be_in_viewport(ratio=0.9)
    await ann.get_by_role("searchbox", name="Filter by text").hover()
    await bob.keyboard.press("Alt+ArrowRight")
    await expect(card(ann, "First", "In progress")).to_be_visible()

    await ann.evaluate(NOTE_GLIDES)

    async def glides(arrow: str, column: str) -> dict[str, str]:
        """What glides from where when Bob moves the first card there, but for how far it is."""
        await ann.wait_for_function(IS_CALM)
        await bob.keyboard.press(f"Alt+{arrow}")
        await expect(card(ann, "First", column)).to_be_visible()
        ways: dict[str, str] = await ann.evaluate("glides")
        return {title: way.split("(")[0] for title, way in ways.items()}

    assert await glides("ArrowLeft", "To do") == {"First": "translate", "Second": "translateY", "Third": "translateY"}
    await card(ann, "Third").hover()
    assert await glides("ArrowRight", "In progress") == {"First": "translate"}
    await ann.get_by_role("searchbox", name="Filter by text").hover()
    await ann.emulate_media(reduced_motion="reduce")
    assert await glides("ArrowLeft", "To do") == {}
    await ann.emulate_media(reduced_motion="no-preference")
    await ann.get_by_role("link", name="List").click()
    await expect(ann.get_by_role("heading", name="To do 3")).to_be_visible()
    await ann.wait_for_function(IS_CALM)
    await bob.keyboard.press("Alt+ArrowRight")
    await expect(ann.get_by_role("heading", name="In progress 1")).to_be_visible()
    assert set(await ann.evaluate("glides")) == {"First", "Second", "Third", "undefined"}


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
