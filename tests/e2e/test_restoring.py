"""What somebody overwrote is in the history of its task, and is put back from there."""

from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import OpenPage
from tests.e2e.documents import CHANGE
from tests.e2e.network import network_of
from tests.e2e.test_accessible import FITS, PANEL_FITS, PHONE, is_for_everybody
from tests.e2e.test_client import ASK, card, create, has_stored, is_live, open_task, two_on_a_board


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
    await is_live(ann)
    choice = ann.get_by_role("dialog", name="Bob changed this too")
    await expect(choice).to_contain_text("Rent a violin")
    await choice.get_by_role("button", name="Keep mine").click()
    await expect(card(bob, "Tune the violin")).to_be_visible()
