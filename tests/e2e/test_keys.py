"""Tasks in a real browser by keys, several at once, and what is undone."""

from playwright.async_api import expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CREATE
from tests.e2e.test_client import ASK, card, create, has_stored, is_accessible, open_task, sign_up, two_on_a_board

KEYS = """keys => {
    for (const name of keys) {
        const [key, ...held] = name.split("+").reverse();
        const [altKey, ctrlKey] = ["Alt", "Control"].map(each => held.includes(each));
        const press = new KeyboardEvent("keydown", { key, altKey, ctrlKey, bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(press);
    }
}"""
"""Presses keys one after the other, with no time for a frame between them."""
AT_ONCE = """async keys => {
    for (const key of keys) {
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        for (let steps = 0; steps < 100; steps++) await null;
    }
}"""
"""Presses keys as `KEYS` does, and what a key does is drawn before the next one, but there is no time for a timer."""
IS_BESIDE = """() => {
    const [menu, task] = ["[role=menu]", "[data-at-hand]"]
        .map(what => document.querySelector(what).getBoundingClientRect());
    return menu.left >= task.right || menu.top >= task.bottom;
}"""
"""Whether the menu covers nothing of the task that it is opened on."""
NOTE_DIALOG = """() => new MutationObserver((_, observer) => {
    const dialog = document.querySelector("dialog");
    if (!dialog) return;
    globalThis.hadFocus = dialog.contains(document.activeElement);
    observer.disconnect();
}).observe(document.body, { childList: true, subtree: true })"""
"""Notes in `hadFocus` whether the next dialog had the focus as soon as it was there."""

GROUND = "card => getComputedStyle(card).backgroundColor"


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
    assert await card(page, "First").evaluate(GROUND) != await card(page, "Other").evaluate(GROUND)
    await bar.get_by_role("button", name="Priority").click()
    await page.get_by_role("menuitemradio", name="Urgent").click()
    await expect(bar.get_by_role("button", name="Priority")).to_be_focused()  # the menu has given the focus back
    messages = page.get_by_role("status", name="Messages")
    undo = messages.get_by_role("button", name="Undo").first
    await expect(undo).to_be_visible()
    [message, room] = [await place.bounding_box() for place in (messages, bar)]
    assert message is not None
    assert room is not None
    assert message["y"] + message["height"] <= room["y"]
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
    await expect(messages).to_contain_text("3 tasks have no assignees again")
    await expect(messages).not_to_contain_text("3 tasks were changed")
    await expect(card(bob, "Third").get_by_title("Ann")).to_have_count(0)
    await expect(card(page, "First")).not_to_contain_text("Urgent")
    await page.keyboard.press("Escape")
    await expect(bar).to_have_count(0)
    await expect(page.get_by_role("main", name="Board")).to_be_visible()


async def test_several_tasks_that_differ_are_changed_and_undone_as_what_they_were(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Urgent one", "Other one")
    await card(page, "Urgent one").press("p")
    await page.get_by_role("menuitemradio", name="Urgent").click()
    await expect(card(page, "Urgent one").get_by_text("Urgent", exact=True)).to_be_visible()
    for title in ("Other one", "Urgent one"):
        await card(page, title).press("x")
    for key, kind in (("p", "priority"), ("d", "due")):
        await card(page, "Urgent one").press(key)
        await expect(page.get_by_role("menu")).to_have_accessible_name(f"{kind} of 2 tasks")
        await expect(page.get_by_role("menuitemradio", checked=True)).to_have_count(1 if key == "d" else 0)
        await page.keyboard.press("Escape")
    await card(page, "Urgent one").press("p")
    await page.get_by_role("menuitemradio", name="No priority").click()
    messages = page.get_by_role("status", name="Messages")
    await expect(messages).to_contain_text("“Urgent one” was changed")
    await page.keyboard.press("Control+z")
    await expect(messages).to_contain_text("The priority of “Urgent one” is Urgent again")
    await card(page, "Urgent one").press("p")
    await page.get_by_role("menuitemradio", name="High").click()
    await expect(messages).to_contain_text("2 tasks were changed")
    await page.keyboard.press("Control+z")
    await expect(messages).to_contain_text("The priority of 2 tasks is as before")


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
    await expect(page.get_by_role("group", name="Filters")).to_be_focused()
    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("status", name="Messages")).to_contain_text("60 tasks are out of the archive again")
    await expect(page.get_by_role("main")).to_contain_text("60 tasks")
    await has_stored(page, 0, seconds=120)  # there and back they go out one by one
    await page.reload()
    await expect(page.get_by_role("main")).to_contain_text("60 tasks")


