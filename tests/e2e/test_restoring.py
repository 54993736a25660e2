"""What somebody overwrote is put back from the history of its task, and what somebody deleted from the list of that."""

from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CHANGE, DELETE
from tests.e2e.network import network_of
from tests.e2e.test_accessible import FITS, PANEL_FITS, PHONE, is_for_everybody
from tests.e2e.test_client import (
    ASK,
    arrive,
    card,
    create,
    found_team,
    has_stored,
    open_task,
    team_of,
    to_board,
    two_on_a_board,
)


async def overwritten(ann: Page, bob: Page) -> Locator:
    """Bob overwrites the title and the description of Ann's task twice, and raises its priority. -> its history"""
    await create(ann, "Tune the violin")
    await expect(card(bob, "Tune the violin")).to_contain_text("-")
    task = await card(bob, "Tune the violin").get_attribute("data-task")
    await ann.evaluate(ASK, [CHANGE, [{"id": task, "description": "Ask Clara first."}]])
    again = {"id": task, "title": "Buy a new violin", "priority": "URGENT"}
    changes = [{"id": task, "title": "Sell the violin", "description": "To anybody.", "priority": "LOW"}, again]
    await bob.evaluate(ASK, [CHANGE, changes])
    await open_task(ann, "Buy a new violin")
    await ann.get_by_role("button", name="History").click()
    return ann.get_by_role("list", name="History", exact=True)


