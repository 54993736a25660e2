"""The demo team: whoever signs in as its first person finds work, talk, and news of them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from db.accounts import user_by_email
from db.models import NotificationKind
from db.notifications import Wanted, shown_page, unread_by_user_ids
from db.pages import PageRequest
from db.session import Database, Session
from db.tables import comments, reactions
from domain.access import scope_of
from domain.sessions import person
from server.seed import seed
from server.settings import Settings
from tests.stack_fixture import TestStack


async def test_the_demo_account_has_been_told_of_several_things_and_has_read_some(
    stack: TestStack, tmp_path: Path
) -> None:
    with stack.new_database() as url:
        account = await seed(Settings(database_url=url, state_dir=tmp_path, jwt_secrets=("x" * 32,)))
        assert account is not None
        database = Database(url, pool_size=1)

        async def look(session: Session) -> None:
            user = await user_by_email(session, account.email)
            assert user is not None
            scope = await scope_of(session, person(user.id))
            page = await shown_page(session, scope, user.id, Wanted(), PageRequest(100))
            kinds = {one.kind for one in page.rows}
            wanted = {"MENTION", "ASSIGNED", "COMMENT", "REPLY", "REACTION"}
            assert wanted <= {kind.value for kind in kinds}, kinds
            assert NotificationKind.INVITED not in kinds
            unread = (await unread_by_user_ids(session, [user.id]))[user.id]
            assert 5 <= unread < len(page.rows)
            for table in (comments, reactions):
                assert (await session.execute(select(func.count()).select_from(table))).scalar_one() >= 10

        await database.alone(look)
        await database.close()