async def test_a_change_is_undone_by_its_key_and_from_the_history(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "Undo me", "Other")
    await card(page, "Undo me").focus()
    await page.keyboard.press("Alt+ArrowRight")
    await expect(card(page, "Undo me", "In progress")).to_be_focused()
    await page.keyboard.press("i")
    await expect(card(page, "Undo me").get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Undo me").get_by_title("Ann")).to_have_count(0)
    await page.keyboard.press("Control+Shift+z")
    await expect(page.get_by_text("The assignees of “Undo me” are Ann again")).to_be_visible()
    await expect(card(page, "Undo me").get_by_title("Ann")).to_be_visible()
    await page.keyboard.press("Control+Shift+z")
    await expect(page.get_by_text("There is nothing to do again")).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(card(page, "Undo me").get_by_title("Ann")).to_have_count(0)
    await open_task(page, "Undo me")
    await page.get_by_role("button", name="History").click()
    moved = page.get_by_role("list", name="History").get_by_role("listitem").filter(has_text="In progress")
    await moved.get_by_role("button", name="Undo this change by Ann").click()
    await expect(card(page, "Undo me", "To do")).to_be_visible()

    await page.clock.install()
    await page.get_by_role("button", name="Delete task").click()
    await expect(card(page, "Other")).to_be_focused()
    undo = page.get_by_role("status", name="Messages").get_by_role("button", name="Undo")
    await undo.hover()
    await page.clock.fast_forward(9_000)  # it would be gone by now if nobody pointed at it
    await undo.click()
    await expect(card(page, "Undo me", "To do")).to_be_visible()


async def test_what_is_undone_is_in_sight_though_the_pointer_keeps_another_card(open_page: OpenPage) -> None:
    page = await sign_up(open_page, "Ann")
    await create(page, "First", "Second", "Third")
    await card(page, "First").focus()
    for column in ("In progress", "Done", "Canceled"):
        await page.keyboard.press("Alt+ArrowRight")
        await expect(card(page, "First", column)).to_be_focused()
    await card(page, "Third").hover()
    await page.keyboard.press("Control+z")
    await expect(card(page, "First", "Done")).to_be_focused()
    await page.evaluate(KEYS, ["Control+z", "Control+z"])
    await expect(card(page, "First", "To do")).to_be_focused()
    await expect(card(page, "First")).to_be_in_viewport(ratio=0.9)


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
    await page.keyboard.press("s")
    await expect(page.get_by_role("menuitemradio", name="Done")).to_be_focused()  # which it is
    await expect(page.get_by_role("menu")).to_contain_text("Status: ")
    await page.wait_for_function(IS_BESIDE)
    await page.keyboard.press("Escape")
    await expect(card(page, "First")).to_be_focused()
    await page.keyboard.press("l")
    await expect(page.get_by_role("menu")).to_contain_text("There are no labels yet.")
    await expect(page.get_by_role("menuitem", name="New label…")).to_be_focused()
    await page.evaluate(AT_ONCE, ["Escape", "d"])
    await page.get_by_role("menuitem", name="Another day…").click()
    await page.get_by_label("Another day").fill("2031-05-17")
    await page.keyboard.press("Enter")
    await expect(card(page, "First")).to_contain_text("2031")
    await expect(card(page, "First")).to_be_focused()
    await page.keyboard.press("d")
    await page.get_by_role("menuitemradio", name="No day").click()
    await expect(said).to_have_text("First is due on no day.")
    again = await said.text_content()
    await page.keyboard.press("d")
    await page.get_by_role("menuitemradio", name="No day").click()
    await expect(said).to_have_text("First is due on no day.")
    await expect(page.get_by_role("menu")).to_have_count(0)
    assert await said.text_content() != again  # so that it is read out again
    await card(page, "First").focus()
    await page.keyboard.press(" ")
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("First")


async def test_a_label_that_is_not_there_is_made_from_the_menu_of_labels(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "Sell the tuba", "Buy a horn")
    said = ann.get_by_role("log", name="What you did")

    async def type_label(name: str) -> None:
        await ann.get_by_role("menuitem", name="New label…").click()
        await ann.keyboard.type(name)

    await card(ann, "Sell the tuba").press("l")
    await type_label(" Brass ")
    await expect(ann.get_by_role("button", name="Create label “Brass”")).to_be_visible()
    await is_accessible(ann, "a new label")
    await ann.keyboard.press("Enter")
    await expect(said).to_have_text("The label Brass was created. Sell the tuba has it.")
    await expect(card(ann, "Sell the tuba")).to_be_focused()
    for page in (ann, bob):
        await expect(card(page, "Sell the tuba")).to_contain_text("Brass")
    for title in ("Sell the tuba", "Buy a horn"):
        await card(ann, title).press("x")
    await card(ann, "Buy a horn").press("l")
    await type_label("brass")
    await ann.get_by_role("button", name="Add “brass”").click()
    await expect(card(bob, "Buy a horn")).to_contain_text("Brass")
    await card(ann, "Buy a horn").press("l")
    await type_label("For sale")
    await ann.get_by_role("button", name="Create label “For sale”").click()
    await expect(said).to_have_text("The label For sale was created. 2 tasks have it.")
    for title in ("Sell the tuba", "Buy a horn"):
        await expect(card(bob, title)).to_contain_text("For sale")
    await ann.keyboard.press("l")
    await ann.get_by_role("menuitem", name="New label…").click()
    await ann.keyboard.press("Escape")
    await expect(card(ann, "Buy a horn")).to_be_focused()