async def test_what_was_overwritten_is_put_back_from_the_history(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    history = await overwritten(ann, bob)
    entries = history.get_by_role("listitem").filter(has_text="Low")
    last, first = entries.first, entries.last
    # What others went on from the server would not undo: its values go back each by itself.
    await expect(last.get_by_role("button")).to_have_text(["Undo"])
    await expect(first.get_by_role("button", name="Undo")).to_have_count(0)
    for text in ("title", "description"):
        await first.get_by_text(f"changed the {text}").click()
    restores = first.get_by_role("button", name="Restore")
    await expect(restores).to_have_count(3)
    title = first.get_by_role("button", name="Restore the title “Tune the violin”")
    await is_for_everybody(ann, "history")
    desk = ann.viewport_size
    await ann.set_viewport_size(PHONE)
    assert await ann.evaluate(FITS)
    assert await ann.evaluate(PANEL_FITS)
    assert desk is not None
    await ann.set_viewport_size(desk)

    await title.focus()
    await ann.keyboard.press("Enter")
    await expect(card(bob, "Tune the violin")).to_be_visible()
    await expect(title).to_have_count(0)
    await expect(first).to_be_focused()
    made = history.get_by_role("listitem").first
    await expect(made.get_by_role("button")).to_have_text(["Undo"])
    await expect(last.get_by_role("button", name="Undo")).to_have_count(0)  # its title is another one by now
    await expect(last.get_by_role("button", name="Restore the priority “Low”")).to_be_visible()
    await first.get_by_role("button", name="Restore the description “Ask Clara first.”").click()
    await expect(ann.get_by_role("region", name="Description")).to_contain_text("Ask Clara first.")
    await first.get_by_role("button", name="Restore the priority “No priority”").click()
    await expect(restores).to_have_count(0)
    await open_task(bob, "Tune the violin")
    await expect(bob.get_by_role("region", name="Description")).to_contain_text("Ask Clara first.")

    messages = ann.get_by_role("status", name="Messages")
    await expect(messages).to_contain_text("Restored: the title “Tune the violin”")
    await messages.locator("div").filter(has_text="the title").get_by_role("button", name="Undo").click()
    await expect(card(bob, "Buy a new violin")).to_be_visible()
    await expect(title).to_be_visible()  # it is overwritten again


ALIGNED = """entries => entries.every(entry => {
  const found = [entry.querySelector("[role=img], [title]"), entry.querySelector("p > span")];
  const [picture, name] = found.map(one => one.getBoundingClientRect());
  return Math.abs((picture.top + picture.bottom - name.top - name.bottom) / 2) <= 1;
})"""
"""Whether each picture of a person is at the height of their name."""


async def test_the_history_shows_what_was_changed_in_a_long_text(open_page: OpenPage) -> None:
    ann = await arrive(open_page, "Ann")
    path, _ = await found_team(ann)
    await to_board(ann, path)
    await create(ann, "Tune the violin")
    await expect(card(ann, "Tune the violin")).to_contain_text("-")
    task = await card(ann, "Tune the violin").get_attribute("data-task")
    long = " ".join(f"word{number}" for number in range(200))
    changes = [{"id": task, "description": f"{long} {end}."} for end in ("first", "last")]
    await ann.evaluate(ASK, [CHANGE, changes])
    await open_task(ann, "Tune the violin")
    await ann.get_by_role("button", name="History").click()
    history = ann.get_by_role("list", name="History", exact=True).get_by_role("listitem")
    await expect(history).to_have_count(3)
    assert await history.evaluate_all(ALIGNED)
    await history.first.get_by_text("changed the description").click()
    await expect(history.first.locator("del")).to_have_text("removed: first")
    await expect(history.first.locator("ins")).to_have_text("added: last")
    await expect(history.first.locator("ins")).to_be_in_viewport()
    for whole in await history.first.get_by_text("word0").all():
        await expect(whole).not_to_be_visible()
    await is_for_everybody(ann, "history of a text")
    await history.first.get_by_text("The whole texts").click()
    await expect(history.first.get_by_text("Before: word0")).to_be_visible()


async def test_what_is_put_back_without_a_network_waits_and_what_is_written_meanwhile_is_a_conflict(
    open_networked: OpenPage,
) -> None:
    ann, bob = await two_on_a_board(open_networked)
    history = await overwritten(ann, bob)
    first = history.get_by_role("listitem").filter(has_text="Low").last
    await first.get_by_text("changed the title").click()
    title = first.get_by_role("button", name="Restore the title “Tune the violin”")
    await expect(title).to_be_visible()
    network_of(ann).cut()
    status = ann.get_by_role("status", name="Connection")
    await expect(status).to_contain_text("Reconnecting")
    await title.click()
    await expect(card(ann, "Tune the violin")).to_be_visible()
    await has_stored(ann, 1)
    task = await card(bob, "Buy a new violin").get_attribute("data-task")
    await bob.evaluate(ASK, [CHANGE, [{"id": task, "title": "Rent a violin"}]])
    network_of(ann).mend()
    choice = ann.get_by_role("dialog", name="Bob changed this too")
    await expect(choice).to_contain_text("Rent a violin")
    await choice.get_by_role("button", name="Keep mine").click()
    await expect(card(bob, "Tune the violin")).to_be_visible()


async def test_what_was_deleted_is_found_again_and_restored(open_page: OpenPage) -> None:
    ann, bob = await two_on_a_board(open_page)
    await create(ann, "First", "Second", "Third")
    for page in (ann, bob):
        await expect(card(page, "Third")).to_contain_text("-3")
    for title in ("First", "Second"):
        await open_task(ann, title)
        await ann.get_by_role("button", name="Delete task").click()
        await expect(card(bob, title)).to_have_count(0)
    await ann.reload()
    await ann.get_by_role("button", name="View").click()
    await ann.get_by_role("menuitem", name="Deleted tasks").click()
    deleted = ann.get_by_role("list", name="Deleted tasks").get_by_role("listitem")
    await expect(deleted).to_have_count(2)
    await expect(deleted.first).to_contain_text("Second")
    await expect(deleted.last).to_contain_text("First")
    await expect(deleted.last).to_contain_text("Deleted by Ann just now")
    await expect(ann).to_have_title("Deleted tasks · Tutti")
    await is_for_everybody(ann, "deleted tasks")
    desk = ann.viewport_size
    assert desk is not None
    await ann.set_viewport_size(PHONE)
    assert await ann.evaluate(FITS)
    await ann.set_viewport_size(desk)

    third = await card(bob, "Third").get_attribute("data-task")
    await bob.evaluate(ASK, [DELETE, [{"id": third}]])
    await expect(deleted.first).to_contain_text("Deleted by Bob")
    await ann.get_by_role("button", name="Restore “Second”").focus()
    await ann.keyboard.press("Enter")
    await expect(card(bob, "Second")).to_be_visible()
    await expect(deleted).to_have_count(2)
    await expect(ann.get_by_role("button", name="Restore “First”")).to_be_focused()
    for left in (1, 0):  # one after the other, wherever the focus has gone
        await ann.keyboard.press("Enter")
        await expect(deleted).to_have_count(left)
    await expect(ann.get_by_text("Nothing was deleted in the last 30 days.")).to_be_visible()
    assert await ann.evaluate("() => document.activeElement !== document.body")
    await is_for_everybody(ann, "no deleted tasks")
    undo = ann.get_by_role("status", name="Messages").locator("div").filter(has_text="“First” was restored")
    await undo.get_by_role("button", name="Undo").click()
    await expect(deleted).to_have_count(1)
    await ann.get_by_role("link", name="Board").click()
    for page in (ann, bob):
        await expect(card(page, "Second", "To do")).to_be_visible()
        await expect(card(page, "Third", "To do")).to_be_visible()
        await expect(card(page, "First")).to_have_count(0)
    await ann.keyboard.press("Control+k")
    await ann.keyboard.type("deleted")
    await expect(ann.get_by_role("combobox")).to_have_value("deleted")
    await ann.keyboard.press("Enter")
    await expect(deleted).to_have_count(1)


async def test_what_is_restored_without_a_network_waits(open_networked: OpenPage) -> None:
    (ann,) = await team_of(open_networked, "Ann")
    await create(ann, "Gone")
    await open_task(ann, "Gone")
    address = ann.url
    await ann.get_by_role("button", name="Delete task").click()
    await has_stored(ann, 0)
    await ann.goto(address)
    await ann.get_by_role("link", name="Deleted tasks").click()
    deleted = ann.get_by_role("list", name="Deleted tasks").get_by_role("listitem")
    await expect(deleted).to_contain_text("Gone")
    network_of(ann).cut()
    await expect(ann.get_by_role("status", name="Connection")).to_contain_text("Reconnecting")
    await deleted.get_by_role("button").click()
    await expect(deleted.get_by_role("button")).to_have_text("Restored, not saved yet")
    await ann.get_by_role("link", name="Board").click()
    await ann.get_by_role("button", name="View").click()
    await ann.get_by_role("menuitem", name="Deleted tasks").click()
    await expect(ann.get_by_role("heading", name="The deleted tasks cannot be read now.")).to_be_visible()
    network_of(ann).mend()
    await expect(ann.get_by_text("Nothing was deleted in the last 30 days.")).to_be_visible()
    await ann.get_by_role("link", name="Board").click()
    await expect(card(ann, "Gone")).to_be_visible()


async def test_who_may_not_restore_is_not_led_to_what_was_deleted(open_page: OpenPage) -> None:
    ann = await arrive(open_page, "Ann")
    path, invite = await found_team(ann, role="VIEWER")
    vic = await arrive(open_page, "Vic", invite)
    await to_board(vic, path)
    await vic.get_by_role("button", name="View").click()
    await expect(vic.get_by_role("menuitemradio", name="Archived tasks")).to_be_visible()
    await expect(vic.get_by_role("menuitem", name="Deleted tasks")).to_have_count(0)
    await vic.goto(path.replace("board", "deleted"))
    await expect(vic.get_by_role("heading", name="You may not restore tasks here.")).to_be_visible()
