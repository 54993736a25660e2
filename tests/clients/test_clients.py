"""The npm clients against a real server: the same two people with graphql-ws, urql and Apollo, and the HTTP audits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "web"))

from build import generate, install  # noqa: E402 - web/ is no package: its scripts run before any environment exists
from node import Node, find_node  # noqa: E402


@pytest.fixture(scope="session")
def node() -> Node:
    found = find_node()
    install(HERE, found)
    return found


def run(node: Node, *arguments: str | Path, cwd: Path = HERE, **environment: str) -> None:
    """Runs a Node program. What it printed is the failure's message."""
    result = subprocess.run(
        [str(node.executable), *(str(argument) for argument in arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("client", ["graphql-ws", "urql", "apollo"])
def test_two_people_work_together_and_nothing_is_missed_over_a_cut(node: Node, server_url: str, client: str) -> None:
    run(node, f"{client}.mjs", server_url)


def test_every_audit_of_graphql_over_http_passes(node: Node, server_url: str) -> None:
    run(node, "audit.mjs", server_url)


def test_the_documents_of_these_clients_are_valid_against_the_schema(node: Node) -> None:
    run(node, "validate.mjs", ROOT / "graphql-schema.graphql")


def test_the_web_pages_pass_the_strict_type_check_and_the_linter(node: Node) -> None:
    install(ROOT / "web", node)
    generate(node)
    run(node, "node_modules/oxlint/bin/oxlint", "--deny-warnings", "src", cwd=ROOT / "web")
    run(node, "node_modules/typescript/bin/tsc", "--noEmit", cwd=ROOT / "web")


def test_the_replica_of_the_web_client_keeps_its_rules(node: Node) -> None:
    install(ROOT / "web", node)
    run(node, "node_modules/vitest/vitest.mjs", "run", cwd=ROOT / "web")


def test_copies_of_several_people_converge_over_cut_links_and_lose_nothing(node: Node, server_url: str) -> None:
    install(ROOT / "web", node)
    run(node, "node_modules/vitest/vitest.mjs", "run", cwd=ROOT / "web", TUTTI_URL=server_url)
