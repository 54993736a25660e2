"""The npm clients against a real server, the HTTP audits, and what tools of the GraphQL world say of the schema."""

import json
import shutil
from pathlib import Path

import pytest

from tests.clients.programs import HERE, ROOT, SHOWN_PATH, Node, generate, install, run
from tests.site.pages import block
from tests.site.served import Served


@pytest.mark.parametrize("client", ["graphql-ws", "urql", "apollo"])
def test_two_people_work_together_and_nothing_is_missed_over_a_cut(node: Node, served: Served, client: str) -> None:
    run(node, f"{client}.mjs", served.url)


def test_every_audit_of_graphql_over_http_passes(node: Node, server_url: str) -> None:
    run(node, "audit.mjs", server_url)


def test_an_event_stream_that_is_cut_resumes_from_its_cursor_with_graphql_sse(node: Node, server_url: str) -> None:
    run(node, "graphql-sse.mjs", server_url)


def test_graphql_inspector_finds_no_broken_promise_and_no_invalid_or_deprecated_document(node: Node) -> None:
    run(node, "inspect.mjs", ROOT)


def test_the_schema_keeps_the_rules_of_graphql_eslint(node: Node) -> None:
    run(node, "lint.mjs", ROOT)


def test_the_relay_compiler_takes_the_schema(node: Node, tmp_path: Path) -> None:
    shutil.copytree(HERE / "relay", tmp_path / "src")
    shutil.copy(ROOT / "graphql-schema.graphql", tmp_path)
    config = {"src": "src", "schema": "graphql-schema.graphql", "language": "typescript", "artifactDirectory": "out"}
    (tmp_path / "relay.config.json").write_text(json.dumps(config))
    (tmp_path / "out").mkdir()
    run(node, HERE / "node_modules/relay-compiler/cli.js", "--noWatchman", cwd=tmp_path)
    made = {file.name.removesuffix(".graphql.ts") for file in (tmp_path / "out").iterdir()}
    assert {"boardQuery", "boardTasksQuery", "boardCreateMutation", "boardSubscription"} <= made


def test_the_web_pages_pass_the_strict_type_check_and_the_linter(node: Node) -> None:
    install(ROOT / "web", node)
    generate(node)
    run(node, "node_modules/oxlint/bin/oxlint", "--deny-warnings", "src", cwd=ROOT / "web")
    run(node, "node_modules/typescript/bin/tsc", "--noEmit", cwd=ROOT / "web")


def test_the_replica_of_the_web_client_keeps_its_rules(node: Node) -> None:
    install(ROOT / "web", node)
    run(node, "node_modules/vitest/vitest.mjs", "run", cwd=ROOT / "web")


def test_copies_of_several_people_converge_over_cut_links_and_lose_nothing(node: Node, server_url: str) -> None:
    """By the command that docs/replica.md shows, but for the number of games."""
    install(ROOT / "web", node)
    shown = block("docs/replica.md", "sh")
    assert "http://127.0.0.1:8000" in shown
    assert "TUTTI_RUNS=100" in shown
    text = shown.replace("http://127.0.0.1:8000", server_url).replace("TUTTI_RUNS=100", "TUTTI_RUNS=6")
    run("bash", "-e", "-c", text, cwd=ROOT, **SHOWN_PATH, NODE=str(node.executable))
