"""Searching for tasks: what is found, the best first, page by page, and never what one may not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.world import World, ghost, make_world
from tests.people import Api, GraphQLFailed, Person

SEARCH = """query ($id: ID!, $words: String!, $first: Int, $after: String, $filter: TaskFilter) {
  searchTasks(workspaceId: $id, query: $words, first: $first, after: $after, filter: $filter) {
    totalCount nodes { id title } edges { cursor node { id } } pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture(scope="module")
async def world(api: Api) -> World:
    return await make_world(api)


async def search(person: Person, world: World, query: str, **more: Any) -> Any:
    return (await person.ask(SEARCH, id=world.id, words=query, **more))["searchTasks"]


async def titles(person: Person, world: World, query: str, **more: Any) -> list[str]:
    return [one["title"] for one in (await search(person, world, query, **more))["nodes"]]


async def test_words_of_the_title_and_of_the_text_are_found_whatever_their_case(world: World) -> None:
    await world.task("Calibrate the Spectrometer")
    await world.task("Order parts", description="For the old *spectrometer*, and a lens.")
    assert await titles(world.viewer, world, "SPECTROMETER") == ["Calibrate the Spectrometer", "Order parts"]
    # All of the words before what only looks alike.
    found = await titles(world.viewer, world, "spectrometer lens")
    assert found == ["Order parts", "Calibrate the Spectrometer"]


async def test_a_word_may_be_begun_or_misspelt(world: World) -> None:
    await world.task("Rehearse the symphony")
    for query in ("symph", "rehearse symph", "simphony", "  Symphony  "):
        assert await titles(world.member, world, query) == ["Rehearse the symphony"], query


async def test_a_phrase_and_a_word_that_must_not_be_there(world: World) -> None:
    await world.task("Blue velvet curtain")
    await world.task("Velvet that is blue")
    assert await titles(world.member, world, '"blue velvet"') == ["Blue velvet curtain"]
    assert await titles(world.member, world, "velvet -curtain") == ["Velvet that is blue"]
    assert set(await titles(world.member, world, "blue-velvet")) == {"Blue velvet curtain", "Velvet that is blue"}


async def test_the_best_come_first(world: World) -> None:
    await world.task("Notes", description="Somewhere below it says marzipan.")
    await world.task("Marzipan")
    await world.task("Marzipan, marzipan", description="marzipan")
    found = await titles(world.member, world, "marzipan")
    assert len(found) == 3
    assert found[-1] == "Notes"


async def test_signs_are_only_signs(world: World) -> None:
    await world.task("Ship 100% of C++ (v2.0) & more | less :* ! <->")
    for query in (
        "100%",
        "C++ (v2.0)",
        "& | :* ! <->",
        "ship:*",
        "'ship",
        '"ship',
        "\\ship",
        "ship -",
        "((ship",
        "%_ship",
    ):
        found = await search(world.member, world, query)
        assert found["totalCount"] == len(found["nodes"]), query
    assert await titles(world.member, world, "ship v2.0") == ["Ship 100% of C++ (v2.0) & more | less :* ! <->"]


async def test_pages_of_what_is_found_have_everything_once(world: World) -> None:
    made = set(await asyncio.gather(*[world.task(f"Lantern {number % 3}", estimate=number) for number in range(17)]))
    whole = await search(world.member, world, "lantern", first=100)
    assert {one["id"] for one in whole["nodes"]} == made
    paged: list[str] = []
    after = None
    while True:
        page = await search(world.member, world, "lantern", first=4, after=after)
        assert page["totalCount"] == 17
        assert [one["node"]["id"] for one in page["edges"]] == [one["id"] for one in page["nodes"]]
        paged += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["edges"][-1]["cursor"] == after
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert paged == [one["id"] for one in whole["nodes"]]


async def test_a_filter_narrows_what_is_found(world: World) -> None:
    await world.task("Compass north", priority="HIGH", labelIds=[world.label])
    await world.task("Compass south", projectId=world.ops)
    archived = await world.task("Compass west")
    await world.owner.do("archiveTask", {"id": archived})
    await world.owner.do("deleteTask", {"id": await world.task("Compass east")})

    async def found(**wanted: Any) -> set[str]:
        listed = await search(world.member, world, "compass", filter=wanted)
        assert listed["totalCount"] == len(listed["nodes"])
        return {one["title"] for one in listed["nodes"]}

    assert await found() == {"Compass north", "Compass south"}
    assert await found(archived=True) == {"Compass west"}
    assert await found(archived=None) == {"Compass north", "Compass south", "Compass west"}
    assert await found(priority={"gte": "HIGH"}) == {"Compass north"}
    assert await found(labels={"any": [world.label]}) == {"Compass north"}
    assert await found(project={"eq": world.ops}) == {"Compass south"}
    assert await found(**{"not": {"project": {"eq": world.ops}}}) == {"Compass north"}
    assert await found(project={"in": []}) == set()


async def test_everybody_finds_what_they_may_read(world: World) -> None:
    await world.task("Sunflower in the web", projectId=world.web)
    await world.task("Sunflower in operations", projectId=world.ops)
    await world.task("Sunflower nowhere")
    elsewhere = await world.stranger.create_workspace("Elsewhere")
    await world.stranger.create_task(elsewhere, "Sunflower elsewhere")

    everything = {"Sunflower in the web", "Sunflower in operations", "Sunflower nowhere"}
    for person, seen in (
        (world.owner, everything),
        (world.viewer, everything),
        (world.guest, {"Sunflower in the web"}),
        (world.other_guest, {"Sunflower in operations"}),
    ):
        listed = await search(person, world, "sunflower")
        assert {one["title"] for one in listed["nodes"]} == seen
        assert listed["totalCount"] == len(seen)
    moved = (await search(world.owner, world, "sunflower nowhere"))["nodes"][0]["id"]
    await world.owner.do("moveTask", {"id": moved, "projectId": world.web})
    assert len(await titles(world.guest, world, "sunflower")) == 2


async def test_a_workspace_that_one_is_not_in_has_nothing_to_find(world: World) -> None:
    answers = []
    for workspace_id in (world.id, ghost("workspace")):
        for person in (world.outsider, world.removed):
            asked = {"id": workspace_id, "words": "task"}
            answer = await person.answer(SEARCH, **asked)
            del answer["extensions"]  # what is left to spend
            answers.append(answer)
    assert answers == [answers[0]] * 4


@pytest.mark.parametrize("query", ["", "   ", "x" * 201])
async def test_too_few_and_too_many_letters_are_refused(world: World, query: str) -> None:
    with pytest.raises(GraphQLFailed) as failed:
        await search(world.member, world, query)
    assert failed.value.codes == ["BAD_REQUEST"]


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    await world.task("Somewhere")
    listed = await world.member.ask(
        "query ($id: ID!) { workspace(by: {id: $id}) { tasks(first: 1) { pageInfo { endCursor } } } }", id=world.id
    )
    for after in (listed["workspace"]["tasks"]["pageInfo"]["endCursor"], "nonsense", ""):
        with pytest.raises(GraphQLFailed) as failed:
            await search(world.member, world, "somewhere", after=after)
        assert failed.value.codes == ["BAD_REQUEST"], after


WHERE = """query ($id: ID!, $words: String!, $first: Int) {
  searchTasks(workspaceId: $id, query: $words, first: $first) { edges { node { id title } textMatches {
    field comment { id author { name } } segments { text isMatch } } } } }"""


async def where(person: Person, world: World, query: str) -> dict[str, list[tuple[str, str | None, str]]]:
    """Title -> (field, who said it, the passage with «its matches»)."""
    found = (await person.ask(WHERE, id=world.id, words=query))["searchTasks"]["edges"]
    return {
        one["node"]["title"]: [
            (
                match["field"],
                match["comment"] and match["comment"]["author"]["name"],
                "".join(f"«{part['text']}»" if part["isMatch"] else part["text"] for part in match["segments"]),
            )
            for match in one["textMatches"]
        ]
        for one in found
    }


async def say(person: Person, task_id: str, body: str) -> str:
    return (await person.do("createComment", {"taskId": task_id, "body": body}, "comment { id }"))["comment"]["id"]


async def test_it_is_told_where_the_words_are(world: World) -> None:
    task = await world.task("Order quince", description="Or quinces from the *garden*.")
    await say(world.owner, task, "Which quince?")
    best = await say(world.member, task, "Quince, quince and quince!")
    await world.task("Orchard", description="Somewhere a quince")
    name = (await world.member.ask("{ viewer { user { name } } }"))["viewer"]["user"]["name"]
    assert await where(world.viewer, world, "quince") == {
        "Order quince": [
            ("TITLE", None, "Order «quince»"),
            ("DESCRIPTION", None, "Or «quince»s from the *garden*."),
            ("COMMENT", name, "«Quince», «quince» and «quince»!"),
        ],
        "Orchard": [("DESCRIPTION", None, "Somewhere a «quince»")],
    }
    assert await where(world.viewer, world, "quincce") == {"Order quince": []}
    listed = (await world.viewer.ask(WHERE, id=world.id, words="quince"))["searchTasks"]["edges"]
    assert listed[0]["textMatches"][2]["comment"]["id"] == best
    # A word that must not be there is asked of the task alone, and the others are whole ones then.
    assert [one[0] for one in (await where(world.viewer, world, "quince -apple"))["Order quince"]] == ["TITLE"]


async def test_a_passage_is_of_what_one_may_read_and_of_nothing_that_was_deleted(world: World) -> None:
    secret = await world.task("Somewhere else", projectId=world.ops)
    await say(world.owner, secret, "The heliotrope is hidden")
    task = await world.task("Below the window", projectId=world.web)
    gone = await say(world.owner, task, "A heliotrope, heliotrope, heliotrope")
    await say(world.owner, task, "One heliotrope stays")
    await world.owner.do("deleteComment", {"id": gone}, "deletedCommentId")
    passages = {
        title: [one[2] for one in found] for title, found in (await where(world.guest, world, "heliotrope")).items()
    }
    assert passages == {"Below the window": ["One «heliotrope» stays"]}
    assert len(await where(world.member, world, "heliotrope")) == 2


async def test_another_list_of_tasks_has_no_passages(world: World) -> None:
    query = "query ($id: ID!) { workspace(by: {id: $id}) { tasks(first: 1) { edges { textMatches { field } } } } }"
    await world.task("Anything")
    answer = await world.member.ask(query, id=world.id)
    assert answer["workspace"]["tasks"]["edges"] == [{"textMatches": None}]


async def test_a_word_of_letters_that_combine_is_found_by_its_beginning_and_marked_whole(world: World) -> None:
    await world.task("यह हिन्दी है")
    assert await where(world.viewer, world, "हिन") == {"यह हिन्दी है": [("TITLE", None, "यह «हिन्»दी है")]}


async def test_a_phrase_marks_whole_words(world: World) -> None:
    await world.task("Marmaladeberry", description="Has marmalade in it")
    assert await where(world.viewer, world, '"marmalade"') == {
        "Marmaladeberry": [("DESCRIPTION", None, "Has «marmalade» in it")]
    }


async def test_a_long_title_is_told_whole(world: World) -> None:
    title = f"{'So long a title ' * 20}with a kumquat"
    await world.task(title)
    found = await where(world.viewer, world, "kumquat")
    assert found == {title: [("TITLE", None, title.replace("kumquat", "«kumquat»"))]}
