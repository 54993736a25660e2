"""The TypeScript client, built as a package, against a real server: its own tests, and what its README shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.clients.programs import ROOT, Node, alone, install, run
from tests.people import Api

PACKAGE = ROOT / "clients/typescript"
SNIPPET = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = ["Somebody wrote Tune both violins", "new: Book the hall by Bot", "Sell the tuba", "urql: [", "Apollo: ["]
"""What each snippet of the README prints."""


@pytest.fixture(scope="session")
def package(node: Node) -> Path:
    """Built, unless it is: tests of another process may be using it."""
    install(PACKAGE, node)
    stamp, wanted = PACKAGE / "node_modules/.built-from", digest()
    with alone(PACKAGE):
        if not stamp.is_file() or stamp.read_text() != wanted:
            run(node, "build.mjs", cwd=PACKAGE)
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


async def test_the_snippets_of_its_readme_are_typed_and_run(node: Node, package: Path, api: Api) -> None:
    ann = await api.sign_up()
    workspace_id = await ann.create_workspace()
    _, secret = await ann.create_token(workspace_id, ["TASK_READ", "TASK_WRITE"])
    given = {"TUTTI_URL": api.url, "TUTTI_TOKEN": secret, "TUTTI_WORKSPACE": workspace_id}
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
