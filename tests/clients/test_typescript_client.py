"""The TypeScript client, built as a package, against a real server: its own tests, and what its README shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.clients.programs import ROOT, SHOWN_PATH, Node, alone, install, run
from tests.people import Api
from tests.site.pages import block

PACKAGE = ROOT / "clients/typescript"
SNIPPET = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = ["Somebody wrote Tune both violins", "new: Book the hall by Bot", "Sell the tuba", "urql: [", "Apollo: ["]
"""What each snippet of the README prints."""


AROUND_THE_REPLICA = """
import {{ createClient }} from "graphql-ws";
import WebSocket from "ws";
import {{ MemoryStorage, openWorkspace, Replica, Sync, Tutti }} from "tutti-client";
import {{ taskEffects, undoEffects, undoing, uuidv7 }} from "tutti-client";
import type {{ WorkspaceRows }} from "tutti-client";

const {{ TUTTI_URL = "", TUTTI_TOKEN = "", TUTTI_WORKSPACE: workspaceId = "", TUTTI_TASK: id = "" }} = process.env;
const tutti = new Tutti({{ url: TUTTI_URL, token: TUTTI_TOKEN, webSocket: WebSocket }});
const workspace = await openWorkspace(tutti, workspaceId);
const server = workspace.sync["server"]; // three functions, over this client
type BoardRow = WorkspaceRows;
class IndexedDbStorage extends MemoryStorage<BoardRow> {{
  constructor(readonly name: string) {{ super(); }}
}}
const socket = createClient({{
  url: TUTTI_URL.replace("http", "ws") + "/graphql", webSocketImpl: WebSocket, lazy: false,
  connectionParams: {{ authorization: `Bearer ${{TUTTI_TOKEN}}` }},
}});
const me = "user_of_this_browser";
const task = {{ version: 1 }};
const toast = (first: unknown, reasons: unknown): void => console.error(first, reasons);
const render = (changed: ReadonlySet<string>): void => console.log("rendered", changed.size);

{shown}

await sync.sent();
await sync.stop();
await workspace.close();
await tutti.close();
await socket.dispose();
"""
"""What stands around the snippet of docs/replica.md, by names that it does not explain."""


@pytest.fixture(scope="session")
def package(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as its README says, unless it is: tests of another process may be using it."""
    stamp, wanted = PACKAGE / "node_modules/.built-from", digest()
    with alone(PACKAGE):
        if not stamp.is_file() or stamp.read_text() != wanted:
            packed = tmp_path_factory.mktemp("packed")
            say = block("clients/typescript/README.md", "sh")
            tools = {"NODE": str(node.executable), "NPM": str(node.npm_cli), "PYTHON": sys.executable}
            run("bash", "-e", "-c", say, cwd=ROOT, **tools, **SHOWN_PATH, npm_config_pack_destination=str(packed))
            assert [one.name for one in packed.iterdir()] == re.findall(r"tutti-client-[\d.]+tgz", say)
            stamp.write_text(wanted)
    return PACKAGE


def digest() -> str:
    """Of all that the package is built from."""
    names = ("build.mjs", "codegen.ts", "package-lock.json", "tsconfig.json", "src/*.*")
    files = [file for name in names for file in sorted(PACKAGE.glob(name))]
    files += [ROOT / "graphql-schema.graphql", *sorted((ROOT / "web/src/sync").glob("*.ts"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def test_the_client_keeps_what_it_promises(node: Node, package: Path, server_url: str) -> None:
    options = ["--test", "--test-force-exit", "--test-reporter=spec"]
    run(node, *options, "tests/client.test.mjs", cwd=package, TUTTI_URL=server_url)


def test_what_is_published_is_the_built_code_and_its_types(node: Node, package: Path) -> None:
    told = run(node, node.npm_cli, "pack", "--dry-run", "--json", "--ignore-scripts", cwd=package)
    files = {file["path"] for file in json.loads(told)[0]["files"]}
    assert {"dist/index.js", "dist/index.d.ts", "dist/generated/sync/replica.js", "README.md"} <= files
    assert not [file for file in files if file.startswith(("src/", "tests/")) or ".test." in file]


def test_copies_of_several_people_converge_with_what_is_published(node: Node, package: Path, server_url: str) -> None:
    """The game that the web client's replica plays, on the built package over its own connections."""
    install(ROOT / "web", node)
    game = ["node_modules/vitest/vitest.mjs", "run"]
    run(node, *game, cwd=ROOT / "web", TUTTI_URL=server_url, TUTTI_PACKAGE=str(package), TUTTI_RUNS="3")


async def test_the_replica_is_used_as_its_page_shows(node: Node, package: Path, served_api: Api) -> None:
    ann = await served_api.sign_up()
    workspace_id = await ann.create_workspace()
    task_id = await ann.create_task(workspace_id, "Old")
    folder = package / "build/replica"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "shown.mts").write_text(AROUND_THE_REPLICA.format(shown=block("docs/replica.md", "ts")))
    options = ["--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", "node"]
    run(node, "node_modules/typescript/bin/tsc", *options, "--ignoreConfig", folder / "shown.mts", cwd=package)
    given = {"TUTTI_URL": served_api.url, "TUTTI_TOKEN": ann.token, "TUTTI_WORKSPACE": workspace_id}
    said = await asyncio.to_thread(run, node, folder / "shown.mjs", cwd=package, TUTTI_TASK=task_id, **given)
    assert "rendered" in said
    history = "query ($id: ID!) { task(by: {id: $id}) { title history(first: 2) { nodes { changes { after } } } } }"
    task = (await ann.ask(history, id=task_id))["task"]
    assert task["title"] == "Old"
    assert [one["changes"] for one in task["history"]["nodes"]] == [[{"after": "Old"}], [{"after": "New"}]]


async def test_the_snippets_of_its_readme_are_typed_and_run(node: Node, package: Path, served_api: Api) -> None:
    ann = await served_api.sign_up()
    workspace_id = await ann.create_workspace()
    _, secret = await ann.create_token(workspace_id, ["TASK_READ", "TASK_WRITE"])
    given = {"TUTTI_URL": served_api.url, "TUTTI_TOKEN": secret, "TUTTI_WORKSPACE": workspace_id}
    snippets = SNIPPET.findall((package / "README.md").read_text())
    assert len(snippets) == len(SHOWN)
    folder = package / "build/snippets"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, snippet in enumerate(snippets):
        (folder / f"{number}.mts").write_text(snippet)
        (folder / f"{number}.mjs").write_text(snippet)
    tsc = [node, "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck"]
    options = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--ignoreConfig"]
    run(*tsc, *options, *sorted(folder.glob("*.mts")), cwd=package)
    for number, shown in enumerate(SHOWN):
        assert shown in await asyncio.to_thread(run, node, folder / f"{number}.mjs", cwd=package, **given)
