"""What is left of an erased person: an id."""

from __future__ import annotations

from db import accounts
from db.tables import metadata
from domain.erasure import DELETED_NAME, delete_account
from tests.domain.people import PASSWORD, Town, actor_of

ERASED = {
    "account_tokens",
    "mails",
    "memberships",
    "notification_counts",
    "notification_heads",
    "notification_mails",
    "notifications",
    "reminders",
    "sessions",
    "task_assignees",
    "task_subscriptions",
}
"""With the person, or with their memberships."""
KEPT = {"api_tokens", "invites", "reactions", "webhooks"}
"""What they did together with others."""


def test_whatever_points_at_a_person_is_erased_or_kept_on_purpose() -> None:
    pointing = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "users"
    }
    assert pointing == ERASED | KEPT


async def test_nothing_of_a_person_is_left_and_their_address_is_free_again(town: Town) -> None:
    somebody = await town.somebody(name="Ada")
    await delete_account(town.desk, actor_of(somebody), PASSWORD)
    assert await town.database.alone(lambda one: accounts.user_by_email(one, somebody.user.email)) is None
    assert await town.database.alone(lambda one: accounts.session_by_id(one, somebody.session.id)) is None
    again = await town.somebody(email=somebody.user.email, handle=somebody.user.handle)
    assert again.user.id != somebody.user.id
    assert again.user.name != DELETED_NAME
