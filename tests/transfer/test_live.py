"""An import while people are at work: who listens sees it come, without anything that the command itself announces."""

from __future__ import annotations

from uuid import UUID

from db.models import Actor, ActorKind, ActorRef
from tests.api.views import FOLLOW, View
from tests.api.watchers import Watcher
from tests.db.office import Office
from tests.people import Api
from tests.transfer.test_other_programs import source
from transfer.loading import Loader, Plan, Report
from transfer.reading import READERS


async def test_who_listens_sees_each_imported_thing_as_if_people_had_made_it(api: Api, office: Office) -> None:
    ann = await api.sign_up("Ann")
    workspace_id = await ann.create_workspace()
    view = await View.read(ann, workspace_id)
    plan = Plan(UUID(workspace_id.partition("_")[2]), Actor(ActorRef(ActorKind.USER, UUID(ann.id.partition("_")[2]))))

    async with ann.socket() as socket:
        stream = await socket.subscribe(FOLLOW, workspaceId=workspace_id, after=view.cursor)
        watcher = Watcher("ann", ann, stream, view)
        for form in ("trello", "github", "todoist"):
            done: list[Report] = []
            loader = Loader(office.database, office.writer, plan, done.append)
            await loader.load(READERS[form](source(form)))
            told = await watcher.catch_up(await ann.cursor(workspace_id))
            assert len(told) >= loader.report.added["task"] > 0
        assert not [one for one in told if "resync" in one]
    fresh = await View.read(ann, workspace_id)
    assert watcher.view.differences(fresh) == []
